"""Work that would hold the event loop, done in a thread; without one it is done all the same."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


async def run_off_loop(work: Callable[[], _Result]) -> _Result:
    """Return what `work` does, in a thread; in the event loop where no thread can be started.

    `work` may then run once more, in a thread that comes free later; that result is dropped.
    """
    try:
        future = asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:  # pthread_create(3): EAGAIN
        return work()
    return await future
