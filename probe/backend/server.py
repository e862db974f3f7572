"""An OTLP backend on loopback: TLS as a Go server speaks it, or as others do, and its answers.

Law 2: whatever a client does, nothing is raised into the event loop. TLS runs over pyOpenSSL's
memory BIO, because the alert for a refused certificate is chosen in its verify callback.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal, cast

from cryptography import x509
from OpenSSL import SSL

from probe.backend.answers import Answers, Request, Response, nginx_refusal
from probe.backend.client_verification import ACCEPTED, go_verdict, set_client_verification
from probe.backend.http1_server import BAD_REQUEST, Http1Server
from probe.backend.http2_server import Http2Server
from probe.backend.pki import Authority, Issued
from probe.backend.server_context import (
    AlertSeen,
    NoSharedProtocolError,
    TlsVersion,
    server_context,
)
from probe.model.target import Protocol

Behaviour = Literal["collector", "grpc_core", "nginx", "silent", "mute", "close", "reset", "clear"]
"""How the backend behaves.

`collector`: as Go's crypto/tls. `grpc_core`: refuses with FIN and no alert. `nginx`: lets every
handshake pass and refuses with HTTP 400. `silent`: never sends a byte. `mute`: completes the
handshake, then says nothing. `close`, `reset`: FIN or RST upon the first bytes. `clear`: speaks
HTTP/1.1 without TLS.
"""

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65536
_REMEMBERED: Final = 64
# SO_LINGER on with a time of zero: close() sends RST instead of FIN (socket(7)).
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(kw_only=True)
class Backend:
    """An OTLP backend with one port on 127.0.0.1.

    Attributes:
        name: for people.
        server: the server's certificate and key.
        chain: intermediates sent along with it.
        protocol: what it serves; grpc takes ALPN h2 only.
        client_ca: the anchor for client certificates; None asks for no certificate.
        require_client_certificate: whether a client without one is refused.
        min_version: the lowest TLS version it takes.
        max_version: the highest.
        ciphers: OpenSSL's names for the TLS 1.2 ciphers it takes; empty for the usual ones.
        clock_offset: how far its clock is ahead, for certificate dates and the Date header.
        behaviour: as whom it behaves.
        answers: what it says to an Export.
        requests: the last requests, oldest first.
        alerts: the last TLS alerts in either direction, oldest first.
        stopped: whether it takes no connections.
    """

    name: str
    server: Issued
    chain: Sequence[x509.Certificate] = ()
    protocol: Protocol = "grpc"
    client_ca: Authority | None = None
    require_client_certificate: bool = True
    min_version: TlsVersion = "1.2"
    max_version: TlsVersion = "1.3"
    ciphers: str = ""
    clock_offset: timedelta = timedelta(0)
    behaviour: Behaviour = "collector"
    answers: Answers = field(default_factory=Answers)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    alerts: deque[AlertSeen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _connections: set["_Connection"] = field(default_factory=set, init=False, repr=False)
    _server: asyncio.Server | None = field(default=None, init=False, repr=False)
    stopped: bool = field(default=True, init=False)

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: before `start`.
        """
        if self._server is None:
            raise RuntimeError(f"the backend {self.name} has not been started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, port: int = 0, host: str = HOST) -> None:
        """Listen on `port` of `host`, a loopback address; port 0 takes a free one.

        Raises:
            OSError: where the port is taken.
        """
        context = server_context(
            self.server,
            self.chain,
            protocol=self.protocol,
            client_ca=self.client_ca,
            min_version=self.min_version,
            max_version=self.max_version,
            ciphers=self.ciphers,
            alerts=self.alerts,
        )
        self.stopped = False
        factory = partial(_Connection, self, self._connections, context)
        self._server = await asyncio.get_running_loop().create_server(factory, host, port)

    async def stop(self) -> None:
        """Close the port and every connection; do nothing where it is not started."""
        server, self._server = self._server, None
        if server is None:
            return
        self.stopped = True
        server.close()
        for connection in tuple(self._connections):
            await connection.abort()
        await server.wait_closed()

    def now(self) -> datetime:
        """Return the time by the backend's own clock."""
        return datetime.now(UTC) + self.clock_offset

    def respond(self, request: Request) -> Response:
        """Remember `request` and return the answer to it."""
        self.requests.append(request)
        return self.answers.respond(request, self.protocol, self.now())


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(
        self, backend: Backend, siblings: set["_Connection"], context: SSL.Context
    ) -> None:
        self._backend = backend
        self._siblings = siblings
        self._lost = asyncio.Event()
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._verdicts: list[int] = []
        self._keep: Any = None
        if backend.client_ca is not None:
            self._keep = set_client_verification(
                self._tls,
                partial(_judge, backend, self._verdicts),
                required=backend.require_client_certificate and backend.behaviour != "nginx",
            )
        self._http: Http1Server | Http2Server | None = None
        self._complete = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._transport = transport
        self._siblings.add(self)
        if self._backend.stopped:  # accepted by the kernel just before
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._siblings.discard(self)
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        match self._backend.behaviour:
            case "silent":
                return
            case "close":
                self._close()
            case "reset":
                self._close(reset=True)
            case "clear":
                self._write_clear(BAD_REQUEST)
                self._close()
            case _:
                self._tls.bio_write(data)
                self._advance()

    async def abort(self) -> None:
        """Drop the connection and wait until it is gone."""
        if self._transport is not None:
            self._transport.abort()
            await self._lost.wait()

    def _advance(self) -> None:
        if not self._complete and not self._handshake():
            return
        try:
            while self._hear(self._tls.recv(_CHUNK)):
                pass
        except SSL.WantReadError:
            self._flush()
        except SSL.Error:
            # close_notify, a fatal alert, or bytes that are no TLS: nothing is left to say.
            self._flush()
            self._close()

    def _handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return False
        except (SSL.Error, NoSharedProtocolError):
            self._refuse()
            return False
        self._complete = True
        self._begin()
        return True

    def _refuse(self) -> None:
        """Send the alert and close.

        Go closes with the client's last flight unread, which makes its kernel send RST right
        behind the alert. Here that flight has been read, so SO_LINGER brings the RST about. It
        cannot overtake the alert: the transport flushes before it closes, and on loopback what
        is flushed already lies in the client's receive queue, which Linux keeps through an RST.
        """
        refused = bool(self._verdicts) and self._verdicts[-1] != ACCEPTED
        if self._backend.behaviour != "grpc_core":
            self._flush()
        self._close(reset=refused and self._backend.behaviour == "collector")

    def _begin(self) -> None:
        backend = self._backend
        if backend.behaviour == "mute":
            self._flush()
            return
        respond = self._nginx if backend.behaviour == "nginx" else backend.respond
        if self._tls.get_alpn_proto_negotiated() == b"h2":
            self._http = Http2Server(respond)
        elif backend.protocol == "grpc":
            # grpc-go ends a connection without ALPN h2 after the handshake.
            self._flush()
            self._close()
            return
        else:
            self._http = Http1Server(respond)
        self._say(self._http.opening())
        self._flush()

    def _nginx(self, request: Request) -> Response:
        backend = self._backend
        sent = self._tls.get_peer_certificate() is not None
        required = backend.client_ca is not None and backend.require_client_certificate
        if any(self._verdicts) or (required and not sent):
            backend.requests.append(request)
            return nginx_refusal(sent=sent)
        return backend.respond(request)

    def _hear(self, data: bytes) -> bool:
        """Answer application data; return whether the connection goes on."""
        if self._http is None:
            return False
        self._say(self._http.receive(data))
        if not self._http.closed:
            return True
        self._tls.shutdown()
        self._flush()
        self._close()
        return False

    def _say(self, data: bytes) -> None:
        if data:
            self._tls.sendall(data)

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):
            while True:
                self._write_clear(self._tls.bio_read(_CHUNK))

    def _write_clear(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)

    def _close(self, *, reset: bool = False) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        if reset:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.close()


def _judge(
    backend: Backend, verdicts: list[int], chain: Sequence[x509.Certificate], error: int
) -> int:
    verdict = go_verdict(chain, error, backend.now())
    verdicts.append(verdict)
    return ACCEPTED if backend.behaviour == "nginx" else verdict
