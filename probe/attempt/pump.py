"""Pumps bytes between one connected socket and one conversation (law 8).

No asyncio transport: those stop reading when a write fails, and the alert that says why is then
lost in the receive queue. Here a failed write only ends writing; reading goes on until the peer's
end of file, and every byte that the kernel holds reaches the conversation: before any timer acts,
too, for a process that wakes up late finds the answer and the deadline at the same time.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from probe.model.evidence import Ending
from probe.system.own_limits import EXHAUSTED, OwnLimitError, name_error

_AT_ONCE: Final = 4
"""Reads before a timer acts, until the loop is handed on: it may not be held up for long."""
_LATE: Final = 0.1
"""Seconds of lateness from which on a timer waits so long once more: after a pause of the whole
machine, what the peer said meanwhile has yet to arrive."""
_LAST_READS: Final = 64
"""Reads after the deadline; what lay in the kernel's queue by then is less (tcp_rmem, 6 MiB, ends
the conversation's byte budget long before)."""
_CHUNK: Final = 16384
"""Bytes of one read; with it ends what a peer can have done before the loop is handed on."""
_WITH_FIN: Final = getattr(socket, "MSG_MORE", 0)


class Conversation(Protocol):
    """What the socket's owner drives: feed it what arrives, send what it has, wake it in time."""

    ending: Ending | None
    wake_at: float | None

    def start(self, now: float) -> None:
        """Begin; `now` is monotonic seconds, here and below."""

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer."""

    def receive_eof(self, now: float, *, reset: bool) -> None:
        """Learn that nothing more comes: a FIN, or where `reset` an RST."""

    def wake(self, now: float) -> None:
        """Act on the timer that `wake_at` asked for."""

    def expire(self, now: float) -> None:
        """End at the deadline."""

    def take_output(self) -> bytes:
        """Return what is to be sent."""


class Pump:
    """Drives a conversation over a non-blocking socket until it has an ending."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        conversation: Conversation,
        acted: Callable[[], None] = lambda: None,
    ) -> None:
        """Take a connected socket, which stays the caller's to close.

        Args:
            loop: the running loop.
            sock: connected, not blocking.
            conversation: what is driven.
            acted: called whenever bytes were sent.
        """
        self.expired = False
        """Whether the deadline ended the conversation."""
        self._loop = loop
        self._sock = sock
        self._conversation = conversation
        self._acted = acted
        self._done: asyncio.Future[None] = loop.create_future()
        self._unsent = b""
        self._writing = False
        self._write_failed = False
        self._reset = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._end: asyncio.Handle | None = None
        self._last_reads = _LAST_READS
        self._waited_again = False

    async def run(self, deadline: float, already: bytes = b"") -> None:
        """Go on until the conversation has ended; `deadline` is monotonic seconds.

        `already` is what was received before the conversation began.

        Raises:
            OwnLimitError: where this process lacks memory for the socket.
        """
        loop, conversation = self._loop, self._conversation
        fd = self._sock.fileno()
        self._end = loop.call_later(deadline - monotonic(), self._guarded, self._expire)
        loop.add_reader(fd, self._guarded, self._readable)
        try:
            conversation.start(monotonic())
            if already:
                conversation.receive(already, monotonic())
            self._step()
            await self._done
        finally:
            self._end.cancel()
            if self._timer is not None:
                self._timer.cancel()
            loop.remove_reader(fd)
            if self._writing:
                loop.remove_writer(fd)

    def _guarded(self, callback: Callable[[], None]) -> None:
        """Carry a bug of ours to the awaiting attempt instead of the loop's log."""
        if self._done.done():
            return
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - handed on whole, not swallowed
            if not self._done.done():
                self._done.set_exception(error)

    def _readable(self) -> None:
        if self._read():
            self._step()

    def _read(self) -> bool:
        """Hand on what one read gives; return whether it gave anything, an end of file included."""
        now = monotonic()
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise OwnLimitError(name_error(error.errno)) from None
            self._conversation.receive_eof(now, reset=True)
            return True
        if data:
            self._conversation.receive(data, now)
        else:
            self._conversation.receive_eof(now, reset=self._reset)
        return True

    def _drained(self) -> bool:
        """Read what has come, a bounded part of it; return whether nothing is left to wait for."""
        for _ in range(_AT_ONCE):
            if self._conversation.ending is not None or not self._read():
                return True
            self._last_reads -= 1
        return self._last_reads <= 0

    def _expire(self) -> None:
        if not self._drained():
            self._step()
            # Replies go out and other attempts have their turn; then the rest is read.
            self._end = self._loop.call_soon(self._guarded, self._expire)
            return
        if self._conversation.ending is None:
            self.expired = True
            self._conversation.expire(monotonic())
        self._step()

    def _wake(self) -> None:
        self._timer = None
        self._timer_at = None
        # What has come may be the refusal whose absence the timer would take for consent.
        drained = self._drained()
        conversation = self._conversation
        now, wake_at = monotonic(), conversation.wake_at
        if conversation.ending is None and wake_at is not None and drained:
            if now - wake_at > _LATE and not self._waited_again:
                self._waited_again = True
                self._timer_at = wake_at
                self._timer = self._loop.call_later(_LATE, self._guarded, self._wake)
            elif wake_at <= now:
                conversation.wake(now)
        self._step()

    def _step(self) -> None:
        self._unsent += self._conversation.take_output()
        if self._unsent:
            self._flush()
        if self._conversation.ending is not None:
            if not self._done.done():
                self._done.set_result(None)
            return
        wake_at = self._conversation.wake_at
        if wake_at != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = wake_at
            self._timer = (
                self._loop.call_later(wake_at - monotonic(), self._guarded, self._wake)
                if wake_at is not None
                else None
            )

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
            # The kernel tells of an RST once: the read that follows sees a plain end of file.
            self._reset = error.errno == errno.ECONNRESET
            self._write_failed = True
            sent = len(self._unsent)
        if sent:
            self._acted()
        self._unsent = self._unsent[sent:]
        fd = self._sock.fileno()
        if self._unsent and not self._writing:
            self._writing = True
            self._loop.add_writer(fd, self._guarded, self._step)
        elif not self._unsent and self._writing:
            self._writing = False
            self._loop.remove_writer(fd)


class Closing(Protocol):
    """A conversation that closes in an orderly way."""

    def farewell(self) -> bytes:
        """Return the bytes of its close."""


def say_farewell(sock: socket.socket, conversation: Closing) -> None:
    """Send the close of `conversation`; the caller closes the socket right after."""
    farewell = conversation.farewell()
    if farewell:
        try:
            # Held back, so that it leaves in one segment with the FIN of the close that follows.
            sock.send(farewell, _WITH_FIN)
        except OSError:
            return  # the peer has gone already, which is no news about it
