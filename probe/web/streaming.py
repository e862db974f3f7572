"""Sends large answers in small parts, so that neither memory nor the event loop pays for them."""

import asyncio
from collections.abc import Iterator
from typing import Final

from aiohttp import web

PART: Final = 32 * 1024
"""Bytes that are handed to a connection at a time; the next ones wait until its reader took them."""
STEPS_AT_ONCE: Final = 1
"""Parts of pages made in one turn of the event loop, over all requests."""
MOST_WAITING: Final = 32
"""Requests whose next part is waited for; one that finds as many is told to come again."""


class PartWriter:
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
        while (part := await self._made(parts)) is not None:
            if part:
                await response.write(part)
                await request.writer.drain()
        await response.write_eof()
        return response

    async def send_body(
        self, request: web.Request, headers: dict[str, str], body: bytes
    ) -> web.StreamResponse:
        """Answer with `body`, of which a connection holds a small copied part at a time.

        Raises:
            ConnectionError: where the client has gone, or was too slow.
        """
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        for start in range(0, len(body), PART):
            await response.write(body[start : start + PART])
            await request.writer.drain()
        await response.write_eof()
        return response

    async def _made(self, parts: Iterator[bytes]) -> bytes | None:
        self._waiting += 1
        try:
            async with self._turns:
                part = next(parts, None)
                # Others may go on before the next part of anybody's is made.
                await asyncio.sleep(0)
        finally:
            self._waiting -= 1
        return part
