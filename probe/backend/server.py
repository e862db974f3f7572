"""An OTLP backend on loopback: TLS as a Go server speaks it, and the answers of a Collector.

Peers are evidence: whatever a client does, nothing is raised into the event loop. TLS runs over
pyOpenSSL's memory BIO, because the alert for a refused certificate is chosen in its verify callback.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from cryptography import x509
from OpenSSL import SSL

from probe.backend.answers import Request, Response, answer_request
from probe.backend.go_tls import (
    ACCEPTED,
    NoSharedProtocolError,
    go_verdict,
    server_context,
    set_client_verification,
)
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from probe.backend.pki import Authority, Issued
from probe.model.target import Protocol

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65536
# SO_LINGER on with a time of zero: close() sends RST instead of FIN (socket(7)).
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(kw_only=True)
class Backend:
    """An OTLP backend with one port on 127.0.0.1.

    Attributes:
        name: for people.
        server: the server's certificate and key.
        protocol: what it serves; grpc takes ALPN h2 only.
        client_ca: the anchor for client certificates; None asks for no certificate.
        clock_offset: how far its clock is ahead, for certificate dates and the Date header.
        stopped: whether it takes no connections.
    """

    name: str
    server: Issued
    protocol: Protocol = "grpc"
    client_ca: Authority | None = None
    clock_offset: timedelta = timedelta(0)
    stopped: bool = field(default=True, init=False)
    _connections: set["Connection"] = field(default_factory=set, init=False, repr=False)
    _server: asyncio.Server | None = field(default=None, init=False, repr=False)

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
        context = self.tls_context()
        self.stopped = False
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self.connection(context), host, port
        )

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
        """Return the answer to `request`."""
        return answer_request(request, self.protocol, self.now())

    def tls_context(self) -> SSL.Context:
        """Return the context of all its connections."""
        return server_context(self.server, self.protocol, self.client_ca)

    def connection(self, context: SSL.Context) -> "Connection":
        """Return what serves one client."""
        return Connection(self, self._connections, context)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, backend: Backend, siblings: set["Connection"], context: SSL.Context) -> None:
        """Serve one client of `backend`; `siblings` has every open connection."""
        self.backend = backend
        self.tls = SSL.Connection(context, None)
        self.tls.set_accept_state()
        self.verdicts: list[int] = []
        self._siblings = siblings
        self._lost = asyncio.Event()
        self._callback: Any = self.verify_client() if backend.client_ca is not None else None
        self._http: Http1Server | Http2Server | None = None
        self._complete = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the client."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._transport = transport
        self._siblings.add(self)
        if self.backend.stopped:  # accepted by the kernel just before
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the client."""
        self._siblings.discard(self)
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        """Continue the handshake, or answer the request."""
        self.tls.bio_write(data)
        if not self._complete and not self._handshake():
            return
        try:
            while self._receive(self.tls.recv(_CHUNK)):
                pass
        except SSL.WantReadError:
            self.flush()
        except SSL.Error:
            # close_notify, a fatal alert, or bytes that are not TLS: nothing is left to send.
            self.flush()
            self.close()

    async def abort(self) -> None:
        """Drop the connection and wait until it is gone."""
        if self._transport is not None:
            self._transport.abort()
            await self._lost.wait()

    def verify_client(self, *, required: bool = True) -> Any:
        """Ask for a client certificate; return the callback, which must live as long as this."""
        return set_client_verification(self.tls, self.judge, required=required)

    def judge(self, chain: Sequence[x509.Certificate], error: int) -> int:
        """Return the X509_V_ERR code that refuses `chain`, or 0."""
        self.verdicts.append(go_verdict(chain, error, self.backend.now()))
        return self.verdicts[-1]

    def refuse(self) -> None:
        """Send the alert and close.

        Go closes with the client's last flight unread, which makes its kernel send RST right
        behind the alert. Here that flight has been read, so SO_LINGER brings the RST about. It
        cannot overtake the alert: the transport flushes before it closes, and on loopback what
        is flushed already lies in the client's receive queue, which Linux keeps through an RST.
        """
        self.flush()
        self.close(reset=any(code != ACCEPTED for code in self.verdicts[-1:]))

    def begin_http(self) -> None:
        """Choose the HTTP version after the handshake."""
        if self.tls.get_alpn_proto_negotiated() == b"h2":
            self._http = Http2Server(self.respond)
        elif self.backend.protocol == "grpc":
            # grpc-go ends a connection without ALPN h2 after the handshake.
            self.flush()
            self.close()
            return
        else:
            self._http = Http1Server(self.respond)
        self._send(self._http.opening())
        self.flush()

    def respond(self, request: Request) -> Response:
        """Return the answer to `request`."""
        return self.backend.respond(request)

    def flush(self) -> None:
        """Write what TLS has to send."""
        with suppress(SSL.WantReadError):
            while True:
                self.write_plaintext(self.tls.bio_read(_CHUNK))

    def write_plaintext(self, data: bytes) -> None:
        """Write `data` without TLS."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self, *, reset: bool = False) -> None:
        """Close the connection, with FIN or with RST."""
        assert self._transport is not None
        if self._transport.is_closing():
            return
        if reset:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.close()

    def _handshake(self) -> bool:
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            self.flush()
            return False
        except (SSL.Error, NoSharedProtocolError):
            self.refuse()
            return False
        self._complete = True
        self.begin_http()
        return True

    def _receive(self, data: bytes) -> bool:
        """Answer application data; return whether the connection goes on."""
        if self._http is None:
            return False
        self._send(self._http.receive(data))
        if not self._http.closed:
            return True
        self.tls.shutdown()
        self.flush()
        self.close()
        return False

    def _send(self, data: bytes) -> None:
        if data:
            self.tls.sendall(data)
