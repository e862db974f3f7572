"""Names to addresses, on threads, so that a slow resolver never delays another target.

Look-ups and their threads are bounded: a slot is free again only when its look-up has ended, as
nothing can interrupt a getaddrinfo that hangs. A look-up serves the attempts that asked for it, and
those that asked within `MOST_AGE` seconds of its beginning: what was asked before the network recovered
says nothing about the network after.
"""

import _thread
import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from math import inf
from time import monotonic
from typing import Final

from probe.attempt.stub_resolver import UnresolvedError
from probe.attempt.target_network import OWN_NETWORK, Network
from probe.surroundings.process_network import NetworkClosedError
from probe.system.own_limits import EXHAUSTED, OwnLimitError, lacks_descriptors, name_error
from probe.text.safe_text import safe_text

MOST_LOOK_UPS: Final = 128
"""Concurrent look-ups; each uses one thread."""
MOST_LOOK_UPS_PER_HOST: Final = 8
"""Concurrent look-ups of one name. glibc gives up on a dead nameserver after 10 s (resolv.conf(5):
timeout 5, attempts 2): at an interval of 2 s each attempt still gets its own look-up."""
MOST_AGE: Final = 0.2
"""Seconds: an attempt joins a look-up under way that began at most this long before."""

_MOST_NAMED: Final = 3
_OWN_CODES: Final = frozenset({"EAI_MEMORY"})


class ResolutionError(Exception):
    """A name did not resolve; `code` is getaddrinfo's, by name (`EAI_NONAME`)."""

    def __init__(self, code: str, *, late: bool = False) -> None:
        """Carry the code, and whether the deadline came first."""
        super().__init__(code)
        self.code = code
        self.late = late


@dataclass(frozen=True, slots=True)
class Lookup:
    """One look-up of a name for several attempts: its addresses, or why there are none."""

    addresses: tuple[str, ...] = ()
    error: ResolutionError | OwnLimitError | None = None
    duration: float = 0.0
    """Seconds."""
    left_out: int = 0
    """How many addresses of the name are not attempted."""


class NoSlotError(OwnLimitError):
    """Look-ups of other names hold every slot: this name was not looked up."""


_CODES = {
    value: name
    for name, value in vars(socket).items()
    if name.startswith("EAI_") and isinstance(value, int)
}


@dataclass(eq=False, slots=True)
class _Lookup:
    """One look-up that has not ended."""

    host: str
    network: Network
    began: float
    future: asyncio.Future[tuple[str, ...]]
    started: bool = False
    """Whether its thread has taken its first step: without memory it may never do so."""

    def is_of(self, host: str, network: Network) -> bool:
        """Return whether it is of this name, in this network."""
        return self.host == host and self.network.key == network.key


