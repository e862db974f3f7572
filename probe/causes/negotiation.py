"""Two sides that find no common ground: versions, ciphers, groups, protocols."""

from typing import Final

from probe.causes.cause import Cause, Match, Strength
from probe.causes.observed import (
    alert_text,
    fatal_alert,
    refusal,
    sent_alert,
    speaks_grpc,
)
from probe.causes.plaintext import NOT_TLS, TLS_OFF
from probe.evidence import EndingKind, Evidence

_PROTOCOL_VERSION = 70
_INSUFFICIENT_SECURITY = 71
_HANDSHAKE_FAILURE = 40
_INTERNAL_ERROR = 80
_UNRECOGNIZED_NAME = 112
_NO_APPLICATION_PROTOCOL = 120
_CERTIFICATE_REQUIRED = 116
_NAMED_ELSEWHERE: Final = frozenset(
    {_PROTOCOL_VERSION, _INSUFFICIENT_SECURITY, _INTERNAL_ERROR, _UNRECOGNIZED_NAME,
     _NO_APPLICATION_PROTOCOL}
)  # fmt: skip
_WRONG_PROTOCOL: Final = frozenset({404, 405, 415})
_ALERT: Final[frozenset[EndingKind]] = frozenset({"alert"})
_TLS: Final[frozenset[EndingKind]] = frozenset({"alert", "tls"})
_LEFT_OPEN: Final[dict[int | None, tuple[str, ...]]] = {
    _HANDSHAKE_FAILURE: (
        "no_shared_cipher",
        "protocol_version_mismatch",
        "no_shared_group",
        "no_shared_signature_algorithm",
    ),
    10: ("no_shared_group",),  # unexpected_message: JSSE in TLS 1.3
    49: ("server_name_unrecognized",),  # access_denied: rustls, of an unknown SNI
    109: ("no_shared_group",),  # missing_extension: BoringSSL
}


def _received(evidence: Evidence, number: int) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or evidence.ending.kind != "alert" or refusal(evidence) is not None:
        return None
    if fatal_alert(handshake) != number:
        return None
    return Match(Strength.NAMED, (f"the backend sent alert {alert_text(handshake, number)}",))


