"""What a demo backend answers to a request: pure, by the rules of OTLP and of Go's servers.

OTLP/gRPC and OTLP/HTTP follow the OTLP specification 1.x; what a wrong path, method or media type
brings follows grpc-go (http2_server.go) and the Collector's otlpreceiver.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final, Literal

from probe.model.target import Protocol

UNIMPLEMENTED: Final = 12
_INTERNAL: Final = 13
_INVALID_ARGUMENT: Final = 3

GRPC_METHODS: Final = frozenset(
    f"/opentelemetry.proto.collector.{package}.v1.{service}Service/Export"
    for package, service in (("trace", "Trace"), ("metrics", "Metrics"), ("logs", "Logs"))
)
HTTP_PATHS: Final = frozenset({"/v1/traces", "/v1/metrics", "/v1/logs"})
MEDIA_TYPES: Final = frozenset({"application/x-protobuf", "application/json"})

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a backend answers an Export; the defaults are success with nothing to say.

    `http_status`, `content_type`, `headers` and `body` shape an OTLP/HTTP answer. For gRPC,
    `grpc_status` is status and message, `body` the response message without its prefix, and an
    `http_status` other than 200 answers in plain HTTP, as a proxy in front would.
    """

    grpc_status: tuple[int, str] = (0, "")
    http_status: int = 200
    content_type: str | None = None
    headers: Headers = ()
    body: bytes = b""

    def respond(self, request: Request, protocol: Protocol, now: datetime) -> Response:
        """Return the answer to `request`; `now` is the backend's own clock."""
        if protocol == "grpc":
            return self._grpc(request)
        response = self._http(request)
        date = ("date", format_datetime(now, usegmt=True))
        return Response(response.status, (*response.headers, date), response.body)

    def _grpc(self, request: Request) -> Response:
        content_type = request.headers.get("content-type", "")
        if request.method != "POST":
            return _trailers_only(405, _INTERNAL, "which should be POST")
        if not content_type.startswith("application/grpc"):
            text = f'invalid gRPC request content-type "{content_type}"'
            return _trailers_only(415, _INVALID_ARGUMENT, text)
        if self.http_status != 200:
            return _plain(self.http_status, self.body, self.content_type, self.headers)
        if request.path not in GRPC_METHODS:
            return _trailers_only(200, UNIMPLEMENTED, f"unknown method {request.path}")
        code, message = self.grpc_status
        if code:
            return _trailers_only(200, code, message, self.headers)
        return Response(
            200,
            (("content-type", "application/grpc"), *self.headers),
            b"\x00" + len(self.body).to_bytes(4, "big") + self.body,
            (("grpc-status", "0"), ("grpc-message", "")),
        )

    def _http(self, request: Request) -> Response:
        if request.method == "OPTIONS" and request.path == "*":
            return Response(200)
        if request.path.partition("?")[0] not in HTTP_PATHS:
            return _plain(404, b"404 page not found\n")
        if request.method != "POST":
            return _plain(405, b"405 method not allowed, supported: [POST]")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type not in MEDIA_TYPES:
            supported = b"[application/json, application/x-protobuf]"
            return _plain(415, b"415 unsupported media type, supported: " + supported)
        content_type = self.content_type or "application/x-protobuf"
        return _plain(self.http_status, self.body, content_type, self.headers)


def nginx_refusal(*, sent: bool) -> Response:
    """Return nginx's answer to a client certificate that it refused, or did not get."""
    why = b"The SSL certificate error" if sent else b"No required SSL certificate was sent"
    body = (
        b"<html>\r\n<head><title>400 " + why + b"</title></head>\r\n<body>\r\n"
        b"<center><h1>400 Bad Request</h1></center>\r\n<center>" + why + b"</center>\r\n"
        b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return _plain(400, body, "text/html", (("server", "nginx"),))


def _plain(
    status: int, body: bytes, content_type: str | None = None, headers: Headers = ()
) -> Response:
    kind = content_type or "text/plain; charset=utf-8"
    return Response(status, (("content-type", kind), *headers), body)


def _trailers_only(status: int, code: int, message: str, headers: Headers = ()) -> Response:
    return Response(
        status,
        (
            ("content-type", "application/grpc"),
            ("grpc-status", str(code)),
            ("grpc-message", _percent_encoded(message)),
            *headers,
        ),
    )


def _percent_encoded(message: str) -> str:
    """Return `message` as a grpc-message value (gRPC over HTTP/2, "Percent-Encoded")."""
    return "".join(
        chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}"
        for byte in message.encode()
    )