class Resolver:
    """getaddrinfo on a bounded number of threads."""

    def __init__(
        self,
        *,
        slots: int = MOST_LOOK_UPS,
        per_host: int = MOST_LOOK_UPS_PER_HOST,
        slot_timeout: float = inf,
    ) -> None:
        """Start without look-ups.

        Args:
            slots: look-ups at a time; each has a thread for as long as it lasts.
            per_host: those of one name.
            slot_timeout: the most seconds that a look-up waits for a slot.
        """
        self.slots = slots
        self.refused = 0
        """Names that were not looked up since the start, because every slot was taken."""
        self.withheld = 0
        """How many addresses of the last name were not given, because they must not be tried."""
        self._per_host = per_host
        self._slot_timeout = slot_timeout
        self._lookups: list[_Lookup] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def active(self) -> int:
        """How many look-ups have not ended."""
        return len(self._lookups)

    async def resolve(
        self, host: str, deadline: float = inf, network: Network = OWN_NETWORK
    ) -> tuple[str, ...]:
        """Return the addresses of `host` in getaddrinfo's order (RFC 6724).

        Args:
            host: a name, or an address, which is its own answer.
            deadline: monotonic seconds.
            network: from which it is looked up.

        Raises:
            ResolutionError: where there are none, or no answer came by the deadline.
            NoSlotError: where look-ups of other names held every slot until then.
            OwnLimitError: where this process lacks a thread, memory or descriptors for it.
        """
        try:
            return (str(ip_address(host)),)
        except ValueError:
            pass
        lookup = await self._get_lookup(host, deadline, network)
        future = lookup.future
        await asyncio.wait((future,), timeout=_remaining(deadline))
        if not future.done() and not lookup.started:
            self._free_slot(lookup)
            raise OwnLimitError("ENOMEM: the look-up's thread has not begun")
        if not future.done():
            raise ResolutionError("no answer in time", late=True)
        return future.result()

    async def _get_lookup(self, host: str, deadline: float, network: Network) -> _Lookup:
        """Return a look-up that is fresh: one that has just begun, or a new one."""
        asked = monotonic()
        until = min(deadline, asked + self._slot_timeout)
        while True:
            for known in reversed(self._lookups):
                if known.is_of(host, network) and known.began >= asked - MOST_AGE:
                    return known
            if len(self._lookups) < self.slots and self._count(host, network) < self._per_host:
                return self._start(host, network)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await asyncio.wait((waiter,), timeout=_remaining(until))
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
            if not waiter.done():
                raise self._refuse(host, network)

    def _count(self, host: str, network: Network) -> int:
        return sum(one.is_of(host, network) for one in self._lookups)

    def _refuse(self, host: str, network: Network) -> Exception:
        self.refused += 1
        own = self._count(host, network)
        if own >= self._per_host:
            return ResolutionError(f"no answer in time, nor to {own} look-ups before", late=True)
        hosts = Counter(one.host for one in self._lookups).most_common()
        named = ", ".join(safe_text(name, 60) for name, _ in hosts[:_MOST_NAMED])
        more = f" and {len(hosts) - _MOST_NAMED} more" if len(hosts) > _MOST_NAMED else ""
        return NoSlotError(
            f"this name was not looked up: all {self.slots} look-ups that may run at a time are "
            f"hanging, those of {named}{more}; does this machine's resolver answer?"
        )

    def _start(self, host: str, network: Network) -> _Lookup:
        loop = asyncio.get_running_loop()
        lookup = _Lookup(host, network, monotonic(), loop.create_future())
        # A caller that has given up must not leave a warning behind.
        lookup.future.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # threading.Thread.start waits until the thread runs: one that lacks memory for its
            # first steps never does, and the loop would wait for ever.
            _thread.start_new_thread(self._run, (lookup, loop))
        except RuntimeError as error:  # pthread_create(3): EAGAIN
            raise OwnLimitError(f"EAGAIN: {error}") from None
        # Only now: where no thread can be started, nobody would ever answer.
        self._lookups.append(lookup)
        return lookup

    def _run(self, lookup: _Lookup, loop: asyncio.AbstractEventLoop) -> None:
        """Look up, on a new thread."""
        lookup.started = True
        look_up = lookup.network.look_up
        outcome = _getaddrinfo(lookup.host) if look_up is None else _look_up(lookup.host, look_up)
        # Where the loop has ended, nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._finish, lookup, outcome)

    def _finish(self, lookup: _Lookup, outcome: tuple[str, ...] | Exception) -> None:
        self._free_slot(lookup)
        if lookup.future.done():
            return
        if isinstance(outcome, Exception):
            lookup.future.set_exception(outcome)
        else:
            lookup.future.set_result(outcome)

    def _free_slot(self, lookup: _Lookup) -> None:
        if lookup not in self._lookups:
            return
        self._lookups.remove(lookup)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _remaining(deadline: float) -> float | None:
    return None if deadline == inf else max(deadline - monotonic(), 0.0)


def _look_up(host: str, look_up: Callable[[str], tuple[str, ...]]) -> tuple[str, ...] | Exception:
    """Return what `look_up` finds, or the error to raise."""
    try:
        return look_up(host)
    except UnresolvedError as error:
        return ResolutionError(error.code)
    except NetworkClosedError as error:
        return OwnLimitError(f"its network may not be entered any more: {error.right}")
    except OSError as error:
        return OwnLimitError(name_error(error.errno))
    except (OwnLimitError, MemoryError) as error:
        return error


def _getaddrinfo(host: str) -> tuple[str, ...] | Exception:
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
    except ValueError:  # not a name: a NUL in it, or what IDNA cannot write
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
