"""Large answers: few of them in memory, and sent in small parts, however many clients read slowly.

A page of metrics is tens of megabytes for thousands of targets. aiohttp's own `Response` with
`enable_compression` keeps one body for each reader: 40 readers that stop reading a body of 22 MB cost
1.7 GB, or 0.9 GB with gzip; here they cost 130 MB.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from aiohttp import web

PART: Final = 32 * 1024
"""Bytes that are handed to a connection at a time; the next ones wait until its reader took them."""
STEPS_AT_ONCE: Final = 1
"""Parts of pages made in one turn of the event loop, over all requests."""
MOST_WAITING: Final = 32
"""Requests whose next part is waited for; one more is refused with 503."""
MOST_BODIES: Final = 3
"""Bodies in memory at a time, over all formats."""
FRESH: Final = 1.0
"""Seconds for which a body may be shared where there are as many already."""
MOMENT: Final = 0.25
"""Seconds for which a body may be shared that somebody else is reading."""

Key = tuple[bool, bool]
"""Whether the body is in OpenMetrics, and whether in gzip."""


@dataclass(eq=False)
class _Body:
    key: Key
    at: float
    content: asyncio.Future[Sequence[bytes]]
    readers: dict[object, Callable[[], None]] = field(default_factory=dict)


class BodyCache:
    """The bodies that are being read, at most `MOST_BODIES`.

    Each scrape gets a fresh body, unless somebody still reads one that is younger than `MOMENT`. At
    the limit it shares one that is younger than `FRESH` or is still being made, or else the readers of
    the oldest body that is made lose their connection.
    """

    def __init__(
        self,
        make: Callable[[Key], Awaitable[Sequence[bytes]]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Take what makes a body; `clock` gives monotonic seconds."""
        self._make = make
        self._clock = clock
        self._bodies: list[_Body] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._bodies)

    @asynccontextmanager
    async def lease(self, key: Key, abandon: Callable[[], None]) -> AsyncIterator[Sequence[bytes]]:
        """Yield a body for `key` in pieces; it is kept until the last reader has left.

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
        full = len(self._bodies) >= MOST_BODIES
        same = [one for one in self._bodies if one.key == key]
        if same and now - same[-1].at <= (FRESH if full else MOMENT):
            return same[-1]
        if same and full and not same[-1].content.done():
            return same[-1]
        if full:
            # On a busy machine one may be long in the making, and its readers have had nothing of it.
            oldest = next((one for one in self._bodies if one.content.done()), self._bodies[0])
            self._drop(oldest)
            for abandon in tuple(oldest.readers.values()):
                abandon()
            oldest.readers.clear()
        content = asyncio.ensure_future(self._make(key))
        # Who waited for it may be gone, and then nobody reads the exception.
        content.add_done_callback(lambda made: made.cancelled() or made.exception())
        body = _Body(key, now, content)
        self._bodies.append(body)
        return body

    def _drop(self, body: _Body) -> None:
        if body in self._bodies:
            self._bodies.remove(body)


class AnswerWriter:
    """Makes and sends parts, a few in each turn of the event loop."""

    def __init__(self) -> None:
        """Begin with every turn free."""
        self._turns = asyncio.Semaphore(STEPS_AT_ONCE)
        self._waiting = 0

    async def send_parts(
        self, request: web.Request, headers: dict[str, str], parts: Iterator[bytes]
    ) -> web.StreamResponse:
        """Answer with `parts` as they are made; an empty one is only a pause.

        Raises:
            ConnectionError: where the client has gone, or was too slow.
            HTTPServiceUnavailable: where many others wait for theirs.
        """
        if self._waiting >= MOST_WAITING:
            text = "many pages are being made; come again in a second\n"
            raise web.HTTPServiceUnavailable(text=text, headers={"Retry-After": "1"})
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        while (part := await self._make_next(parts)) is not None:
            if part:
                await response.write(part)
                await request.writer.drain()
        await response.write_eof()
        return response

    async def send_body(
        self, request: web.Request, headers: dict[str, str], body: Sequence[bytes]
    ) -> web.StreamResponse:
        """Answer with the pieces of `body`; a connection holds a small copied part at a time.

        Raises:
            ConnectionError: where the client has gone, or was too slow.
        """
        response = web.StreamResponse(headers=headers)
        response.content_length = sum(map(len, body))
        await response.prepare(request)
        for piece in body:
            for start in range(0, len(piece), PART):
                await response.write(piece[start : start + PART])
                await request.writer.drain()
            # A reader that is quick enough lets no write wait.
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def _make_next(self, parts: Iterator[bytes]) -> bytes | None:
        self._waiting += 1
        try:
            async with self._turns:
                part = next(parts, None)
                # Others run before the next part is made.
                await asyncio.sleep(0)
        finally:
            self._waiting -= 1
        return part
