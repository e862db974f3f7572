"""Patterns of OTLP answers without success: gRPC statuses, HTTP codes, and answers of proxies.

TLS and the certificate were accepted, unless a proxy such as nginx refuses them by HTTP.
OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response"; gRPC status codes.
"""

from typing import Final

from probe.messages.patterns.pattern import Specificity, build_pattern

STORAGE: Final = build_pattern(
    "the backend could not write what it received",
    ("no space left on device", "read-only file system", "ENOSPC", "disk quota exceeded", "input/output error", "database or disk is full",
     "storage is full", "insufficient storage", "structure needs cleaning", "stale file handle", "EROFS",
     "code … desc … permission denied", "disk full", "failed to write … permission denied",
     "write … permission denied"),
    otlp_storage_failure=0.95,
    otlp_unavailable=0.3,
)  # fmt: skip
BAD_REQUEST: Final = build_pattern(
    "HTTP 400 in place of an answer: nginx refuses certificates so, after the handshake",
    ("http2 header with status 400", "Bad Request",
     "400 Bad Request" ),
    Specificity.ANSWERED,
    client_cert_not_sent=0.7,
    client_ca_untrusted=0.65,
    client_cert_expired=0.5,
    otlp_rejected=0.6,
    client_cert_wrong_usage=0.4,
    client_chain_incomplete=0.35,
)  # fmt: skip
FORBIDDEN: Final = build_pattern(
    "a proxy before the receiver, or the receiver itself, forbids it (HTTP 403)",
    ("Forbidden", "403 Forbidden", "code 403 … Forbidden",

     "PERMISSION_DENIED … HTTP status code 403", "http2 header with status 403",
     "unexpected HTTP status code … 403", "code PermissionDenied … 403 Forbidden"),
    otlp_unauthenticated=0.8,
    client_san_rejected=0.79,
    otlp_permission_denied=0.78,
    proxy_failure=0.4,
)  # fmt: skip
PERMISSION_DENIED: Final = build_pattern(
    "the backend does not let this client export",
    ("PERMISSION_DENIED", "PermissionDenied", "gRPC status code 7"),
    Specificity.ANSWERED,
    otlp_permission_denied=0.8,
    client_san_rejected=0.75,
    otlp_unauthenticated=0.4,
    proxy_failure=0.3,
)  # fmt: skip
UNAUTHENTICATED: Final = build_pattern(
    "the backend wants credentials in addition to the certificate",
    ("UNAUTHENTICATED", "Unauthenticated", "Unauthorized",
     "gRPC status code 16",
     "invalid token", "missing authorization", "invalid credentials", "bearer token"),
    Specificity.ANSWERED,
    otlp_unauthenticated=0.9,
    otlp_permission_denied=0.4,
    client_cert_not_sent=0.3,
)  # fmt: skip
OTHER_PROTOCOL: Final = build_pattern(
    "HTTP/2 was expected and HTTP/1.1 came, or the reverse",
    ("frame header looked like an HTTP/1.1 header", "malformed HTTP response", "http2 header with status 404",
     "http2 header with status 415", "content type … text/plain", "content type … text/html",
     "unexpected HTTP status code … 404", "invalid preface", "Unsupported Media Type",
     "bogus greeting", "received unexpected content type", "HTTP/2 client preface string missing",
     "Received HTTP/0.9 when not allowed", "http2: frame too large", "Protocol error … HTTP/2",
     "Expected HTTP/2 preface", "FRAME_SIZE_ERROR", "HTTP2 framing layer",
     "not a valid HTTP/2", "Received HTTP status code 404"),
    otlp_protocol_mismatch=0.9,
    otlp_not_served=0.6,
    otlp_rejected=0.3,
    not_tls=0.3,
)  # fmt: skip
NOT_SERVED: Final = build_pattern(
    "what listens there does not serve this signal",
    ("UNIMPLEMENTED", "Unimplemented", "unknown service", "unknown method", "Not Found",

     "Method Not Allowed", "gRPC status code 12",
     "404 page not found"),
    Specificity.ANSWERED,
    otlp_not_served=0.85,
    otlp_protocol_mismatch=0.7,
)  # fmt: skip
THROTTLED: Final = build_pattern(
    "the backend is over its limit",
    ("RESOURCE_EXHAUSTED", "ResourceExhausted", "Too Many Requests",
     "gRPC status code 8", "rate limit", "RATE_LIMITED", "live traces exceeded", "ingestion rate", "ingestion limit",
     "throttled", "quota exceeded", "per-user … limit", "limit exceeded",
     "429 Too Many", "larger than max", "data refused due to high memory usage"),
    Specificity.ANSWERED,
    otlp_throttled=0.9,
    otlp_rejected=0.3,
    otlp_unavailable=0.3,
)  # fmt: skip
UNAVAILABLE_NOW: Final = build_pattern(
    "the backend is there and takes nothing now",
    ("Service Unavailable", "Bad Gateway", "Gateway Timeout",

     "no healthy upstream", "sending queue is full",
     "http2 header with status 502", "http2 header with status 503", "Internal Server Error",
     "server shutting down", "is shutting down", "live replicas required", "unhealthy instances in the ring",
     "empty ring", "InstancesCount", "reset reason: overflow", "upstream request timeout"),
    Specificity.ANSWERED,
    otlp_unavailable=0.85,
    proxy_failure=0.35,
    otlp_throttled=0.3,
)  # fmt: skip
REJECTED: Final = build_pattern(
    "the backend rejects the request",
    ("INVALID_ARGUMENT", "InvalidArgument", "gRPC status code 3",
     "FAILED_PRECONDITION", "Request Entity Too Large", "Unprocessable Entity",
     "partial success", "OUT_OF_RANGE"),
    Specificity.ANSWERED,
    otlp_rejected=0.85,
    otlp_not_served=0.3,
)  # fmt: skip
UNAVAILABLE: Final = build_pattern(
    "gRPC's word for anything below it that failed",
    ("UNAVAILABLE", "Unavailable", "gRPC status code 14", "Server is UNAVAILABLE"),
    Specificity.WRAPPER,
    otlp_unavailable=0.35,
    tcp_refused=0.3,
    tcp_timeout=0.25,
)  # fmt: skip
NOT_STORABLE: Final = build_pattern(
    "the backend says in words what is wrong with the data",
    ("entry too far behind", "out of order", "timestamp too old", "out of bounds", "duplicate sample",
     "too far in the", "sample timestamp", "TRACE_TOO_LARGE", "max label", "invalid label",
     "label name too long", "received message larger than max"),
    otlp_rejected=0.9,
    otlp_throttled=0.4,
)  # fmt: skip
PROXY_ANSWERED: Final = build_pattern(
    "a proxy in front of the backend answers in its place",
    ("status code received from server 500", "status code received from server 502",
     "status code received from server 503", "status code received from server 504"),
    otlp_unavailable=0.95,
    proxy_failure=0.4,
)  # fmt: skip
PROXY_WANTS_CREDENTIALS: Final = build_pattern(
    "HTTP 407: the proxy wants credentials", (), proxy_failure=1.0
)
CERTIFICATE_REFUSED: Final = build_pattern(
    "HTTP 495: nginx refuses the certificate after the handshake",
    (),
    client_ca_untrusted=0.9,
    client_cert_expired=0.75,
    client_chain_incomplete=0.6,
    client_cert_wrong_usage=0.5,
)
CERTIFICATE_WANTED: Final = build_pattern(
    "HTTP 496: nginx wants a certificate and got none",
    (),
    client_cert_not_sent=0.95,
    client_ca_untrusted=0.6,
)

ANSWER_PATTERNS: Final = (
    STORAGE, BAD_REQUEST, FORBIDDEN, PERMISSION_DENIED, UNAUTHENTICATED, OTHER_PROTOCOL, NOT_SERVED,
    THROTTLED, UNAVAILABLE_NOW, REJECTED, NOT_STORABLE, PROXY_ANSWERED, UNAVAILABLE,
)  # fmt: skip
