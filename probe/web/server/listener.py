"""Listens, and admits each connection by `Connections`: also one that never ends its handshake.

A server of asyncio's has no bound, and does not see a connection before its TLS handshake is over;
here each socket is counted from the moment that it is accepted.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from probe.system.fault_log import FaultLog
from probe.web.server.connections import DEADLINES, Connection, Connections
from probe.web.server.request_handler import RequestHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    # It needs Python's ssl, which a service without TLS on its own side does without.
    from probe.web.server.server_tls import Context

SHUTDOWN_TIMEOUT: Final = 2.0
"""Seconds that requests under way get when the service stops."""
BACKLOG: Final = 4096
"""Connections that the kernel holds until they are accepted."""
ACCEPTED_AT_ONCE: Final = 32
"""In one turn of the event loop: a flood of new connections must not delay the attempts."""
SWEEP: Final = 0.5
"""Seconds between two looks for connections that are overdue."""
SHORTEST: Final = min(map(min, DEADLINES.values()))
"""Seconds within which a connection that has just been opened cannot be overdue."""
PAUSE: Final = 0.2
"""Seconds without accepting, where a descriptor or memory is missing."""
BREATH: Final = 0.01
"""Seconds without accepting, where those that were accepted have had no time yet."""
RECEIVE_BUFFER: Final = 64 * 1024
FAST_CONNECTIONS: Final = 32
"""The first ones get a large buffer in the kernel, so that a distant scraper reads fast."""
SEND_BUFFER: Final = 256 * 1024
SMALL_SEND_BUFFER: Final = 32 * 1024
"""Bytes; the kernel takes twice as much, which a container's memory limit counts."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What an address of a name is answered that this machine does not have."""


class Listener:
    """The listening sockets of one application."""

    def __init__(
        self,
        handler: Callable[[Connection], RequestHandler],
        connections: Connections,
        ssl_context: Context | None = None,
    ) -> None:
        """Serve each connection by `handler`; nothing listens yet."""
        self._handler = handler
        self._connections = connections
        self._ssl_context = ssl_context
        self._sockets: list[socket.socket] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the first socket listens."""
        host, port = self._sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def start(self, host: str, port: int) -> None:
        """Listen on every address of `host`.

        Raises:
            OSError: where it cannot listen on one of them.
        """
        loop = asyncio.get_running_loop()
        await _listen_everywhere(self._sockets, host, port)
        for one in self._sockets:
            loop.add_reader(one.fileno(), self._accept, one)
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Accept nothing more; open connections stay open."""
        loop = asyncio.get_running_loop()
        for one in self._sockets:
            loop.remove_reader(one.fileno())
        self._close_sockets()
        tasks = [*self._starting, *([self._sweeping] if self._sweeping else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self._connections.rushed:
                self._pause(listening, BREATH)
                return
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    # Attempts come first: end one connection, and accept none for a moment.
                    self._connections.make_room()
                    self._pause(listening, PAUSE)
                return
            self._start(sock, str(address[0]))

    def _pause(self, listening: socket.socket, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening.fileno())

        def go_on() -> None:
            if listening in self._sockets:
                loop.add_reader(listening.fileno(), self._accept, listening)

        loop.call_later(seconds, go_on)

    def _start(self, sock: socket.socket, peer: str) -> None:
        connections = self._connections
        connection = Connection(peer, sock.close, lambda: _has_unread(sock))
        connections.admit(connection)
        sock.setblocking(False)
        size = SEND_BUFFER if len(connections) <= FAST_CONNECTIONS else SMALL_SEND_BUFFER
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        task = asyncio.get_running_loop().create_task(self._serve_socket(sock, connection))
        connection.end = lambda: _abort_start(task, sock)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _serve_socket(self, sock: socket.socket, connection: Connection) -> None:
        """Make the TLS handshake, where there is TLS, and give the connection to its handler."""
        named = {} if self._ssl_context is None else {
            "ssl_handshake_timeout": DEADLINES["handshake"][0],
            "ssl_shutdown_timeout": SHUTDOWN_TIMEOUT,
        }  # fmt: skip
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._handler(connection), sock, ssl=self._ssl_context, **named
            )
        except OSError:
            # Not TLS, another version, no certificate, gone: an alert has said so to the peer.
            self._connections.leave(connection)
            sock.close()
        except BaseException:
            self._connections.leave(connection)
            sock.close()
            raise

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP if len(self._connections) else SHORTEST)
            self._connections.end_overdue()


@asynccontextmanager
async def serve_application(
    application: web.Application,
    host: str,
    port: int,
    *,
    connections: Connections,
    ssl_context: Context | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serve `application` as long as the context lasts; yields the address.

    Args:
        application: the pages.
        host: a name or an address.
        port: 0 takes any.
        connections: how many may be open, and which are ended.
        ssl_context: of the server's side of TLS; None serves plain HTTP.

    Raises:
        OSError: where it cannot listen there.
    """
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT
    )
    await runner.setup()
    server = runner.server
    assert server is not None
    loop, faults = asyncio.get_running_loop(), FaultLog("web")

    async def harden(request: web.BaseRequest, response: web.StreamResponse) -> None:
        # What aiohttp answers itself has a Request too, without a route.
        await application.on_response_prepare.send(cast("web.Request", request), response)

    def handler(connection: Connection) -> RequestHandler:
        return RequestHandler(
            server,
            connection,
            connections,
            harden=harden,
            faults=faults,
            loop=loop,
            keepalive_timeout=DEADLINES["idle"][0],
        )

    listener = Listener(handler, connections, ssl_context)
    try:
        await listener.start(host, port)
        try:
            yield listener.address
        finally:
            await listener.close()
    finally:
        await runner.cleanup()
        connections.end_all()


async def try_to_listen(host: str, port: int) -> None:
    """Make sure that an address is free, before long work begins whose result is shown there.

    Raises:
        OSError: where it is not.
    """
    sockets: list[socket.socket] = []
    await _listen_everywhere(sockets, host, port)
    for one in sockets:
        one.close()


async def _listen_everywhere(sockets: list[socket.socket], host: str, port: int) -> None:
    """Add to `sockets` one for each address of `host` that this machine has.

    Where one of these cannot listen, none is left.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    absent: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                sockets.append(_listening(family, kind, protocol, address))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = error  # `localhost` has ::1, and a container often no IPv6
    except BaseException:
        for one in sockets:
            one.close()
        sockets.clear()
        raise
    if absent is not None and not sockets:
        raise absent


def _listening(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _has_unread(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False  # nothing is there, or it is closed


def _abort_start(task: asyncio.Task[None], sock: socket.socket) -> None:
    task.cancel()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
