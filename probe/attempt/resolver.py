"""Names to addresses, on threads, so that a slow resolver never delays another target.

Look-ups are bounded in number, and so are their threads: a place is free again only when its
look-up has really ended, for nothing can break off a getaddrinfo that hangs. A look-up answers for
the attempts that asked for it, and for those that asked within `FRESH` seconds of its beginning:
what was asked before the network healed says nothing about the network after.
"""

import _thread
import asyncio
import socket
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from math import inf
from time import monotonic
from typing import Final

from probe.system.own_limits import EXHAUSTED, OwnLimitError, lacks_descriptors, name_error
from probe.text.safe_text import safe_text

PLACES: Final = 128
"""Look-ups, and so threads, at a time."""
PER_HOST: Final = 8
"""Those of one name: glibc gives up on a dead nameserver after 10 s (resolv.conf(5): timeout 5,
attempts 2), so that at an interval of a second or two a look-up is still made for each attempt."""
FRESH: Final = 0.2
"""Seconds by which a look-up may be older than the attempt that it answers for."""

_NAMED: Final = 3
_OWN_CODES: Final = frozenset({"EAI_MEMORY"})


class ResolutionError(Exception):
    """A name did not resolve; `code` is getaddrinfo's, by name (`EAI_NONAME`)."""

    def __init__(self, code: str, *, late: bool = False) -> None:
        """Carry the code, and whether the deadline came first."""
        super().__init__(code)
        self.code = code
        self.late = late


class NoPlaceError(OwnLimitError):
    """Look-ups of other names hold every place: this name was not looked up at all."""


_CODES = {
    value: name
    for name, value in vars(socket).items()
    if name.startswith("EAI_") and isinstance(value, int)
}


@dataclass(eq=False, slots=True)
class _LookUp:
    """One look-up under way."""

    host: str
    began: float
    future: asyncio.Future[tuple[str, ...]]
    runs: bool = False
    """Whether its thread has come to its first step: without memory it may never do so."""


class Resolver:
    """getaddrinfo on a bounded number of threads."""

    def __init__(
        self, *, places: int = PLACES, per_host: int = PER_HOST, patience: float = inf
    ) -> None:
        """Start with nothing under way.

        Args:
            places: look-ups at a time; each has a thread for as long as it lasts.
            per_host: those of one name.
            patience: the most seconds that a look-up waits for a place.
        """
        self.places = places
        self.refused = 0
        """Names that were not looked up since the start: every place was taken."""
        self._per_host = per_host
        self._patience = patience
        self._under_way: list[_LookUp] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def under_way(self) -> int:
        """How many look-ups have not ended."""
        return len(self._under_way)

    async def resolve(self, host: str, deadline: float = inf) -> tuple[str, ...]:
        """Return the addresses of `host` in getaddrinfo's order (RFC 6724).

        Args:
            host: a name, or an address, which is its own answer.
            deadline: monotonic seconds.

        Raises:
            ResolutionError: where there are none, or no answer came by the deadline.
            NoPlaceError: where look-ups of other names held every place until then.
            OwnLimitError: where this process lacks a thread, memory or descriptors for it.
        """
        try:
            return (str(ip_address(host)),)
        except ValueError:
            pass
        one = await self._look_up(host, deadline)
        future = one.future
        await asyncio.wait((future,), timeout=_left(deadline))
        if not future.done() and not one.runs:
            self._give_up(one)
            raise OwnLimitError("ENOMEM: the look-up's thread has not begun")
        if not future.done():
            raise ResolutionError("no answer in time", late=True)
        return future.result()

    async def _look_up(self, host: str, deadline: float) -> _LookUp:
        """Return a look-up that answers for now: one that has just begun, or a new one."""
        asked = monotonic()
        until = min(deadline, asked + self._patience)
        while True:
            for known in reversed(self._under_way):
                if known.host == host and known.began >= asked - FRESH:
                    return known
            if len(self._under_way) < self.places and self._count(host) < self._per_host:
                return self._begin(host)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await asyncio.wait((waiter,), timeout=_left(until))
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
            if not waiter.done():
                raise self._no_place(host)

    def _count(self, host: str) -> int:
        return sum(one.host == host for one in self._under_way)

    def _no_place(self, host: str) -> Exception:
        self.refused += 1
        own = self._count(host)
        if own >= self._per_host:
            return ResolutionError(f"no answer in time, nor to {own} look-ups before", late=True)
        hosts = Counter(one.host for one in self._under_way).most_common()
        named = ", ".join(safe_text(name, 60) for name, _ in hosts[:_NAMED])
        more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
        return NoPlaceError(
            f"this name was not looked up: all {self.places} look-ups that may run at a time are "
            f"hanging, those of {named}{more}; does this machine's resolver answer?"
        )

    def _begin(self, host: str) -> _LookUp:
        loop = asyncio.get_running_loop()
        one = _LookUp(host, monotonic(), loop.create_future())
        # A caller that has given up must not leave a warning behind.
        one.future.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # threading.Thread.start waits until the thread runs: one that lacks memory for its
            # first steps never does, and the loop would wait for ever.
            _thread.start_new_thread(self._run, (one, loop))
        except RuntimeError as error:  # pthread_create(3): EAGAIN
            raise OwnLimitError(f"EAGAIN: {error}") from None
        # Only now: where no thread can be started, nobody would ever answer.
        self._under_way.append(one)
        return one

    def _run(self, one: _LookUp, loop: asyncio.AbstractEventLoop) -> None:
        """Look up, on a thread of its own."""
        one.runs = True
        outcome = _ask(one.host)
        try:
            loop.call_soon_threadsafe(self._ended, one, outcome)
        except RuntimeError:
            return  # the loop has ended; nobody waits any more

    def _ended(self, one: _LookUp, outcome: tuple[str, ...] | Exception) -> None:
        self._give_up(one)
        if not one.future.done():
            if isinstance(outcome, Exception):
                one.future.set_exception(outcome)
            else:
                one.future.set_result(outcome)

    def _give_up(self, one: _LookUp) -> None:
        """Give its place to another."""
        if one not in self._under_way:
            return
        self._under_way.remove(one)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _left(deadline: float) -> float | None:
    return None if deadline == inf else max(deadline - monotonic(), 0.0)


def _ask(host: str) -> tuple[str, ...] | Exception:
    """Return the addresses of `host`, or the error to raise.

    glibc says EAI_NONAME or EAI_AGAIN as well where it could not open /etc/hosts or a socket: a
    failure counts only where descriptors can be had.
    """
    lack = lacks_descriptors()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        code = _CODES.get(error.errno or 0, str(error.errno))
        if code in _OWN_CODES:
            return OwnLimitError(code)
    except ValueError:  # no name at all: a NUL in it, or what IDNA cannot write
        return ResolutionError("EAI_NONAME")
    except MemoryError:
        return OwnLimitError("MemoryError")
    except OSError as error:  # what Python raises of EAI_SYSTEM
        if error.errno in EXHAUSTED:
            return OwnLimitError(name_error(error.errno))
        code = "EAI_SYSTEM"
    else:
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        return addresses or ResolutionError("EAI_NODATA")
    lack = lack or lacks_descriptors()
    if lack:
        return OwnLimitError(f"{lack}: no descriptors are free for a look-up")
    return ResolutionError(code)
