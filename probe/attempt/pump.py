"""Pumps bytes between one connected socket and one sans-I/O session.

The socket has no asyncio transport: those stop reading when a write fails, and the alert that says
why is then lost in the receive queue. Here a failed write only ends writing; reading goes on until
the peer's end of file. Every byte that the kernel has reaches the session before a timer acts: a
process that wakes up late finds the answer and the deadline at the same time.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Final

from probe.attempt.loop_delays import LoopDelays
from probe.attempt.session import Session
from probe.system.own_limits import EXHAUSTED, OwnLimitError, name_error

_READS_AT_ONCE: Final = 4
"""Reads in a row before what is due is done; then other attempts run."""
_LATENESS: Final = 0.1
"""A wake-up that comes this many seconds late waits the same time once more: after a pause of the
whole machine, the peer's data has yet to arrive."""
_LAST_READS: Final = 64
"""Reads after the deadline: enough for all data that the kernel holds (the session's byte budget is
far below tcp_rmem, 6 MiB)."""
_READ_SIZE: Final = 16384
"""Bytes of one read. It bounds the work for one peer before other attempts run."""
_WITH_FIN: Final = getattr(socket, "MSG_MORE", 0)


class Pump:
    """Drives a session over a non-blocking socket until it has an ending."""

    def __init__(
        self,
        sock: socket.socket,
        session: Session,
        on_send: Callable[[], None] = lambda: None,
        delays: LoopDelays | None = None,
    ) -> None:
        """Take a connected socket, which stays the caller's to close, inside a running loop.

        Args:
            sock: connected, not blocking.
            session: what is driven.
            on_send: called whenever bytes were sent.
            delays: whose ticks wake the pump, those that all in this loop share; None: its own.
        """
        self.expired = False
        """Whether the deadline ended the session."""
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._session = session
        self._on_send = on_send
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._unsent = b""
        self._writing = False
        self._write_failed = False
        self._reset = False
        self._delays = delays or LoopDelays()
        self._deadline = inf
        self._wake_at: float | None = None
        """When the session was to be woken, as it said last."""
        self._end: asyncio.Handle | None = None
        self._last_reads = _LAST_READS
        self._waited_again = False

    async def run(self, deadline: float, already: bytes = b"") -> None:
        """Go on until the session has ended; `deadline` is monotonic seconds.

        `already` is what was received before the session began.

        Raises:
            OwnLimitError: where this process lacks memory for the socket.
        """
        loop, session, delays = self._loop, self._session, self._delays
        fd = self._sock.fileno()
        self._deadline = deadline
        delays.start()
        delays.wake(self, deadline)
        loop.add_reader(fd, self._take_what_came)
        try:
            session.start(monotonic())
            if already:
                session.receive(already, monotonic())
            self._step()
            await self._done
        finally:
            delays.forget(self)
            delays.stop()
            if self._end is not None:
                self._end.cancel()
            loop.remove_reader(fd)
            if self._writing:
                loop.remove_writer(fd)

    def act(self) -> None:
        """End at the deadline, or wake the session."""
        self._guard(self._expire if monotonic() >= self._deadline else self._wake)

    def _guard(self, callback: Callable[[], None]) -> None:
        """Run `callback`; a bug of ours reaches the awaiting attempt instead of the loop's log."""
        if self._done.done():
            return
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - handed on whole, not swallowed
            if not self._done.done():
                self._done.set_exception(error)

    def _take_what_came(self) -> None:
        if self._done.done():
            return
        try:
            if self._read():
                self._step()
        except Exception as error:  # noqa: BLE001 - as `_guard`, in one step
            if not self._done.done():
                self._done.set_exception(error)

    def _read(self) -> bool:
        """Pass on what one read gives; return whether it gave anything, an end of file included."""
        now = monotonic()
        try:
            data = self._sock.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise OwnLimitError(name_error(error.errno)) from None
            self._session.receive_eof(now, reset=True)
            return True
        if data:
            self._session.receive(data, now)
        else:
            self._session.receive_eof(now, reset=self._reset)
        return True

    def _drain(self) -> bool:
        """Read a bounded part of what has come; return whether nothing is left to read."""
        for _ in range(_READS_AT_ONCE):
            if self._session.ending is not None or not self._read():
                return True
            self._last_reads -= 1
        return self._last_reads <= 0

    def _expire(self) -> None:
        self._deadline = inf
        if not self._drain():
            self._step()
            # Replies are sent and other attempts have their turn; then the rest is read.
            self._end = self._loop.call_soon(self._guard, self._expire)
            return
        if self._session.ending is None:
            self.expired = True
            self._session.expire(monotonic())
        self._step()

    def _wake(self) -> None:
        self._wake_at = None
        self._delays.wake(self, self._deadline)
        # Read first: a refusal may already be in the socket, and the timer would take silence for
        # acceptance.
        drained = self._drain()
        session = self._session
        now, wake_at = monotonic(), session.wake_at
        if session.ending is None and wake_at is not None and drained:
            if now - wake_at > _LATENESS and not self._waited_again:
                self._waited_again = True
                self._wake_at = wake_at
                self._delays.wake(self, min(self._deadline, now + _LATENESS))
            elif wake_at <= now:
                session.wake(now)
        self._step()

    def _step(self) -> None:
        self._unsent += self._session.take_output()
        if self._unsent:
            self._flush()
        if self._session.ending is not None:
            if not self._done.done():
                self._done.set_result(None)
            return
        wake_at = self._session.wake_at
        if wake_at != self._wake_at:
            self._wake_at = wake_at
            due = self._deadline if wake_at is None else min(self._deadline, wake_at)
            self._delays.wake(self, due)

    def _flush(self) -> None:
        if self._write_failed:
            self._unsent = b""
            return
        try:
            sent = self._sock.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise OwnLimitError(name_error(error.errno)) from None
            # The kernel reports an RST once: the read that follows sees a plain end of file.
            self._reset = error.errno == errno.ECONNRESET
            self._write_failed = True
            sent = len(self._unsent)
        if sent:
            self._on_send()
        self._unsent = self._unsent[sent:]
        if self._unsent and not self._writing:
            self._writing = True
            self._loop.add_writer(self._sock.fileno(), self._guard, self._step)
        elif not self._unsent and self._writing:
            self._writing = False
            self._loop.remove_writer(self._sock.fileno())


def send_close(sock: socket.socket, closing: bytes) -> None:
    """Send the bytes of an orderly close, if any; the caller closes the socket right after."""
    if closing:
        # Held back, so that they leave in one segment with the FIN of the close that follows. A
        # peer that has closed already is not news about it.
        with suppress(OSError):
            sock.send(closing, _WITH_FIN)