def _version(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None:
        return None
    offer = handshake.offer
    offered = f"we offered TLS {offer.min_version} to {offer.max_version}"
    match = _received(evidence, _PROTOCOL_VERSION)
    if match is not None:
        return Match(Strength.NAMED, (*match.facts, offered))
    if evidence.ending.kind == "tls" and sent_alert(handshake) == _PROTOCOL_VERSION:
        return Match(Strength.NAMED, ("the backend chose a version that we don't allow", offered))
    return None


def _cipher(evidence: Evidence) -> Match | None:
    return _received(evidence, _INSUFFICIENT_SECURITY)


def _unexplained_failure(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or refusal(evidence) is not None or evidence.ending.kind != "alert":
        return None
    number = fatal_alert(handshake)
    if number in _NAMED_ELSEWHERE:
        return None
    return Match(
        Strength.RESIDUAL,
        (f"the backend sent alert {alert_text(handshake, number)}",),
        possible=_LEFT_OPEN.get(number, ()),
        decides="further handshakes, each with one thing changed: versions, ciphers, groups",
    )


def _alpn(evidence: Evidence) -> Match | None:
    if evidence.ending.kind == "alert":
        return _received(evidence, _NO_APPLICATION_PROTOCOL)
    chosen = evidence.ending.detail or "none"
    return Match(
        Strength.NAMED,
        (f"gRPC needs the application protocol h2; the backend chose {chosen}",),
    )


def _fault(evidence: Evidence) -> Match | None:
    if evidence.ending.kind == "alert":
        match = _received(evidence, _INTERNAL_ERROR)
        # Go servers (Caddy among them) say so where they have no certificate for the name.
        return match and Match(
            match.strength,
            match.facts,
            possible=("server_name_unrecognized",),
            decides="a handshake that asks for another name, or the backend's log",
        )
    handshake = evidence.handshake
    number = sent_alert(handshake) if handshake is not None else None
    if handshake is None or number == _PROTOCOL_VERSION:
        return None
    said = f", and sent alert {alert_text(handshake, number)}" if number is not None else ""
    return Match(Strength.NAMED, (f"our TLS library could not go on with what came{said}",))


def _protocol(evidence: Evidence) -> Match | None:
    answer = evidence.answer
    if answer is None or refusal(evidence) is not None:
        return None
    status = answer.http_status
    if evidence.target.protocol == "grpc":
        if answer.grpc_status is not None:
            return None
        if status in _WRONG_PROTOCOL or (200 <= status < 300 and not speaks_grpc(answer)):
            media = answer.content_type or "no content type"
            fact = f"a gRPC request was answered with HTTP {status}, {media}"
            return Match(Strength.NAMED, (fact, "that is how an OTLP/HTTP port answers"))
        return None
    if answer.grpc_status is not None or speaks_grpc(answer):
        fact = f"an OTLP/HTTP request was answered by gRPC (HTTP {status}, {answer.content_type})"
        return Match(Strength.NAMED, (fact,))
    return None


def _by_experiment(_evidence: Evidence) -> Match | None:
    """One handshake alone never proves it; it is named among what is possible."""
    return None


def _withheld(evidence: Evidence) -> Match | None:
    refused = refusal(evidence)
    if refused is None or not refused.sent or refused.alert != _CERTIFICATE_REQUIRED:
        return None
    return Match(
        Strength.NAMED,
        (
            refused.fact,
            "a certificate is configured, yet the backend got none: its key's signature "
            "algorithms are not among those that the backend accepts",
        ),
    )


PROTOCOL_VERSION_MISMATCH = Cause(
    id="protocol_version_mismatch",
    title="No TLS version in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The exporter's min_version and max_version and the backend's leave no version that both speak.",
    evidence="Alert protocol_version (70), in either direction.",
    fix=("Widen min_version or max_version on one side; TLS 1.2 and 1.3 are the ones to have.",),
    citations=("RFC 8446 §4.2.1", "RFC 8446 §6.2 protocol_version"),
    applies=_TLS,
    match=_version,
)

NO_SHARED_CIPHER = Cause(
    id="no_shared_cipher",
    title="No cipher suite in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The cipher suites that the exporter offers and those that the backend allows do not meet; an RSA certificate with only ECDSA suites allowed does the same.",
    evidence="Alert handshake_failure (40) or insufficient_security (71), and a handshake with every cipher that succeeds.",
    fix=(
        "Remove cipher_suites from the exporter's tls settings, or allow one of them on the backend.",
    ),
    citations=("RFC 8446 §4.1.1", "RFC 5246 §7.2.2"),
    applies=_ALERT,
    match=_cipher,
)

NO_SHARED_GROUP = Cause(
    id="no_shared_group",
    title="No key exchange group in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The groups in curve_preferences and those that the backend allows do not meet.",
    evidence="Alert handshake_failure (40), and a handshake with every group that succeeds.",
    fix=(
        "Remove curve_preferences from the exporter's tls settings, or allow one of them on the backend.",
    ),
    citations=("RFC 8446 §4.2.7",),
    applies=_ALERT,
    match=_by_experiment,
)

NO_SHARED_SIGNATURE_ALGORITHM = Cause(
    id="no_shared_signature_algorithm",
    title="No signature algorithm in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="One side's key is of a kind (Ed25519, say) that the other side accepts no signatures of.",
    evidence="Alert handshake_failure (40), or certificate_required (116) although a certificate is configured: our library withheld it.",
    fix=(
        "Use certificates with EC P-256 or RSA keys on both sides.",
        "To see the exporter's: openssl x509 -in {cert_file} -noout -text",
    ),
    citations=("RFC 8446 §4.2.3",),
    applies=_ALERT,
    match=_withheld,
)

ALPN_MISMATCH = Cause(
    id="alpn_mismatch",
    title="No application protocol in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="gRPC needs HTTP/2, agreed by ALPN (h2). The backend, or a load balancer before it, chose another protocol or none.",
    evidence="Alert no_application_protocol (120), or a handshake without h2 for a gRPC exporter.",
    fix=(
        "Point the exporter at the backend's gRPC port, or let the load balancer pass h2.",
        "If the port serves OTLP/HTTP (4318), use the otlp_http exporter.",
    ),
    citations=("RFC 7301 §3.2", "gRPC over HTTP/2"),
    applies=frozenset({"alert", "alpn"}),
    match=_alpn,
)

HANDSHAKE_REJECTED = Cause(
    id="handshake_rejected",
    title="The backend ends the handshake and does not say why",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="A fatal alert that no certificate explains: nothing in common among versions, ciphers, groups or signature algorithms, as a rule.",
    evidence="A fatal alert before any client certificate was in play.",
    fix=(
        "Read the backend's log at that time.",
        "Remove cipher_suites, curve_preferences and version limits from both sides, then add them again one at a time.",
    ),
    citations=("RFC 8446 §6.2 handshake_failure",),
    applies=_ALERT,
    match=_unexplained_failure,
)

OTLP_PROTOCOL_MISMATCH = Cause(
    id="otlp_protocol_mismatch",
    title="gRPC is spoken to an OTLP/HTTP port, or the reverse",
    family="negotiation",
    party="exporter",
    severity="critical",
    meaning="4317 and 4318 are swapped, or the exporter's protocol is not the port's.",
    evidence="The answer's HTTP status and content type are those of the other protocol.",
    fix=(
        "Use the other port, or set OTEL_EXPORTER_OTLP_PROTOCOL (or the exporter type) to what {endpoint} serves.",
    ),
    citations=(
        "OTLP specification",
        "gRPC over HTTP/2",
    ),
    applies=frozenset({"answered"}),
    match=_protocol,
)

BACKEND_FAULT = Cause(
    id="backend_fault",
    title="The backend's own TLS is broken",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The backend can't carry on with its own configuration: a missing certificate, a key it can't use, a bug.",
    evidence="Alert internal_error (80) with no certificate of ours in play; or what it sends is no valid TLS.",
    fix=("Read the backend's log; check that it can read its own cert_file and key_file.",),
    citations=("RFC 8446 §6.2 internal_error",),
    applies=_TLS,
    match=_fault,
)

CAUSES = (
    PROTOCOL_VERSION_MISMATCH,
    NO_SHARED_SIGNATURE_ALGORITHM,
    NO_SHARED_CIPHER,
    NO_SHARED_GROUP,
    ALPN_MISMATCH,
    NOT_TLS,
    OTLP_PROTOCOL_MISMATCH,
    BACKEND_FAULT,
    HANDSHAKE_REJECTED,
    TLS_OFF,
)
