"""Stories of answers to the Export request: success, and failures after an accepted certificate."""

import msgspec.structs

from probe.model.evidence import Answer, Evidence
from tests.stories.story import story
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    answered_http_attempt,
    attempt,
    complete_handshake,
    http_target,
    target,
)

STATUS = Answer(over="http/1.1", http_status=500, content_type="application/x-protobuf")


def grpc(status: int, message: str) -> Answer:
    """Return a gRPC answer without a message of its own."""
    return msgspec.structs.replace(TAKEN, grpc_status=status, message=message, body_parses=None)


def http(status: int, message: str = "") -> Answer:
    """Return an OTLP/HTTP answer with a Status that says `message`."""
    return msgspec.structs.replace(
        STATUS, http_status=status, message=message, body_empty=not message
    )


@story("export", outcome="confirmed")
def confirmed() -> Evidence:
    """The backend accepts the empty Export over gRPC."""
    return answered_attempt()


@story("export", outcome="confirmed")
def confirmed__http() -> Evidence:
    """The backend accepts the empty Export over HTTP."""
    return answered_http_attempt(http(200))


@story("export", outcome="confirmed", findings=("otlp_rejected",))
def otlp_rejected__unreadable_success() -> Evidence:
    """The status is OK, and the body is not an OTLP response message."""
    return answered_attempt(msgspec.structs.replace(TAKEN, body_parses=False, body_empty=False))


@story("export")
def otlp_rejected() -> Evidence:
    """The backend calls the request invalid."""
    return answered_attempt(grpc(3, "unsupported resource schema"))


@story("export")
def otlp_rejected__http_400() -> Evidence:
    """HTTP 400 from the receiver itself, although the certificate has no fault and its CA is listed."""
    return answered_http_attempt(http(400, "cannot unmarshal the request"))


@story("export")
def otlp_rejected__partial_success() -> Evidence:
    """The canary was accepted in part: its item was rejected."""
    answer = msgspec.structs.replace(TAKEN, rejected_items=1, partial_message="no such tenant")
    return answered_attempt(answer, target=target(depth="canary"))


@story("export")
def otlp_unauthenticated() -> Evidence:
    """The receiver demands a bearer token in addition to the certificate."""
    return answered_attempt(grpc(16, "missing or empty authorization metadata"))


@story("export")
def otlp_unauthenticated__http() -> Evidence:
    """The same over HTTP."""
    return answered_http_attempt(http(401))


@story("export")
def otlp_permission_denied() -> Evidence:
    """The token is valid, and its tenant may not write."""
    return answered_attempt(grpc(7, "permission denied"))


@story("export", certain=False, also=("client_san_rejected",))
def otlp_permission_denied__proxy() -> Evidence:
    """A proxy that got a token and a certificate answers HTTP 403 and does not say which it refuses."""
    answer = Answer(over="h2", http_status=403, content_type="text/html", body_empty=False)
    return answered_attempt(answer, target=target(header_names=("authorization",)))


@story("export")
def otlp_not_served() -> Evidence:
    """The receiver is in no pipeline of this signal."""
    return answered_attempt(grpc(12, "unknown service MetricsService"))


@story("export")
def otlp_not_served__login_page() -> Evidence:
    """The endpoint is a web application that redirects to its login."""
    answer = Answer(over="http/1.1", http_status=302, location="/login")
    return answered_http_attempt(answer)


@story("export")
def otlp_not_served__path_twice() -> Evidence:
    """The general endpoint ends in /v1/traces, and exporters append it once more."""
    watched = http_target(signal_paths=("traces", "traces"), source_kinds=("sdk",))
    answer = Answer(over="http/1.1", http_status=404, content_type="text/plain")
    return attempt(
        "export", "answered", target=watched, handshake=complete_handshake(), answer=answer
    )


@story("export")
def otlp_not_served__no_http() -> Evidence:
    """Inside TLS the port speaks neither HTTP/2 nor HTTP/1.1."""
    return attempt(
        "export", "garbage", handshake=complete_handshake(), first_bytes=b"SSH-2.0-x".hex()
    )


@story("export")
def otlp_rejected__broken_chunk() -> Evidence:
    """A proxy answers 200 and then a chunk with an invalid size: nobody can read the body."""
    cut = msgspec.structs.replace(http(200), body_end="broken", body_parses=False)
    return attempt(
        "export",
        "garbage",
        handshake=complete_handshake(),
        answer=cut,
        target=http_target(),
        detail="illegal chunk header",
    )


@story("export")
def connection_closed__within_the_body() -> Evidence:
    """The backend answers 200 with a Content-Length, and closes before it has sent that many bytes."""
    cut = msgspec.structs.replace(http(200), body_end="cut", body_parses=False)
    return attempt(
        "export", "close", handshake=complete_handshake(), answer=cut, target=http_target()
    )


@story("export", outcome="unconfirmed", certain=False)
def unconfirmed__endless_body() -> Evidence:
    """The backend answers 200, and its body has no end within the attempt's time."""
    cut = msgspec.structs.replace(http(200), body_end="cut", body_parses=False)
    return attempt(
        "export", "timeout", handshake=complete_handshake(), answer=cut, target=http_target()
    )


@story("export")
def otlp_not_served__endless_frames() -> Evidence:
    """The backend sends PING after PING and never answers."""
    return attempt(
        "export", "budget", handshake=complete_handshake(), detail="512 frames of one answer"
    )


@story("export")
def otlp_throttled() -> Evidence:
    """The tenant's quota is used up."""
    return answered_http_attempt(http(429, "quota exceeded"))


@story("export")
def otlp_unavailable() -> Evidence:
    """The Collector's memory limiter refuses data."""
    return answered_attempt(grpc(14, "data refused due to high memory usage"))


@story("export")
def otlp_storage_failure() -> Evidence:
    """The Collector's file exporter may not write into its volume."""
    return answered_attempt(grpc(2, "open /var/lib/otelcol/traces.json: permission denied"))


@story("export")
def otlp_storage_failure__disk_full() -> Evidence:
    """The backend's disk is full, and a gateway turns that into 503."""
    return answered_http_attempt(http(503, "write /data/wal/00001: no space left on device"))
