"""Keeps the number of large answers that lie in memory small, however many clients read slowly.

A page of metrics is tens of megabytes for thousands of targets. Each scrape gets a fresh one, unless
somebody is still reading one that was made a moment ago. Where `MOST` different ones are being read,
it shares one that is somewhat older, or the readers of the oldest lose their connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

MOST: Final = 3
"""Bodies in memory at a time, over all formats."""
FRESH: Final = 1.0
"""Seconds for which a body may be shared where there are as many already."""
MOMENT: Final = 0.25
"""Seconds for which a body may be shared that somebody else is reading."""

Key = tuple[bool, bool]
"""Whether it is in OpenMetrics, and whether in gzip."""


@dataclass(eq=False)
class _Body:
    key: Key
    at: float
    content: asyncio.Future[bytes]
    readers: dict[object, Callable[[], None]] = field(default_factory=dict)


class SharedBodies:
    """The bodies that are being read."""

    def __init__(
        self, make: Callable[[Key], Awaitable[bytes]], clock: Callable[[], float] = monotonic
    ) -> None:
        """Take what makes a body; `clock` gives monotonic seconds."""
        self._make = make
        self._clock = clock
        self._bodies: list[_Body] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._bodies)

    @asynccontextmanager
    async def reading(self, key: Key, abandon: Callable[[], None]) -> AsyncIterator[bytes]:
        """Yield a body for `key`; it is kept until the last reader has left.

        Args:
            key: of which kind.
            abandon: ends the reader's connection, where another scrape needs the memory.
        """
        body = self._body(key)
        reader = object()
        body.readers[reader] = abandon
        try:
            yield await asyncio.shield(body.content)
        finally:
            body.readers.pop(reader, None)
            if not body.readers:
                self._drop(body)

    def _body(self, key: Key) -> _Body:
        now = self._clock()
        full = len(self._bodies) >= MOST
        same = [one for one in self._bodies if one.key == key]
        if same and now - same[-1].at <= (FRESH if full else MOMENT):
            return same[-1]
        if full:
            oldest = self._bodies[0]
            self._drop(oldest)
            for abandon in tuple(oldest.readers.values()):
                abandon()
            oldest.readers.clear()
        content = asyncio.ensure_future(self._make(key))
        # Who waited for it may be gone: then nobody is left to ask how it went.
        content.add_done_callback(lambda made: made.cancelled() or made.exception())
        body = _Body(key, now, content)
        self._bodies.append(body)
        return body

    def _drop(self, body: _Body) -> None:
        if body in self._bodies:
            self._bodies.remove(body)
