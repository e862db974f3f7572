"""What a connection of an exporter to `listen` means: the causes of `diagnose`, from the other side.

Pure. The outcome is `confirmed` only where an OTLP request came and was answered with success.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.exporter_alerts import SERVER_CAUSES, state_meaning
from probe.diagnosis.readings.exporter_requests import (
    RequestReading,
    read_refused,
    read_unanswered,
)
from probe.diagnosis.readings.path_fault_text import describe_fault
from probe.exporters.withholding import WITHHOLDING, names_issuer_of
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.diagnosis import Diagnosis, Outcome
from probe.model.evidence import Alert, Stage, TargetFacts
from probe.model.exporter_connection import ExporterConnection
from probe.model.finding import Finding
from probe.model.path_fault import PathFault, PathFaultKind
from probe.model.tls_alerts import TlsAlert, format_alert
from probe.text.safe_text import safe_text

NOT_SENT: Final = "client_cert_not_sent"
UNTRUSTED: Final = "client_ca_untrusted"
SERVER_UNTRUSTED: Final = "server_ca_untrusted"

_WITHHOLDING: Final = frozenset(runtime.id for runtime in WITHHOLDING)
_SILENT: Final = frozenset({"java-jdk", "node-grpc", "node-http", "python-grpc"})
"""Exporters that end the connection without an alert where they refuse a server's certificate, or its
name: grpc-core and JDK's HttpClient within the handshake, Node after it."""
_NAMED: Final = 3

_RULES: Final[Mapping[PathFaultKind, str]] = {
    "expired": "server_cert_expired",
    "not_yet_valid": "server_cert_not_yet_valid",
    "name_mismatch": "server_name_mismatch",
    "wrong_usage": "server_cert_wrong_usage",
    "weak_key": "server_cert_weak",
    "weak_signature": "server_cert_weak",
    "unreadable": "server_cert_unreadable",
}
"""By what the model of the exporter's verifier finds; every other rule is `server_chain_invalid`."""

_NEGOTIATION: Final[Mapping[int, tuple[str, ...]]] = {
    TlsAlert.PROTOCOL_VERSION: ("protocol_version_mismatch",),
    TlsAlert.NO_APPLICATION_PROTOCOL: ("alpn_mismatch",),
    TlsAlert.HANDSHAKE_FAILURE: (
        "no_shared_cipher", "no_shared_group", "no_shared_signature_algorithm",
    ),
    TlsAlert.INSUFFICIENT_SECURITY: ("no_shared_cipher", "no_shared_group"),
}  # fmt: skip
"""What our own alert means where no certificate was judged: the first is the most frequent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSide:
    """What is known of the listener's own files, for one connection."""

    host: str
    port: int
    faults: tuple[PathFault, ...] = ()
    """Rules that our chain breaks for the verifier of the exporter, whatever it trusts."""
    remarks: tuple[Finding, ...] = ()
    """What `inspect` says of our own files."""
    client_cas: tuple[CertificateFacts, ...] = ()
    """Whose clients are accepted."""


def diagnose_exporter(
    connection: ExporterConnection, refusals: Sequence[Finding], side: ListenerSide
) -> Diagnosis:
    """Say what a connection means.

    Args:
        connection: As far as it has come.
        refusals: Why a Collector refuses the chain that was presented; none: it accepts it.
        side: The listener's own.
    """
    found = _Found(connection, side)
    if connection.speech != "tls":
        return _diagnose_without_tls(found)
    alert = _last_fatal(connection, "received")
    if alert is not None and not connection.request_count:
        return _diagnose_alert(found, alert)
    if refusals:
        return _diagnose_refusals(found, refusals)
    if connection.certificate == "none":
        return _diagnose_none(found)
    if connection.end == "close" and connection.detail and not connection.request_count:
        return found.leave_open("accept" if connection.complete else "handshake", connection.detail)
    if not connection.complete:
        return _diagnose_unfinished(found)
    if not connection.request_count:
        reading = read_unanswered(connection)
        return _diagnose_silence(found) if reading is None else _conclude(found, reading)
    return _diagnose_requests(found)


