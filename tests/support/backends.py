"""Backends on loopback that tests start: the product's own, with further behaviours.

`Backend` is `probe.backend.server.Backend` with settings for its TLS and answers, a record of what
came, and other behaviours than a Collector's.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from cryptography import x509
from OpenSSL import SSL

from probe.backend import server
from probe.backend.answers import (
    Headers,
    Request,
    Response,
    grpc_error,
    text_response,
)
from probe.backend.go_tls import ACCEPTED
from probe.backend.http1_server import BAD_REQUEST

Behaviour = Literal[
    "collector", "grpc_core", "nginx", "silent", "mute", "close", "reset", "plaintext"
]
"""How the backend behaves.

`collector`: as Go's crypto/tls. `grpc_core`: refuses with FIN and no alert. `nginx`: lets every
handshake pass and refuses with HTTP 400. `silent`: never sends a byte. `mute`: completes the
handshake, then sends nothing. `close`, `reset`: FIN or RST upon the first bytes. `plaintext`:
speaks HTTP/1.1 without TLS.
"""
TlsVersion = Literal["1.2", "1.3"]

_VERSIONS: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_REMEMBERED: Final = 64
_ALERT: Final = 0x4000
_READ: Final = 0x4


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One TLS alert that passed a backend, by number."""

    direction: Literal["received", "sent"]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a backend answers an Export; the default is an empty success.

    `http_status`, `content_type`, `headers` and `body` shape an OTLP/HTTP answer. For gRPC,
    `grpc_status` is status and message, `body` the response message without its prefix, and an
    `http_status` other than 200 answers in plain HTTP, as a proxy in front would.
    """

    grpc_status: tuple[int, str] = (0, "")
    http_status: int = 200
    content_type: str | None = None
    headers: Headers = ()
    body: bytes = b""

    def of(self, success: Response, *, grpc: bool) -> Response:
        """Return the answer to an Export that a Collector answers with `success`."""
        if not grpc or self.http_status != 200:
            kind = self.content_type or (None if grpc else "application/x-protobuf")
            dates = tuple(field for field in success.headers if field[0] == "date")
            return text_response(self.http_status, self.body, kind, (*self.headers, *dates))
        code, message = self.grpc_status
        if code:
            return grpc_error(200, code, message, self.headers)
        body = b"\x00" + len(self.body).to_bytes(4, "big") + self.body
        return Response(200, (*success.headers, *self.headers), body, success.trailers)


@dataclass(kw_only=True)
class Backend(server.Backend):
    """A backend with more settings than a demo needs.

    Attributes:
        chain: intermediates sent along with the server's certificate.
        require_client_certificate: whether a client without one is refused.
        min_version: the lowest TLS version it takes.
        max_version: the highest.
        ciphers: OpenSSL's names for the TLS 1.2 ciphers it takes; empty for the usual ones.
        behaviour: as whom it behaves.
        answers: what it answers to an Export.
        requests: the last requests, oldest first.
        alerts: the last TLS alerts in either direction, oldest first.
    """

    chain: Sequence[x509.Certificate] = ()
    require_client_certificate: bool = True
    min_version: TlsVersion = "1.2"
    max_version: TlsVersion = "1.3"
    ciphers: str = ""
    behaviour: Behaviour = "collector"
    answers: Answers = field(default_factory=Answers)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    alerts: deque[AlertSeen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def tls_context(self) -> SSL.Context:
        """Return the product's context with the settings of this backend."""
        context = super().tls_context()
        context.set_min_proto_version(_VERSIONS[self.min_version])
        context.set_max_proto_version(_VERSIONS[self.max_version])
        if self.ciphers:
            context.set_cipher_list(f"{self.ciphers}:@SECLEVEL=0".encode())
        for certificate in self.chain:
            context.add_extra_chain_cert(certificate)
        context.set_info_callback(partial(_remember_alert, self.alerts))
        return context

    def connection(self, context: SSL.Context) -> server.Connection:
        """Return the server side of one connection, by the behaviour."""
        return CONNECTIONS[self.behaviour](self, self._connections, context)

    def respond(self, request: Request) -> Response:
        """Record `request`; return the configured answer to an Export, else the product's."""
        self.requests.append(request)
        response = super().respond(request)
        grpc = self.protocol == "grpc"
        is_export = bool(response.trailers) if grpc else _is_protobuf(response)
        return self.answers.of(response, grpc=grpc) if is_export else response


def nginx_refusal(*, sent: bool) -> Response:
    """Return nginx's answer to a client certificate that it refused, or did not get."""
    why = b"The SSL certificate error" if sent else b"No required SSL certificate was sent"
    body = (
        b"<html>\r\n<head><title>400 " + why + b"</title></head>\r\n<body>\r\n"
        b"<center><h1>400 Bad Request</h1></center>\r\n<center>" + why + b"</center>\r\n"
        b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return text_response(400, body, "text/html", (("server", "nginx"),))


class Connection(server.Connection):
    """One client of a Collector that may do without a client certificate."""

    backend: Backend

    def verify_client(self, *, required: bool = True) -> Any:
        """Ask for a certificate, and demand one where the backend does."""
        return super().verify_client(required=required and self.backend.require_client_certificate)


class GrpcCore(Connection):
    """It refuses without an alert."""

    def refuse(self) -> None:
        """Close with FIN, the alert unsent."""
        self.close()


class Nginx(Connection):
    """It accepts every handshake, and refuses by HTTP."""

    def verify_client(self, *, required: bool = False) -> Any:
        """Ask for a certificate and demand none."""
        return super().verify_client(required=required)

    def judge(self, chain: Sequence[x509.Certificate], error: int) -> int:
        """Accept every certificate, and record what is wrong with it."""
        super().judge(chain, error)
        return ACCEPTED

    def respond(self, request: Request) -> Response:
        """Answer 400 to a client without a good certificate."""
        sent = self.tls.get_peer_certificate() is not None
        required = self.backend.client_ca is not None and self.backend.require_client_certificate
        if any(self.verdicts) or (required and not sent):
            self.backend.requests.append(request)
            return nginx_refusal(sent=sent)
        return super().respond(request)


class Silent(Connection):
    """It never sends a byte."""

    def data_received(self, data: bytes) -> None:
        """Drop `data`."""


class Mute(Connection):
    """It sends nothing after the handshake."""

    def begin_http(self) -> None:
        """Send what is left of the handshake."""
        self.flush()


class Closing(Connection):
    """It closes upon the first bytes."""

    def data_received(self, data: bytes) -> None:
        """Send FIN."""
        self.close()


class Resetting(Connection):
    """It resets upon the first bytes."""

    def data_received(self, data: bytes) -> None:
        """Send RST."""
        self.close(reset=True)


class Plaintext(Connection):
    """It speaks HTTP/1.1 without TLS."""

    def data_received(self, data: bytes) -> None:
        """Answer the ClientHello with HTTP 400."""
        self.write_plaintext(BAD_REQUEST)
        self.close()


CONNECTIONS: Final[dict[Behaviour, type[Connection]]] = {
    "collector": Connection,
    "grpc_core": GrpcCore,
    "nginx": Nginx,
    "silent": Silent,
    "mute": Mute,
    "close": Closing,
    "reset": Resetting,
    "plaintext": Plaintext,
}


def _is_protobuf(response: Response) -> bool:
    return response.status == 200 and ("content-type", "application/x-protobuf") in response.headers


def _remember_alert(
    alerts: deque[AlertSeen], _connection: SSL.Connection, where: int, ret: int
) -> None:
    if where & _ALERT:
        alerts.append(AlertSeen("received" if where & _READ else "sent", ret & 0xFF))
