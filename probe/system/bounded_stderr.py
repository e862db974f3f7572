"""The process's standard error behind a bounded queue: who writes to it never waits and never fails.

A log must not hold up what it reports on. A reader that stops reading (a full pipe), one that has
gone (EPIPE) and a full disk (ENOSPC) cost lines, which are counted, and nothing else. Everything
that Python writes there comes through `sys.stderr`: the log, `warnings`, the loggers of libraries,
tracebacks, click, and what the interpreter reports while it ends.

One daemon thread writes to the descriptor, whose flags stay as they are: O_NONBLOCK belongs to the
open file description (open(2)), which other processes may share.
"""

import io
import os
import select
import sys
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

MAX_WRITES: Final = 4096
MAX_BYTES: Final = 1 << 20
"""What may wait for the reader; once it is full, half of it has to be read before more is taken."""
LONGEST_WRITE: Final = 1 << 16
"""Bytes of one write that are kept."""
FLUSH: Final = 0.25
FLUSHES: Final = 4
"""Seconds that a flush waits at most, and how many in the process's life may wait in vain."""

_PIPE_BUF: Final = select.PIPE_BUF
"""A write of so many bytes is never mixed with another process's (pipe(7))."""


class _Waiting(NamedTuple):
    """What waits to be written, and the number of lines that were dropped just before it."""

    dropped: int
    data: bytes


_Reached = SimpleQueue[None]
"""Gets an item as soon as everything before it in the queue has been written."""