class _Found:
    """Makes a Diagnosis in the words of the catalogue."""

    def __init__(self, connection: ExporterConnection, side: ListenerSide) -> None:
        self.connection = connection
        self.side = side
        host = connection.server_name or side.host
        self._target = TargetFacts(
            name="listen",
            endpoint=f"{host}:{side.port}",
            host=host,
            port=side.port,
            protocol="grpc",
        )

    @property
    def is_judged(self) -> bool:
        """Whether our own chain was judged as this exporter judges it."""
        return self.connection.looks_near

    @property
    def withholds(self) -> bool:
        """Whether the exporter may be one that sends no certificate where the list lacks its issuer."""
        like = self.connection.looks_like
        return not self.connection.looks_near or bool(_WITHHOLDING & set(like))

    @property
    def withheld(self) -> str:
        """The fact that what was presented here was withheld before; empty: it was not."""
        before = self.connection.withheld_before
        named = [one.subject for one in self.side.client_cas]
        if not before or not self.withholds or names_issuer_of(self.connection.chain, named):
            return ""
        return (
            f"connection {before}, to which the accepted CAs were named, presented no certificate: "
            "none of these CAs issued it, and this exporter withholds it there"
        )

    def fail(
        self,
        cause: str,
        stage: Stage,
        facts: Sequence[str],
        *,
        also: Sequence[str] = (),
        decides: str = "",
        fix: Sequence[str] = (),
        proven: Sequence[str] = (),
    ) -> Diagnosis:
        """Return a failure; `also` is what remains possible, `proven` what would stop it, too."""
        known = CATALOGUE[cause]
        return Diagnosis(
            outcome="failed",
            stage=stage,
            cause=cause,
            family=known.family,
            documented_cause=known.documented_cause,
            certain=not also,
            also=tuple(dict.fromkeys(one for one in (*proven, *also) if one != cause)),
            facts=tuple(safe_text(fact, 700) for fact in dict.fromkeys(facts)),
            would_decide=decides,
            fix=tuple(fix) or fill_steps(known.fix, self._target),
            party=known.party,
        )

    def leave_open(self, stage: Stage, fact: str, outcome: Outcome = "unconfirmed") -> Diagnosis:
        """Return that nothing is wrong that could be named."""
        return Diagnosis(outcome=outcome, stage=stage, certain=False, facts=(safe_text(fact, 700),))


def _last_fatal(connection: ExporterConnection, direction: str) -> Alert | None:
    return next(
        (
            one
            for one in reversed(connection.alerts)
            if one.direction == direction and one.level == "fatal"
        ),
        None,
    )


def _diagnose_without_tls(found: _Found) -> Diagnosis:
    connection = found.connection
    if connection.speech in {"http", "h2"}:
        what = "an HTTP/2 preface" if connection.speech == "h2" else "an HTTP request"
        said = f": {connection.first_bytes}" if connection.first_bytes else ""
        fact = f"the connection begins with {what} without TLS{said}; this port speaks TLS only"
        return found.fail("tls_off", "handshake", (fact,))
    if connection.speech == "nothing":
        return found.leave_open(
            "connect",
            "no byte came: a health check of a load balancer or a scan connects like that",
        )
    fact = f"the connection does not begin with a ClientHello, but with {connection.first_bytes}"
    return found.leave_open("handshake", fact)


