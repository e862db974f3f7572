"""Names to addresses, on threads, so that a slow resolver never delays another target.

Look-ups of the same host share one thread: the number of threads is bounded by the number of
distinct hosts, however long a resolver hangs.
"""

import asyncio
import socket
import threading
from ipaddress import ip_address


class ResolutionError(Exception):
    """A name did not resolve; `code` is getaddrinfo's, by name (`EAI_NONAME`)."""

    def __init__(self, code: str) -> None:
        """Carry the code."""
        super().__init__(code)
        self.code = code


_CODES = {
    value: name
    for name, value in vars(socket).items()
    if name.startswith("EAI_") and isinstance(value, int)
}


class Resolver:
    """getaddrinfo without a thread pool that one hanging look-up could fill."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._under_way: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Return the addresses of `host` in getaddrinfo's order (RFC 6724).

        Raises:
            ResolutionError: where there are none.
        """
        try:
            return (str(ip_address(host)),)
        except ValueError:
            pass
        future = self._under_way.get(host)
        if future is None:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            threading.Thread(
                target=_look_up, args=(host, loop, future), name=f"resolve {host}", daemon=True
            ).start()
            # Only now: where no thread can be started, nobody would ever answer.
            self._under_way[host] = future
            future.add_done_callback(lambda _: self._under_way.pop(host, None))
        return await asyncio.shield(future)


def _look_up(
    host: str, loop: asyncio.AbstractEventLoop, future: asyncio.Future[tuple[str, ...]]
) -> None:
    addresses: tuple[str, ...] = ()
    code = ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    except socket.gaierror as error:
        code = _CODES.get(error.errno or 0, str(error.errno))
    except (ValueError, OSError):  # no name at all: a NUL in it, or what IDNA cannot write
        code = "EAI_NONAME"

    def deliver() -> None:
        if future.done():
            return
        if addresses:
            future.set_result(addresses)
        else:
            future.set_exception(ResolutionError(code or "EAI_NODATA"))
            future.exception()  # a caller that has given up must not leave a warning behind

    try:
        loop.call_soon_threadsafe(deliver)
    except RuntimeError:
        return  # the loop has ended; nobody waits any more