class BoundedStderr(io.TextIOBase):
    """A text stream over a descriptor of which somebody else is the reader.

    What it takes is written in order by a thread, which is started with the first write. What it
    can't take is dropped, from the beginning of a line to its end. Where lines are missing, the
    reader finds a line that says how many.
    """

    encoding: str = "utf-8"
    errors: str = "backslashreplace"
    name: Final = "<stderr>"

    def __init__(
        self,
        descriptor: int,
        *,
        encoding: str = "utf-8",
        mask: Callable[[str], str] = str,
        max_writes: int = MAX_WRITES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Write to `descriptor`, which stays the caller's.

        `mask` is put over all that is written, whoever writes it: libraries' warnings and
        tracebacks have passed no other gate.
        """
        super().__init__()
        self.encoding = encoding
        self.lines_dropped = 0
        self.describe_loss: Callable[[int], str] = _describe_loss
        self._descriptor = descriptor
        self._mask = mask
        self._max_writes = max_writes
        self._max_bytes = max_bytes
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Have nothing to write and no thread; for a child after fork(2), which inherits neither.

        What was waiting is the parent's to write.
        """
        # Reentrant, as SimpleQueue is: a destructor that complains may run within any of these.
        self._lock = threading.RLock()
        self._queue: SimpleQueue[_Waiting | _Reached] = SimpleQueue()
        self._writes = self._bytes = 0
        self._full = False
        self._dropping_line = False
        self._dropped_last = 0
        self._not_written = 0
        self._within_line = False
        self._has_thread = False
        self._finished = False
        self._flushes_left = FLUSHES

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether a terminal is the reader."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """It always takes text."""
        return True

    def close(self) -> None:
        """Do nothing: the descriptor is the process's until its end."""

    def write(self, text: str, /) -> int:
        """Take `text` to be written, or drop it; never waits, never raises an OSError.

        Raises:
            TypeError: where it is not a text.
        """
        given: object = text
        if not isinstance(given, str):  # click finds out so that this is a stream of text
            raise TypeError(f"write() argument must be str, not {type(given).__name__}")
        data = self._mask(given).encode(self.encoding, self.errors)
        if not data:
            return 0
        if len(data) > LONGEST_WRITE:
            data = data[:LONGEST_WRITE] + b"\n"
        with self._lock:
            if not self._has_room(data):
                self._dropped_last += self._count_dropped(data)
                if self._writes or not self._dropped_last:
                    return len(text)
                data = b""  # nothing is on its way that the report could follow
            waiting, self._dropped_last = _Waiting(self._dropped_last, data), 0
            if self._finished:
                self._deliver(waiting, wait=False)
                return len(text)
            self._writes += 1
            self._bytes += len(data)
            self._queue.put(waiting)
            start, self._has_thread = not self._has_thread, True
        if start:
            self._start_thread()
        return len(text)

    def flush(self) -> None:
        """Wait a moment for what was written, so that it comes before what stdout gets next.

        Never waits in an event loop, and no longer at all once a reader has proven slow.
        """
        if self._flushes_left > 0 and not _in_event_loop() and not self.drain(FLUSH):
            self._flushes_left -= 1

    def drain(self, seconds: float) -> bool:
        """Wait until all that was written has been passed on; return whether it was in time."""
        if self._finished or not self._has_thread:
            return True
        reached: _Reached = SimpleQueue()
        self._queue.put(reached)
        try:
            reached.get(timeout=seconds)
        except Empty:
            return False
        return True

    def finish(self, seconds: float) -> None:
        """Wait for what was written, before the process ends and its threads with it.

        What is written later goes out at once, where nothing waits before it and nobody has to wait.
        """
        self.drain(seconds)
        self._finished = True

    def _has_room(self, data: bytes) -> bool:
        """Return whether there is room; the rest of a line that was dropped has none."""
        ends_line = data.endswith(b"\n")
        if self._dropping_line and not data.startswith(b"\r"):  # which begins anew on a terminal
            self._dropping_line = not ends_line
            return False
        if self._finished:
            # The thread still writes what was there before, and perhaps for ever.
            room = self._writes == 0
        elif self._full:
            room = self._writes * 2 <= self._max_writes and self._bytes * 2 <= self._max_bytes
        else:
            room = self._writes < self._max_writes and self._bytes + len(data) <= self._max_bytes
        self._full = not room
        self._dropping_line = not room and not ends_line
        return room

    def _count_dropped(self, data: bytes) -> int:
        lines = data.count(b"\n")
        self.lines_dropped += lines
        return lines

    def _start_thread(self) -> None:
        writer = threading.Thread(target=self._write_queue, name="stderr", daemon=True)
        try:
            writer.start()
        except RuntimeError:
            # No more threads (EAGAIN). What can be written without waiting is; the next write
            # tries again.
            self._write_without_thread()

    def _write_without_thread(self) -> None:
        with self._lock:
            while not self._queue.empty():
                item = self._queue.get_nowait()
                if isinstance(item, _Waiting):
                    self._deliver(item, wait=False)
            self._writes = self._bytes = 0
            self._has_thread = False

    def _write_queue(self) -> None:
        """Write what comes, for as long as the process lives."""
        following: _Waiting | _Reached | None = None
        while True:
            item = following or self._queue.get()
            if not isinstance(item, _Waiting):
                item.put(None)
                following = None
                continue
            writes = 1
            parts, size = [item.data], len(item.data)
            while (following := self._take_next()) is not None:
                if not isinstance(following, _Waiting) or following.dropped:
                    break
                if size + len(following.data) > _PIPE_BUF:
                    break
                parts.append(following.data)
                size += len(following.data)
                writes += 1
            self._deliver(_Waiting(item.dropped, b"".join(parts)), wait=True)
            with self._lock:
                self._writes -= writes
                self._bytes -= size
                dropped = 0 if self._writes else self._dropped_last
                self._dropped_last -= dropped
            if dropped:
                self._deliver(_Waiting(dropped, b""), wait=True)

    def _take_next(self) -> _Waiting | _Reached | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _deliver(self, waiting: _Waiting, *, wait: bool) -> None:
        """Write it, after a line on what is missing before it; count what can't be written."""
        missing = waiting.dropped + self._not_written
        if missing and self._write(self._encode_loss(missing), wait=wait):
            rest = waiting.data
        else:
            missing = 0
            rest = self._write(waiting.data, wait=wait)
        with self._lock:
            self._not_written = missing + self._count_dropped(rest)

    def _encode_loss(self, lines: int) -> bytes:
        """Return the line that says how many are missing."""
        try:
            text = self.describe_loss(lines)
        except Exception:  # noqa: BLE001  (the thread has to go on, and to say at least how many)
            text = _describe_loss(lines)
        return (b"\n" if self._within_line else b"") + text.encode(self.encoding, self.errors)

    def _is_writable(self, seconds: float) -> bool:
        """Return whether a write would not wait now, or within so many seconds."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _write(self, data: bytes, *, wait: bool) -> bytes:
        """Write `data`; return what of it could not be written, whatever the reason."""
        rest = data
        while rest:
            try:
                if not wait and not self._is_writable(0.0):
                    return rest
                # Where poll(2) promises that nobody has to wait, it does so for this many bytes.
                written = os.write(self._descriptor, rest if wait else rest[:_PIPE_BUF])
            except BlockingIOError:
                # Another process has made what is shared non-blocking.
                self._is_writable(1.0)
                continue
            except OSError:
                return rest
            self._within_line = rest[written - 1 : written] != b"\n"
            rest = rest[written:]
        return rest


def _describe_loss(lines: int) -> str:
    return f"mtls-probe: {lines} line{'' if lines == 1 else 's'} dropped, stderr took no more\n"


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # most commands never import it, and it is slow to import
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
