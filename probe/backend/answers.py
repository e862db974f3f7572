"""What a backend answers to a request: pure, by the rules of OTLP and of Go's servers.

OTLP/gRPC and OTLP/HTTP follow the OTLP specification 1.x; what a wrong path, method or media type
brings follows grpc-go (http2_server.go) and the Collector's otlpreceiver.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final, Literal

from probe.model.target import Protocol

_UNIMPLEMENTED: Final = 12
_INTERNAL: Final = 13
_INVALID_ARGUMENT: Final = 3
PROFILES_METHOD: Final = (
    "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
)
PROFILES_PATH: Final = "/v1development/profiles"
_GRPC_METHODS: Final = frozenset(
    f"/opentelemetry.proto.collector.{package}.v1.{service}Service/Export"
    for package, service in (("trace", "Trace"), ("metrics", "Metrics"), ("logs", "Logs"))
) | {PROFILES_METHOD}
_HTTP_PATHS: Final = frozenset({"/v1/traces", "/v1/metrics", "/v1/logs", PROFILES_PATH})
_MEDIA_TYPES: Final = frozenset({"application/x-protobuf", "application/json"})

MAX_REQUEST: Final = 4 << 20
"""Bytes of a request's body that a backend takes."""
TOO_LONG: Final = f"requests of more than {MAX_REQUEST >> 20} MiB came, which are not held here"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the backend got it; header names are in lower case."""

    over: Literal["h2", "http/1.1"]
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One response; `trailers` exist in HTTP/2 only."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    trailers: Headers = ()


def read_path(target: str) -> str:
    """Return the path and query of a request's target, which may name the server, too (RFC 9112 §3.2.2)."""
    scheme, mark, rest = target.partition("://")
    if not mark or not scheme.isalpha():
        return target
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else "/"


def answer_request(request: Request, protocol: Protocol, now: datetime) -> Response:
    """Return the answer to `request`: success for an Export; `now` is the backend's own clock."""
    if protocol == "grpc":
        return _answer_grpc(request)
    response = _answer_http(request)
    date = ("date", format_datetime(now, usegmt=True))
    return Response(response.status, (*response.headers, date), response.body)


def refuse_body(protocol: Protocol, why: str, *, encoding: bool) -> Response:
    """Return how a Collector refuses a body that it cannot read.

    Args:
        protocol: That the request came by.
        why: What it is not.
        encoding: Whether it is compressed by a method that a Collector does not have.
    """
    if protocol == "grpc":
        return grpc_error(200, _UNIMPLEMENTED if encoding else _INTERNAL, f"grpc: {why}")
    return text_response(400, why.encode())


def text_response(
    status: int, body: bytes, content_type: str | None = None, headers: Headers = ()
) -> Response:
    """Return a response with `body`, by default of plain text."""
    kind = content_type or "text/plain; charset=utf-8"
    return Response(status, (("content-type", kind), *headers), body)


def grpc_error(status: int, code: int, message: str, headers: Headers = ()) -> Response:
    """Return a Trailers-Only response (gRPC over HTTP/2, "Responses")."""
    # "Percent-Encoded" of the same document.
    encoded = "".join(
        chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}"
        for byte in message.encode()
    )
    fields = (
        ("content-type", "application/grpc"),
        ("grpc-status", str(code)),
        ("grpc-message", encoded),
    )
    return Response(status, (*fields, *headers))


def _answer_grpc(request: Request) -> Response:
    content_type = request.headers.get("content-type", "")
    if request.method != "POST":
        return grpc_error(405, _INTERNAL, "which should be POST")
    if not content_type.lower().startswith("application/grpc"):
        text = f'invalid gRPC request content-type "{content_type}"'
        return grpc_error(415, _INVALID_ARGUMENT, text)
    if request.path not in _GRPC_METHODS:
        return grpc_error(200, _UNIMPLEMENTED, f"unknown method {request.path}")
    return Response(
        200,
        (("content-type", "application/grpc"),),
        b"\x00" + (0).to_bytes(4, "big"),
        (("grpc-status", "0"), ("grpc-message", "")),
    )


def _answer_http(request: Request) -> Response:
    if request.method == "OPTIONS" and request.path == "*":
        return Response(200)
    if request.path.partition("?")[0] not in _HTTP_PATHS:
        return text_response(404, b"404 page not found\n")
    if request.method != "POST":
        return text_response(405, b"405 method not allowed, supported: [POST]")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        supported = b"[application/json, application/x-protobuf]"
        return text_response(415, b"415 unsupported media type, supported: " + supported)
    if media_type == "application/json":
        return text_response(200, b'{"partialSuccess":{}}', media_type)
    return text_response(200, b"", media_type)
