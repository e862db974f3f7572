"""Thousands of slow connections to a web server, of every kind, as a process of its own.

`python -m tests.support.web_flood HOST PORT CONNECTIONS tls|plain` opens them, prints `ready`, opens each
one again that the server ends, and goes on until it is stopped. It shares nothing with the test, so
that its own work delays neither the backends nor the clock of the test.
"""

import asyncio
import random
import resource
import ssl
import sys
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Final

AGAIN: Final = 8.0
"""Seconds at the most until a connection that was ended is opened anew: slow clients are many, and
each does little."""
AT_ONCE: Final = 200
DRIP: Final = 0.3

HOST: Final = b"Host: localhost\r\n"
GET: Final = b"GET %s HTTP/1.1\r\n" + HOST + b"\r\n"


def drip(start: bytes, byte: bytes) -> Iterator[bytes]:
    """Yield `start`, and then a byte at a time, for ever."""
    yield start
    while True:
        yield byte


KINDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "idle": lambda: iter(()),
    "half a request line": lambda: iter((b"GET /metr",)),
    "half a head": lambda: iter((b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 4000,)),
    "a slow head": lambda: drip(b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"y"),
    "a slow body": lambda: drip(
        b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999\r\n\r\n", b"z"
    ),
    "a body without end": lambda: drip(
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1000\r\n" + b"z" * 4096 + b"\r\n",
    ),
    "never reads the metrics": lambda: iter((GET % b"/metrics",)),
    "never reads the metrics in gzip": lambda: iter(
        (b"GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip\r\n" + HOST + b"\r\n",)
    ),
    "never reads the page": lambda: iter((GET % b"/",)),
    "never reads the JSON": lambda: iter((GET % b"/api/v1/targets",)),
    "stays after a request": lambda: iter((GET % b"/-/healthy",)),
    "asks without end": lambda: iter((GET % b"/metrics" * 200,)),
    "asks for heads without end": lambda: iter(((b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n") * 300,)),
}
BELOW_TLS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "half a handshake": lambda: iter(
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 40,)
    ),
    "not TLS": lambda: iter((GET % b"/",)),
    "no byte": lambda: iter(()),
}


async def keep(
    host: str,
    port: int,
    sent: Callable[[], Iterator[bytes]],
    context: ssl.SSLContext | None,
    places: asyncio.Semaphore,
    opened: Callable[[], None],
) -> None:
    """Hold one connection of a kind, and another one when it is ended."""
    while True:
        writer = None
        try:
            async with places:
                # The limit keeps what arrives in the kernel: nobody reads it.
                reader, writer = await asyncio.open_connection(
                    host,
                    port,
                    ssl=context,
                    limit=1024,
                    server_hostname=None if context is None else "localhost",
                )
            opened()
            for part in sent():
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(DRIP)
            while not reader.at_eof() and reader.exception() is None:
                await asyncio.sleep(DRIP)
        except OSError:
            pass
        finally:
            if writer is not None:
                writer.transport.abort()
        await asyncio.sleep(random.uniform(AGAIN / 2, AGAIN))


async def flood(host: str, port: int, connections: int, *, tls: bool) -> None:
    """Open `connections` and keep them."""
    context = None
    kinds: list[tuple[Callable[[], Iterator[bytes]], ssl.SSLContext | None]] = []
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        kinds = [(sent, None) for sent in BELOW_TLS.values()] * 2
    kinds += [(sent, context) for sent in KINDS.values()]
    places, count = asyncio.Semaphore(AT_ONCE), 0

    def opened() -> None:
        nonlocal count
        count += 1
        if count == connections:
            print("ready", flush=True)  # noqa: T201  # the test waits for it

    await asyncio.gather(
        *(
            keep(host, port, sent, using, places, opened)
            for sent, using in islice(cycle(kinds), connections)
        )
    )


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    name, number, wanted, how = sys.argv[1:]
    asyncio.run(flood(name, int(number), int(wanted), tls=how == "tls"))
