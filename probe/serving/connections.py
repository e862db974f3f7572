"""Which connections to the web side may stay open: their number, and how long each may stand still.

Plain bookkeeping without a socket. Where all places are taken, the connection that has waited for
its peer longest makes room for a new one; only where none waits, the one whose answer has been in
the making longest. Each phase has a deadline that shortens as the places fill up. So a flood of slow
clients costs a bounded amount of memory and descriptors, and whoever asks quickly is answered.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final, Literal

Phase = Literal["handshake", "idle", "request", "answer"]
"""Shaking hands (TLS), between two requests, sending a request, being answered."""

MOST_CONNECTIONS: Final = 256
"""Open connections at the most: scrapers, browsers and an orchestrator's probes need a few dozen."""
FEWEST_CONNECTIONS: Final = 16
SPARE_DESCRIPTORS: Final = 64
"""For files, pipes, listening sockets and name look-ups."""
DESCRIPTORS_PER_ATTEMPT: Final = 2

DEADLINES: Final[dict[Phase, tuple[float, float, float]]] = {
    "handshake": (10.0, 5.0, 2.0),
    "idle": (75.0, 15.0, 5.0),
    "request": (10.0, 5.0, 2.0),
    "answer": (60.0, 15.0, 5.0),
}
"""Seconds that a phase may last, where less than half of the places are taken, less than three
quarters, or more. Idle ones stay longer than the usual scrape interval. An answer's counts only
while bytes of it wait for their reader."""
LARGEST_SHARE: Final = 0.25
"""Of the places: an address that holds more is the first to lose a connection."""


def connection_limit(descriptors: int, concurrency: int) -> int:
    """Return how many connections may be open.

    Args:
        descriptors: RLIMIT_NOFILE's soft limit.
        concurrency: attempts that may be under way; their descriptors are kept for them.
    """
    left = descriptors - SPARE_DESCRIPTORS - DESCRIPTORS_PER_ATTEMPT * concurrency
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, left))


class Connection:
    """One open connection: since when it has been in its phase, and how to end it."""

    __slots__ = ("end", "peer", "phase", "since", "unsent")

    def __init__(self, peer: str, phase: Phase, now: float, end: Callable[[], None]) -> None:
        """Begin in `phase` at `now` (monotonic seconds).

        Args:
            peer: the address that it came from.
            phase: the first one.
            now: monotonic seconds.
            end: ends it at once, without sending what is left; the owner then lets it leave.
        """
        self.peer = peer
        self.phase: Phase = phase
        self.since = now
        self.end = end
        self.unsent: Callable[[], int] = lambda: 0
        """Bytes of answers that wait for their reader."""

    def begin(self, phase: Phase, now: float) -> None:
        """Enter `phase` at `now` (monotonic seconds)."""
        self.phase = phase
        self.since = now

    @property
    def waits_for_peer(self) -> bool:
        """Whether nothing happens until the peer does something; else we are working for it."""
        return self.phase != "answer" or self.unsent() > 0


class Connections:
    """All open connections, at most `limit`.

    Attributes:
        limit: The most that may be open.
        ended_for_room: How many were ended because another one needed the place.
        ended_overdue: How many were ended at their deadline.
        malformed: How many requests were no HTTP that this server reads.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        """Start with none; `clock` gives monotonic seconds."""
        self.limit = limit
        self.clock = clock
        self.ended_for_room = self.ended_overdue = self.malformed = 0
        self._open: dict[Connection, None] = {}
        self._by_peer: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def admit(self, connection: Connection) -> None:
        """Enter `connection`, in another one's place if need be."""
        if len(self._open) >= self.limit:
            self.make_room()
        self._open[connection] = None
        self._by_peer[connection.peer] += 1

    def leave(self, connection: Connection) -> None:
        """Forget `connection`, which has ended."""
        if connection in self._open:
            del self._open[connection]
            self._by_peer[connection.peer] -= 1
            if not self._by_peer[connection.peer]:
                del self._by_peer[connection.peer]

    def make_room(self) -> None:
        """End the connection that can best be spared, if any is open."""
        most = self.limit * LARGEST_SHARE

        def worth(one: Connection) -> tuple[bool, bool, float]:
            return not one.waits_for_peer, self._by_peer[one.peer] <= most, one.since

        victim = min(self._open, key=worth, default=None)
        if victim is not None:
            self.ended_for_room += 1
            self._end(victim)

    def end_overdue(self) -> None:
        """End each connection whose phase has lasted too long."""
        now = self.clock()
        taken = len(self._open) / self.limit
        step = 0 if taken < 0.5 else 1 if taken < 0.75 else 2
        overdue = [
            one
            for one in self._open
            if now - one.since > DEADLINES[one.phase][step] and one.waits_for_peer
        ]
        self.ended_overdue += len(overdue)
        self._end(*overdue)

    def end_all(self) -> None:
        """End every connection."""
        self._end(*self._open)

    def _end(self, *connections: Connection) -> None:
        ending: Iterable[Connection] = tuple(connections)
        for one in ending:
            self.leave(one)
            one.end()