def _diagnose_alert(found: _Found, alert: Alert) -> Diagnosis:
    """Say which fault of our own certificate an exporter's alert is about."""
    named = SERVER_CAUSES.get(alert.number, ())
    proven = dict(_list_own_faults(found))
    fact = f"the exporter sent alert {format_alert(alert.number)}: {state_meaning(alert.number)}"
    fitting = [cause for cause in proven if not named or cause in named]
    if fitting:
        first = fitting[0]
        others = [cause for cause in proven if cause != first]
        said = (fact, *(proven[cause] for cause in (first, *others)))
        return found.fail(first, "handshake", said, proven=others)
    if not named:
        if alert.number in _NEGOTIATION:
            first, *others = _NEGOTIATION[alert.number]
            return found.fail(first, "handshake", (fact,), also=others, decides=_COMPARE_OFFERS)
        return found.fail("unexplained", "handshake", (fact,), also=("handshake_rejected",))
    first, *others = named
    facts = [fact, *proven.values()]
    possible = others
    if found.is_judged:
        # What the model of this exporter does not find is not there; its clock is another one.
        possible = [one for one in others if one in _NOT_JUDGED_HERE]
        if not found.connection.server_name and "server_name_mismatch" in named:
            possible.append("server_name_mismatch")
    if first == SERVER_UNTRUSTED:
        facts.append("by its own files nothing else is wrong with this backend's certificate")
    decides = "what the exporter's own log says, or its ca_file: inspect --ca FILE --endpoint NAME"
    return found.fail(
        first, "handshake", facts, also=possible, decides=decides if possible else "",
        proven=tuple(proven),
    )  # fmt: skip


_NOT_JUDGED_HERE: Final = frozenset({"clock_skew", "server_cert_revoked"})
_COMPARE_OFFERS: Final = "the offers of the exporter next to those of the backend"


def _list_own_faults(found: _Found) -> Iterator[tuple[str, str]]:
    """Yield each fault of our own chain as cause and fact, what an exporter meets first before."""
    for fault in found.side.faults:
        name = fault.subject or "a certificate of this backend"
        cause = _RULES.get(fault.kind, "server_chain_invalid")
        if fault.kind not in {"no_anchor", "bad_signature"}:
            yield cause, f"this backend presents {name}, which {describe_fault(fault)}"
    for one in found.side.remarks:
        if one.cause.startswith("server_") and one.cause != "server_name_mismatch":
            yield one.cause, one.fact


def _diagnose_refusals(found: _Found, refusals: Sequence[Finding]) -> Diagnosis:
    """Say why what the exporter presented is refused."""
    connection = found.connection
    first = refusals[0]
    facts = [one.fact for one in refusals]
    sent = _last_fatal(connection, "sent")
    if sent is not None:
        facts.append(f"it was refused with alert {format_alert(sent.number)}, as a Collector does")
    elif connection.complete:
        facts.append("--accept-any accepted it; a Collector with this client_ca_file refuses it")
    facts += [found.withheld] if found.withheld else []
    proven = [one.cause for one in refusals[1:]]
    return found.fail(first.cause, "accept", facts, fix=first.fix, proven=proven)


def _diagnose_none(found: _Found) -> Diagnosis:
    """Say whether an exporter without a certificate has none, or withholds it."""
    connection = found.connection
    fact = "the exporter presented no certificate, and one is demanded"
    if connection.complete:
        fact += " by a Collector with this client_ca_file; --accept-any accepted it"
    if not connection.named_cas:
        return found.fail(
            NOT_SENT, "accept", (fact, "no CA was named to it, so that none was withheld for that")
        )
    cas = ", ".join(connection.named_cas[:_NAMED])
    more = len(connection.named_cas) - _NAMED
    named = f"these CAs were named to it: {cas}{f' and {more} more' if more > 0 else ''}"
    also, facts, first = (UNTRUSTED,), [fact, named], NOT_SENT
    if connection.presented_later:
        facts.append(
            f"connection {connection.presented_later}, to which no CA was named, presented a "
            "certificate: here it was withheld, because the list does not name its issuer"
        )
        first, also = UNTRUSTED, (NOT_SENT,)
    elif connection.none_without_list:
        facts.append(
            f"connection {connection.none_without_list}, to which no CA was named, presented none "
            "either"
        )
    elif found.withholds:
        facts.append(
            "it is possible that it was withheld: the SDKs of Go and Java send none where the list "
            "does not name its issuer"
        )
    else:
        facts.append("exporters like this one send theirs whatever the list says")
    return found.fail(first, "accept", facts, also=also, decides=_WITHOUT_LIST)


_WITHOUT_LIST: Final = "a connection to which no CA is named: the next one of this exporter is, or all with --no-ca-hints"


