"""Lets many who ask for the same work share it: one run is under way, and at most one waits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class JoinedCalls(Generic[T]):
    """Calls a function for all who ask while another call is under way, together.

    Who asks during a run gets the next one: what he changed before he asked may not be in this one.
    """

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        """Take the function; nothing runs yet."""
        self._function = function
        self._running: asyncio.Task[T] | None = None
        self._waiting: asyncio.Task[T] | None = None

    async def call(self) -> T:
        """Return what a run returned that began after this call.

        Raises:
            Exception: whatever the function raised.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._run(self._running))
        # Who asked may leave; the others still get the result.
        return await asyncio.shield(self._waiting)

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._waiting = self._waiting, None
        return await self._function()
