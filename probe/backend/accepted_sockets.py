"""Accepts exporters' connections for `listen`, and moves the bytes of each, within bounds.

A socket is read on after a write has failed: the alert that an exporter sent may still lie in it.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from probe.backend.exporter_session import ExporterSession, SessionSettings
from probe.backend.forward import Backend, Forward, NoBackendError
from probe.model.exporter_connection import ConnectionEnd
from probe.text.host_port import join_host_port

MAX_CONNECTIONS: Final = 256
HANDSHAKE_TIMEOUT: Final = 10.0
"""Seconds for first bytes and handshake."""
IDLE_TIMEOUT: Final = 900.0
"""Seconds without a byte of the exporter's, after which a connection ends."""
WRITE_TIMEOUT: Final = 30.0
"""Seconds in which an exporter has to take what it is sent."""
DRAIN_TIMEOUT: Final = 1.0
"""Seconds in which it may read the last alert before the connection is closed."""
LAST_ANSWERS: Final = 10.0
"""Seconds that the backend gets for its answers once the exporter has ended its side."""
BACKLOG: Final = 256
PAUSE: Final = 0.2
"""Seconds without accepting, where a descriptor or memory is missing."""
_CHUNK: Final = 65_536
_NOW: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on with a time of zero: what is turned away leaves nothing behind."""
_UNANSWERED: Final = "it ended the connection without an answer"
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What an address of a name is answered that this machine does not have."""
_ENDED_HERE: Final = "listen itself was ended"
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Report = Callable[[ExporterSession], None]
"""Called when there is something to say of a connection, and again when it is over."""


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of `host` that this machine has; an empty one means all of its own.

    Raises:
        OSError: where one of them cannot be listened on.
    """
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(found):
            taken = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets.append(_open_socket(family, (address[0], taken, *address[2:])))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = error  # `localhost` has ::1, and a container often no IPv6
    except BaseException:
        for one in sockets:
            one.close()
        raise
    if absent is not None and not sockets:
        raise absent
    return sockets


def _open_socket(family: int, address: tuple[object, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(BACKLOG)
    except BaseException:
        one.close()
        raise
    return one


def name_sockets(sockets: Iterable[socket.socket]) -> list[str]:
    """Return the address and port of each."""
    names = (one.getsockname() for one in sockets)
    return [join_host_port(str(name[0]), int(name[1])) for name in names]


def find_free_address(host: str) -> str:
    """Return an address of `host` that nobody listens on now.

    Raises:
        OSError: where there is none.
    """
    sockets = open_sockets(host, 0)
    address = name_sockets(sockets)[0]
    for one in sockets:
        one.close()
    return address


class ExporterListener:
    """Serves connections until `close`."""

    def __init__(
        self, settings: SessionSettings, report: Report, forward: Forward | None = None
    ) -> None:
        """Serve each connection by `settings`, and hand its OTLP on by `forward`."""
        self.turned_away = 0
        """Connections beyond MAX_CONNECTIONS."""
        self._settings = settings
        self._report = report
        self._forward = forward
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: list[asyncio.Task[None]] = []

    def start(self, sockets: list[socket.socket]) -> None:
        """Accept on `sockets`."""
        self._accepting = [asyncio.create_task(self._accept(one)) for one in sockets]

    async def close(self) -> None:
        """End every connection; each is reported once more."""
        tasks = [*self._accepting, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    await asyncio.sleep(PAUSE)
                continue
            if len(self._tasks) >= MAX_CONNECTIONS:
                self.turned_away += 1
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
                accepted.close()
                continue
            self._count += 1
            peer = join_host_port(str(address[0]), int(address[1]))
            task = asyncio.create_task(self._serve(accepted, self._count, peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, accepted: socket.socket, number: int, peer: str) -> None:
        accepted.setblocking(False)
        with suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        own = accepted.getsockname()
        session = ExporterSession(self._settings, number, peer, (str(own[0]), int(own[1])))
        served = _Served(session, accepted, self._report)
        try:
            await served.shake_hands()
            if session.state == "open":
                await (served.answer() if self._forward is None else served.relay(self._forward))
        except asyncio.CancelledError:
            session.shut()
            session.end("close", _ENDED_HERE)
            raise
        finally:
            session.end("close")
            served.tell_end()
            await served.close()


class _Served:
    """One connection's socket."""

    def __init__(self, session: ExporterSession, sock: socket.socket, report: Report) -> None:
        self._session, self._sock, self._report = session, sock, report
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        self._told: tuple[ConnectionEnd, bool] | None = None
        """How the connection stood when it was reported last, and whether an export was taken."""

    async def shake_hands(self) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                while self._session.state in {"first", "handshake"}:
                    await self._read()
        except TimeoutError:
            self._session.end("timeout")

    async def answer(self) -> None:
        """Answer requests until either side ends."""
        try:
            while self._session.state == "open":
                async with asyncio.timeout(IDLE_TIMEOUT):
                    await self._read()
        except TimeoutError:
            self._session.shut()
            self._session.end("timeout")

    async def relay(self, forward: Forward) -> None:
        """Hand on what the exporter sends, and back what the backend answers."""
        session = self._session
        alpn = (session.alpn,) if session.alpn else ()
        try:
            backend = await forward.connect(alpn)
        except NoBackendError as error:
            session.shut()
            session.end("no_backend", str(error))
            return
        back = asyncio.create_task(self._return(backend))
        try:
            there = asyncio.create_task(self._hand_on(backend))
            done, _ = await asyncio.wait({back, there}, return_when=asyncio.FIRST_COMPLETED)
            if back in done:
                answered = session.requests.waiting == 0
                session.end("close" if answered else "no_backend", "" if answered else _UNANSWERED)
            else:
                with suppress(OSError):
                    await backend.end()
                await asyncio.wait({back}, timeout=LAST_ANSWERS)
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            await backend.close()

    async def _hand_on(self, backend: Backend) -> None:
        session = self._session
        while True:
            data = session.take_for_backend()
            if data:
                try:
                    await backend.write(data)
                except OSError:
                    return
                session.note_forwarded(len(data))
            if session.state != "open":
                return
            try:
                async with asyncio.timeout(IDLE_TIMEOUT):
                    await self._read()
            except TimeoutError:
                session.end("timeout")

    async def _return(self, backend: Backend) -> None:
        session = self._session
        while True:
            try:
                data = await backend.read()
            except OSError:
                data = b""
            if not data:
                session.end_backend()
                await self._flush()
                return
            session.return_from_backend(data)
            await self._flush()
            self._tell()

    async def _read(self) -> None:
        """Take the next bytes, and send what they bring about."""
        try:
            data = await self._loop.sock_recv(self._sock, _CHUNK)
        except OSError:
            self._session.end("reset")
            return
        if not data:
            self._session.end("close")
            return
        self._session.receive(data)
        await self._flush()
        self._tell()

    def _tell(self) -> None:
        session = self._session
        has_new = self._told is None or (session.requests.taken > 0 and not self._told[1])
        if has_new and session.concluded:
            self._report_now()

    def tell_end(self) -> None:
        """Report the connection once more where it went on after it was reported."""
        if self._told is None or self._told[0] == "open":
            self._report_now()

    def _report_now(self) -> None:
        self._told = self._session.how_it_ended, self._session.requests.taken > 0
        self._report(self._session)

    async def _flush(self) -> None:
        async with self._writing:
            output = self._session.take_output()
            if not output:
                return
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await self._loop.sock_sendall(self._sock, output)
            except TimeoutError:
                self._session.end("timeout", "it does not read")
            except OSError:
                return  # what it sent before may still be read

    async def close(self) -> None:
        """Let the exporter read the last bytes, and close."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                await self._flush()
                self._sock.shutdown(socket.SHUT_WR)
                # With unread bytes, closing sends a reset, which overtakes the alert.
                while await self._loop.sock_recv(self._sock, _CHUNK):
                    pass
        self._sock.close()