def _diagnose_unfinished(found: _Found) -> Diagnosis:
    connection = found.connection
    sent = _last_fatal(connection, "sent")
    if sent is not None:
        facts = [f"this backend sent alert {format_alert(sent.number)}"]
        if connection.offer is not None:
            offer = connection.offer
            facts.append(f"the exporter offers TLS {offer.min_version} to {offer.max_version}")
        named = _NEGOTIATION.get(sent.number, ())
        if sent.number == TlsAlert.NO_APPLICATION_PROTOCOL:
            facts.append(f"it offers the application protocols {', '.join(connection.alpn)}")
        if connection.certificate == "presented":
            facts.append("the exporter presented a certificate that the TLS library does not take")
            return found.fail("client_cert_rejected", "accept", facts)
        if named:
            first, *others = named
            return found.fail(
                first, "handshake", facts, also=others, decides=_COMPARE_OFFERS if others else ""
            )
        return found.fail("handshake_rejected", "handshake", facts, also=("unexplained",))
    if connection.end == "limit":
        return found.leave_open("handshake", connection.detail)
    how = {
        "timeout": ("tls_timeout", "the handshake did not finish in time"),
        "reset": ("connection_reset", "the exporter's side reset the connection"),
    }.get(connection.end, ("connection_closed", "the exporter's side closed the connection"))
    if connection.offer is None:
        return found.leave_open("handshake", f"{how[1]} before its ClientHello was whole")
    return _suspect_ourselves(found, how[0], f"{how[1]} within the handshake, without an alert")


def _suspect_ourselves(found: _Found, cause: str, fact: str) -> Diagnosis:
    """Say that an exporter ended without an alert: mostly over our certificate, where that is faulty."""
    proven = dict(_list_own_faults(found))
    if proven:
        first, *others = proven
        return found.fail(
            first, "handshake", (fact, *proven.values()), also=(cause,), proven=others,
            decides="what the exporter's own log says",
        )  # fmt: skip
    log = "what the exporter's own log says"
    if found.connection.looks_near and _SILENT & set(found.connection.looks_like):
        said = "exporters like this one send no alert where they refuse a backend's certificate"
        also = [cause] if found.connection.server_name else ["server_name_mismatch", cause]
        return found.fail(SERVER_UNTRUSTED, "handshake", (fact, said), also=also, decides=log)
    return found.fail(cause, "handshake", (fact,), also=(SERVER_UNTRUSTED,), decides=log)


def _diagnose_silence(found: _Found) -> Diagnosis:
    """Say what a handshake without a request means."""
    connection = found.connection
    if connection.end == "open":
        return found.leave_open("accept", "the handshake is complete; no request has come yet")
    fact = "the handshake was complete, and the exporter ended the connection before any request"
    silent = connection.looks_near and _SILENT & set(connection.looks_like)
    if silent or any(_list_own_faults(found)):
        return _suspect_ourselves(found, "connection_closed", fact)
    return found.leave_open("accept", fact)


def _diagnose_requests(found: _Found) -> Diagnosis:
    connection = found.connection
    taken = next((one for one in connection.requests if one.taken), None)
    if taken is not None:
        through = name_certificate(connection.chain[0]) if connection.chain else "no certificate"
        facts = [f"the exporter presented {through}", f"its request was answered {taken.answer}"]
        findings: tuple[Finding, ...] = ()
        if found.withheld:
            fix = "Name the CA that issued the exporter's certificate in the backend's client CAs."
            findings = (Finding(cause=UNTRUSTED, fact=found.withheld, fix=(fix,)),)
        return Diagnosis(
            outcome="confirmed",
            stage="export",
            facts=tuple(safe_text(fact, 700) for fact in facts),
            findings=findings,
        )
    return _conclude(found, read_refused(connection))


def _conclude(found: _Found, reading: RequestReading) -> Diagnosis:
    if not reading.cause:
        return found.leave_open("export", reading.facts[0])
    return found.fail(
        reading.cause, "export", reading.facts, also=reading.also, decides=reading.decides
    )
