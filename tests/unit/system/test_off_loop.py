"""Work off the event loop, and what becomes of it where no thread can be started."""

import threading
from typing import Never

import pytest

from probe.system.off_loop import run_off_loop


async def test_it_runs_in_another_thread() -> None:
    """The loop goes on meanwhile."""
    assert await run_off_loop(threading.get_ident) != threading.get_ident()


async def test_without_a_thread_it_is_done_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be known is worth a hold-up."""

    def refuse(_: threading.Thread) -> Never:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert await run_off_loop(threading.get_ident) == threading.get_ident()


async def test_what_it_raises_is_raised() -> None:
    """An error of the work is not taken for a missing thread."""
    calls: list[int] = []

    def fail() -> Never:
        calls.append(1)
        raise RuntimeError("of the work")

    with pytest.raises(RuntimeError, match="of the work"):
        await run_off_loop(fail)
    assert calls == [1]
