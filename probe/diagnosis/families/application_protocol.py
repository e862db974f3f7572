"""What is spoken inside TLS: the application protocol of ALPN, and which OTLP the port serves."""

from typing import Final, Literal

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes.steps import get_settings_kind, name_setting
from probe.diagnosis.readings.experiment_results import get_improvement
from probe.diagnosis.readings.first_bytes import decode_bytes, detect_protocol
from probe.diagnosis.readings.grpc_success import is_grpc_answer
from probe.diagnosis.readings.named_alert import match_received_alert
from probe.diagnosis.readings.observed import find_refusal
from probe.model.evidence import Evidence, TargetFacts
from probe.model.tls_alerts import TlsAlert

_WRONG_PROTOCOL: Final = frozenset({404, 405, 415})


def _alpn(evidence: Evidence) -> Match | None:
    if evidence.ending.kind != "alpn":
        match = match_received_alert(evidence, TlsAlert.NO_APPLICATION_PROTOCOL)
        if match is not None or get_improvement(evidence, "no_alpn") is None:
            return match
        return Match(Strength.NAMED, ("without ALPN the handshake goes on",))
    chosen = evidence.ending.detail or "none"
    fact = f"gRPC needs the application protocol h2; the backend chose {chosen}"
    if get_improvement(evidence, "other_protocol") is not None:
        fix = _speak(evidence.target, "OTLP/HTTP")
        return Match(Strength.NAMED, (fact,), fix=fix, party="exporter")
    return Match(Strength.NAMED, (fact,))


def _protocol(evidence: Evidence) -> Match | None:
    answer = evidence.answer
    shown = get_improvement(evidence, "other_protocol")
    if shown is not None and shown.answer is not None:
        other: Literal["OTLP/HTTP", "gRPC"] = (
            "OTLP/HTTP" if evidence.target.protocol == "grpc" else "gRPC"
        )
        fact = f"asked in {other} the port answers: HTTP {shown.answer.http_status}"
        return Match(Strength.PROVEN, (fact,), fix=_speak(evidence.target, other))
    if find_refusal(evidence) is not None:
        return None
    if _answers_in_http2(evidence):
        return Match(
            Strength.NAMED,
            (
                "an OTLP/HTTP request in HTTP/1.1 was answered with HTTP/2 SETTINGS: the port "
                "speaks HTTP/2 alone, as gRPC servers do",
            ),
            fix=_speak(evidence.target, "gRPC"),
        )
    if answer is None or evidence.ending.kind != "answered":
        return None
    status = answer.http_status
    if evidence.target.protocol == "grpc":
        if answer.grpc_status is not None:
            return None
        if answer.over == "http/1.1":
            fact = f"a gRPC request, in HTTP/2, was answered in HTTP/1.1: HTTP {status}"
            return Match(Strength.NAMED, (fact, "that is how an OTLP/HTTP port answers"))
        if status in _WRONG_PROTOCOL or (200 <= status < 300 and not is_grpc_answer(answer)):
            media = answer.content_type or "no content type"
            fact = f"a gRPC request was answered with HTTP {status}, {media}"
            return Match(
                Strength.NAMED,
                (fact, "that is how an OTLP/HTTP port answers"),
                fix=_speak(evidence.target, "OTLP/HTTP"),
            )
        return None
    if answer.grpc_status is not None or is_grpc_answer(answer):
        fact = f"an OTLP/HTTP request was answered by gRPC (HTTP {status}, {answer.content_type})"
        return Match(Strength.NAMED, (fact,), fix=_speak(evidence.target, "gRPC"))
    return None


def _answers_in_http2(evidence: Evidence) -> bool:
    return (
        evidence.ending.kind == "garbage"
        and evidence.target.protocol != "grpc"
        and detect_protocol(decode_bytes(evidence.first_bytes)) == "http2"
    )


def _speak(target: TargetFacts, protocol: Literal["OTLP/HTTP", "gRPC"]) -> tuple[str, ...]:
    """Return how this exporter speaks what the port serves, or reaches the port for what it speaks."""
    http = protocol == "OTLP/HTTP"
    value, exporter = ("http/protobuf", "otlp_http") if http else ("grpc", "otlp_grpc")
    if get_settings_kind(target) == "sdk":
        first = (
            f"Set {name_setting(target, 'protocol')} to {value}: port {{port}} serves {protocol}."
        )
    else:
        first = f"Use the {exporter} exporter for {{endpoint}}: port {{port}} serves {protocol}."
        if get_settings_kind(target) == "unknown":
            first += f" For an SDK, set OTEL_EXPORTER_OTLP_PROTOCOL={value}."
    spoken, usual = ("gRPC", 4317) if http else ("OTLP/HTTP", 4318)
    other = f"Or correct the port in {{endpoint_setting}}: {usual} is {spoken} as a rule."
    if target.port == usual:
        other = f"Or write the port at which the backend serves {spoken} in {{endpoint_setting}}."
    return (first, other, "{restart}")

CAUSES: Final = (
    Cause(
        id="alpn_mismatch",
        title="No application protocol in common",
        family="negotiation",
        party="backend",
        rank=Rank.ALPN,
        alerts=(TlsAlert.NO_APPLICATION_PROTOCOL,),
        meaning=(
            "gRPC needs HTTP/2, agreed by ALPN (h2). The backend, or a load balancer before it, "
            "chose another protocol or none."
        ),
        evidence=(
            "Alert no_application_protocol (120), or a handshake without h2 for a gRPC exporter."
        ),
        fix=(
            "On the backend at {endpoint}, or the load balancer in front of it, turn HTTP/2 on "
            "for this port (nginx: http2 on), or let TCP through to the receiver: gRPC needs "
            "HTTP/2, agreed by ALPN.",
            "If the port serves OTLP/HTTP, use the otlp_http exporter "
            "({protocol_variable}=http/protobuf), or correct the port in {endpoint_setting}, and "
            "restart the exporter.",
            "To see what is chosen: openssl s_client -connect {host}:{port} -alpn h2 </dev/null",
        ),
        tell_apart=(
            "openssl s_client -connect ENDPOINT -alpn h2 shows which protocol the backend chooses: "
            "not h2."
        ),
        citations=("RFC 7301 §3.2", "gRPC over HTTP/2"),
        applies=frozenset({"alert", "close", "reset", "alpn"}),
        match=_alpn,
    ),
    Cause(
        id="otlp_protocol_mismatch",
        title="gRPC is spoken to an OTLP/HTTP port, or the reverse",
        family="negotiation",
        party="exporter",
        rank=Rank.OTLP_PROTOCOL,
        meaning="4317 and 4318 are swapped, or the exporter's protocol is not the port's.",
        evidence=(
            "The answer's HTTP status, content type or version of HTTP are those of the other "
            "protocol; or a request without an answer (RST_STREAM, GOAWAY, a close) gets one in "
            "the other protocol."
        ),
        fix=(
            "If port {port} serves OTLP/HTTP, use the otlp_http exporter "
            "({protocol_variable}=http/protobuf); if it serves gRPC, otlp_grpc "
            "({protocol_variable}=grpc).",
            "Or correct the port in {endpoint_setting}: 4317 is gRPC and 4318 HTTP as a rule.",
            "{restart}",
        ),
        tell_apart=(
            "It passes with the other protocol: mtls-probe check ENDPOINT --protocol grpc, then "
            "http/protobuf"
        ),
        citations=("OTLP specification", "gRPC over HTTP/2"),
        applies=frozenset({"answered", "alert", "alpn", "close", "reset", "garbage"}),
        match=_protocol,
        explained_by=("tls_off",),
    ),
)
