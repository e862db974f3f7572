"""One piece of work on a thread of its own, which nobody waits for without end."""

import threading
import time

import pytest

from probe.surroundings import own_thread
from probe.surroundings.file_view import ViewError
from probe.surroundings.own_thread import await_thread, call_on_thread


def test_it_returns_or_raises_what_the_work_does() -> None:
    """On another thread, which has ended by then or ends at once."""
    assert call_on_thread(threading.get_ident, "it") != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        call_on_thread(lambda: 1 // 0, "it")


async def test_the_event_loop_goes_on() -> None:
    """The same without holding up the loop."""
    assert await await_thread(threading.get_ident, "it") != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await await_thread(lambda: 1 // 0, "it")


def test_what_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many threads may be stuck, and no more; once they go on, work is done again."""
    monkeypatch.setattr(own_thread, "MOST_STUCK", 2)
    answer = threading.Event()
    for _ in range(2):
        with pytest.raises(ViewError, match="files do not answer"):
            call_on_thread(answer.wait, "files", 0.01)
    with pytest.raises(ViewError, match="were not asked"):
        call_on_thread(answer.wait, "files", 0.01)

    answer.set()
    end = time.monotonic() + 5
    while own_thread._Thread.stuck and time.monotonic() < end:
        time.sleep(0.01)
    assert call_on_thread(lambda: 7, "files") == 7


async def test_the_loop_gives_up_as_well() -> None:
    """A look-up that hangs holds its thread, and nothing else."""
    answer = threading.Event()
    with pytest.raises(ViewError, match="do not answer"):
        await await_thread(answer.wait, "files", 0.01)
    answer.set()
