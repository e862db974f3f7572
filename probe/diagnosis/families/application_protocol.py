"""What is spoken inside TLS: the application protocol of ALPN, and which OTLP the port serves."""

from typing import Final, Literal

from probe.diagnosis.cause import REFUSAL_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.steps import get_settings_kind, name_setting
from probe.diagnosis.readings.backend_decision import find_refusal, match_received_alert
from probe.diagnosis.readings.experiment_results import get_experiment, get_improvement
from probe.diagnosis.readings.otlp_answers import NOT_SERVED, is_grpc_answer, is_page
from probe.diagnosis.readings.peer_protocol import decode_bytes, detect_protocol
from probe.model.evidence import Answer, Evidence, TargetFacts
from probe.model.media_types import is_protobuf_media
from probe.model.tls_alerts import TlsAlert

_OTHER_VERSION: Final = 464
_SET_VERSION: Final = (
    "Set the protocol version of the target group behind {endpoint} to what the exporter speaks: "
    "gRPC for OTLP over gRPC, HTTP1 or HTTP2 for OTLP over HTTP. It is chosen when a target group "
    "is made.",
    "Or let the exporter speak what the target group has.",
)


def _match_alpn(evidence: Evidence) -> Match | None:
    if evidence.ending.kind != "alpn":
        match = match_received_alert(evidence, TlsAlert.NO_APPLICATION_PROTOCOL)
        if match is not None or get_improvement(evidence, "no_alpn") is None:
            return match
        return Match(Strength.NAMED, ("without ALPN the handshake continues",))
    chosen = evidence.ending.detail or "none"
    fact = f"gRPC needs the application protocol h2; the backend chose {chosen}"
    if get_improvement(evidence, "other_protocol") is not None:
        fix = _switch_protocol(evidence.target, "OTLP/HTTP")
        return Match(Strength.NAMED, (fact,), fix=fix, party="exporter")
    return Match(Strength.NAMED, (fact,))


def _match_protocol(evidence: Evidence) -> Match | None:
    answer, target = evidence.answer, evidence.target
    improved = get_improvement(evidence, "other_protocol")
    if improved is not None and improved.answer is not None:
        other: Literal["OTLP/HTTP", "gRPC"] = "OTLP/HTTP" if target.protocol == "grpc" else "gRPC"
        fact = f"asked in {other} the port answers: HTTP {improved.answer.http_status}"
        return Match(Strength.PROVEN, (fact,), fix=_switch_protocol(target, other))
    if find_refusal(evidence) is not None:
        return None
    first = detect_protocol(decode_bytes(evidence.first_bytes))
    if evidence.ending.kind == "garbage" and target.protocol != "grpc" and first == "http2":
        fact = (
            "an OTLP/HTTP request in HTTP/1.1 was answered with HTTP/2 SETTINGS: the port speaks "
            "only HTTP/2, as gRPC servers do"
        )
        return Match(Strength.NAMED, (fact,), fix=_switch_protocol(target, "gRPC"))
    if answer is None or evidence.ending.kind != "answered":
        return None
    if answer.http_status == _OTHER_VERSION:
        fact = (
            "HTTP 464 comes from AWS's Application Load Balancer, whose target group has another "
            "protocol version than the request"
        )
        return Match(Strength.NAMED, (fact,), fix=_SET_VERSION, party="backend")
    if target.protocol == "grpc":
        return _match_http_answer(evidence, answer)
    if answer.grpc_status is None and not is_grpc_answer(answer):
        return None
    fact = (
        f"an OTLP/HTTP request was answered by gRPC (HTTP {answer.http_status}, "
        f"{answer.content_type})"
    )
    return Match(Strength.NAMED, (fact,), fix=_switch_protocol(target, "gRPC"))


def _match_http_answer(evidence: Evidence, answer: Answer) -> Match | None:
    """Match the answer to a gRPC request that an OTLP/HTTP port gives, or a proxy without the route."""
    status = answer.http_status
    if answer.grpc_status is not None:
        return None
    if answer.over == "http/1.1":
        fact = f"a gRPC request, in HTTP/2, was answered in HTTP/1.1: HTTP {status}"
        return Match(Strength.NAMED, (fact, "that is how an OTLP/HTTP port answers"))
    return _match_page(evidence, answer) if is_page(answer) else None


def _match_page(evidence: Evidence, answer: Answer) -> Match | None:
    """Match an answer that an OTLP/HTTP port gives to gRPC, and any web server to any path."""
    asked = get_experiment(evidence, "other_protocol")
    if asked is not None and asked.answer is not None and _is_no_otlp(asked.answer):
        return None
    media = answer.content_type or "no content type"
    fact = f"a gRPC request was answered with HTTP {answer.http_status}, {media}"
    fix = _switch_protocol(evidence.target, "OTLP/HTTP")
    if is_protobuf_media(answer.content_type):
        return Match(Strength.NAMED, (fact, "that is how an OTLP/HTTP port answers"), fix=fix)
    return Match(
        Strength.NAMED,
        (fact, "that is how an OTLP/HTTP port answers, and a proxy that has no such route"),
        possible=("otlp_not_served",),
        decides="a request in OTLP/HTTP",
        fix=fix,
    )


def _is_no_otlp(answer: Answer) -> bool:
    """Whether OTLP/HTTP, asked for at its own path, was answered by something else."""
    return 200 <= answer.http_status < 400 or answer.http_status in NOT_SERVED


def _switch_protocol(
    target: TargetFacts, protocol: Literal["OTLP/HTTP", "gRPC"]
) -> tuple[str, ...]:
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
    other = f"Or correct the port in {{endpoint_setting}}: {usual} is usually {spoken}."
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
            "The backend chooses another protocol than h2, or none: openssl s_client -connect ENDPOINT "
            "-alpn h2 </dev/null"
        ),
        citations=("RFC 7301 §3.2", "gRPC over HTTP/2"),
        applies=frozenset({"alert", "close", "reset", "alpn"}),
        match=_match_alpn,
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
            "Or correct the port in {endpoint_setting}: 4317 is usually gRPC, and 4318 HTTP.",
            "{restart}",
        ),
        tell_apart=(
            "It passes with the other protocol: mtls-probe check ENDPOINT --protocol grpc; mtls-probe "
            "check ENDPOINT --protocol http/protobuf"
        ),
        citations=("OTLP specification", "gRPC over HTTP/2"),
        applies=REFUSAL_ENDINGS | {"alpn", "garbage"},
        match=_match_protocol,
        explained_by=("tls_off",),
    ),
)
