"""No TLS where one side expects it: what answers in plaintext, and exporters that send plaintext."""

from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.steps import escape_braces
from probe.diagnosis.readings.experiment_results import get_improvement
from probe.diagnosis.readings.peer_protocol import decode_bytes, name_first_bytes, prove_tls_port
from probe.model.certificate import ReceiverFiles
from probe.model.evidence import Evidence


def _match_not_tls(evidence: Evidence) -> Match | None:
    if evidence.ending.kind == "not_tls":
        first = decode_bytes(evidence.handshake.first_bytes) if evidence.handshake else b""
        fact = f"the first bytes of the peer are {name_first_bytes(first)}"
        return Match(Strength.NAMED, (fact,))
    answered = get_improvement(evidence, "plaintext")
    if answered is None:
        return None
    answer = name_first_bytes(decode_bytes(answered.first_bytes))
    return Match(Strength.NAMED, (f"asked in plaintext, the peer answers with {answer}",))


def _match_tls_off(evidence: Evidence) -> Match | None:
    target = evidence.target
    if not target.plaintext:
        return None
    settings = f"{target.endpoint}: the exporter's own settings send in plaintext, without TLS"
    if proof := prove_tls_port(evidence):
        return Match(Strength.NAMED, (proof, settings))
    if (files := evidence.credentials.receiver) is not None:
        return _report_receiver_without_tls(files)
    return Match(Strength.FINDING, (settings,))


def _report_receiver_without_tls(files: ReceiverFiles) -> Match:
    fact = (
        f"{files.where}: receiver {files.name} has no tls settings: it takes telemetry in plaintext "
        f"from anyone who reaches {files.listens}"
    )
    fix = (
        f"In {escape_braces(files.settings_file)}, set cert_file, key_file and client_ca_file in the "
        f"tls settings of receiver {escape_braces(files.name)}, and restart the Collector.",
        "If only programs on the same host export to it, listen on localhost instead.",
    )
    return Match(Strength.FINDING, (fact,), fix=fix)


def _match_ignored(evidence: Evidence) -> Match | None:
    remarks = evidence.target.remarks
    if not remarks:
        return None
    return Match(
        Strength.FINDING,
        tuple(remark.fact for remark in remarks),
        each=tuple(
            (remark.fact, (*map(escape_braces, remark.fix), "{restart}") if remark.fix else ())
            for remark in remarks
        ),
    )


CAUSES: Final = (
    Cause(
        id="not_tls",
        title="The port does not speak TLS",
        family="negotiation",
        party="backend",
        rank=Rank.NO_TLS,
        meaning=(
            "What listens there answers in plaintext: TLS is off at the receiver, or it is another "
            "service."
        ),
        evidence=(
            "The first bytes are not a TLS record (RFC 8446 §5.1), or a request in plaintext is "
            "answered in plaintext."
        ),
        fix=(
            "Give the receiver at {endpoint} a certificate (cert_file and key_file in its tls "
            "settings, and client_ca_file where it is to ask for client certificates), and restart it.",
            "Or correct the port in {endpoint_setting}, if {port} is another service, and restart the "
            "exporter.",
            "Or, if it is meant to be without TLS, write http:// in {endpoint_setting} (a Collector's "
            "gRPC exporter: insecure: true in its tls settings), and restart the exporter.",
            "To see what answers: openssl s_client -connect {host}:{port} </dev/null",
        ),
        tell_apart="The port answers in plaintext: curl -v http://ENDPOINT/",
        citations=("RFC 8446 §5.1",),
        applies=frozenset({"not_tls", "close", "reset", "timeout"}),
        match=_match_not_tls,
    ),
    Cause(
        id="tls_off",
        title="The exporter sends without TLS",
        family="negotiation",
        party="exporter",
        rank=Rank.SETTINGS,
        meaning=(
            "The exporter's own settings switch TLS off: an http:// endpoint, or insecure: true "
            "without a CA. Where the backend takes it, it is a finding: anybody on the way can "
            "read the telemetry, and no client certificate is checked. Where the backend's port "
            "wants TLS, it is the cause: nothing arrives."
        ),
        evidence=(
            "The settings themselves; it is the cause where the port answers plaintext with a TLS "
            "record or with Go's or nginx's HTTP 400, or where it ends the connection and a TLS "
            "handshake with it succeeds."
        ),
        fix=(
            "Write https:// in {endpoint_setting}, and remove insecure: true where it is set.",
            "Set {ca_setting}, and {pair_setting} where the backend asks for a client certificate.",
            "{restart}",
        ),
        tell_apart="The endpoint begins with http:// or the settings say insecure: true.",
        citations=("Collector configtls insecure", "RFC 8446 §5.1"),
        not_printed="an exporter without TLS prints what any closed connection or HTTP 400 prints",
        applies=EVERY_ENDING,
        match=_match_tls_off,
    ),
    Cause(
        id="exporter_setting_ignored",
        title="A setting of the exporter does not do what it says",
        family="negotiation",
        party="exporter",
        severity="warning",
        rank=Rank.SETTINGS,
        meaning=(
            "The exporter's own settings hold one that its runtime ignores, overrides or reads in "
            "another way: http:// on a Collector's gRPC exporter keeps TLS, insecure: true next to "
            "a CA does not switch it off, Python's gRPC exporter drops the client certificate "
            "without a CA variable, a timeout is milliseconds for one runtime and seconds for "
            "another, OTEL_SDK_DISABLED leaves nothing of all the others."
        ),
        evidence="The settings themselves. Always a finding, never the cause of a failure.",
        fix=(
            "Write what is meant in the exporter's settings for {endpoint}: remove the setting "
            "that has no effect, or add the one that it needs (OTEL_EXPORTER_OTLP_CERTIFICATE for "
            "Python's gRPC exporter).",
            "{restart}",
        ),
        tell_apart=(
            "The settings say one thing and the exporter does another: mtls-probe check names the "
            "setting."
        ),
        citations=("Collector configtls and configgrpc", "OTLP exporter specification"),
        not_printed="nothing fails, so nothing is printed",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_ignored,
    ),
)
