"""Does one thing on a thread of its own, which ends with it, and waits a bounded time for that.

What changes a thread (its ids, its namespace) is never undone: no other work gets that thread.
"""

import _thread
import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Final, Generic, TypeVar

from probe.surroundings.file_view import ViewError
from probe.system.own_limits import OwnLimitError

LONGEST: Final = 2.0
"""Seconds that one look may take; a disk answers in milliseconds."""
MOST_STUCK: Final = 32
"""Threads that wait for something that does not answer; then nothing more is asked."""

_T = TypeVar("_T")


class _Thread(Generic[_T]):
    """One piece of work, and whether somebody still waits for it."""

    stuck: ClassVar[int] = 0
    """How many threads nobody waits for any more."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._lock = _thread.allocate_lock()
        self._done = _thread.allocate_lock()
        self._done.acquire()
        self._ended = False
        self.results: list[_T] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            self.error = error
        with self._lock:
            self._ended = True
            if not self._done.locked():
                _Thread.stuck -= 1
                return
        self._done.release()

    def wait(self, seconds: float) -> bool:
        """Return whether it ended in time; else its result is lost."""
        if self._done.acquire(timeout=seconds):
            return True
        with self._lock:
            if self._ended:
                return True
            _Thread.stuck += 1
            self._done.release()
            return False


def call_on_thread(work: Callable[[], _T], what: str, seconds: float = LONGEST) -> _T:
    """Return what `work` returns, or raise what it raises.

    Args:
        work: what to do.
        what: what it asks, in the plural, for the message where no answer comes.
        seconds: how long to wait.

    Raises:
        ViewError: where it takes longer, or too many others have not ended.
        OwnLimitError: where no thread can be started.
    """
    _refuse_too_many(what)
    return _take(_start(work), what, seconds)


async def await_thread(work: Callable[[], _T], what: str, seconds: float = LONGEST) -> _T:
    """Return what `call_on_thread` does, without holding up the event loop.

    What `work` returns after that time is lost: it must hold nothing that has to be closed, or close
    it by itself when it is collected, as a socket does.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def work_and_report() -> _T:
        try:
            return work()
        finally:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_resolve, ended)

    _refuse_too_many(what)
    thread = _start(work_and_report)
    await asyncio.wait((ended,), timeout=seconds)
    # Once it has reported, it ends in microseconds.
    return _take(thread, what, seconds if ended.done() else 0.0)


def _refuse_too_many(what: str) -> None:
    if _Thread.stuck >= MOST_STUCK:
        raise ViewError(f"{what} were not asked: {_Thread.stuck} earlier look-ups have no answer")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _start(work: Callable[[], _T]) -> _Thread[_T]:
    thread = _Thread(work)
    try:
        # threading.Thread.start would wait for a thread that lacks memory for its first step.
        _thread.start_new_thread(thread.run, ())
    except RuntimeError as error:  # pthread_create(3): EAGAIN
        raise OwnLimitError(f"EAGAIN: {error}") from None
    return thread


def _take(thread: _Thread[_T], what: str, seconds: float) -> _T:
    if not thread.wait(seconds):
        raise ViewError(f"{what} do not answer in time")
    if thread.error is not None:
        raise thread.error
    return thread.results[0]
