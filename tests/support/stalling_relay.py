"""A relay before a backend that delays the backend's bytes in some connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Stalls = Callable[[int], float]
"""Seconds to hold back in the connection of this number, from 0; less than 0 to close it instead."""


@asynccontextmanager
async def stalling(port: int, stalls: Stalls, *, after: int = 0) -> AsyncIterator[int]:
    """Relay to `port` of loopback; yield the relay's own port.

    What the backend says is held back once, after `after` pieces of it were let through: 0 is
    before its ServerHello, 1 after its first flight, and so on.
    """
    count = 0
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        seconds, count = stalls(count), count + 1
        with suppress(OSError):
            if seconds < 0:
                await reader.read(65536)
                writer.close()
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            back = asyncio.create_task(_carry_back(far_reader, writer, seconds, after))
            tasks.add(back)
            back.add_done_callback(tasks.discard)
            try:
                while data := await reader.read(65536):
                    far_writer.write(data)
                    await far_writer.drain()
            finally:
                far_writer.close()
                back.cancel()
                writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()


async def _carry_back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, after: int
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            if after == 0 and seconds:
                await asyncio.sleep(seconds)
            after -= 1
            writer.write(data)
            await writer.drain()
        writer.close()
