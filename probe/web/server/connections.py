"""Which connections to the web side may stay open: their number, and how long each may be idle.

No socket is used here. Where the limit is reached, the connection that has waited for its peer longest
is ended for a new one. Connections whose answer is being made are spared, as long as they are no more
than half of the limit. Each phase has a deadline that shortens as the limit comes near. So a flood of
slow clients costs a bounded amount of memory and descriptors, and quick clients are answered.
"""

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final, Literal

Phase = Literal["handshake", "idle", "request", "answer"]
"""The TLS handshake, between two requests, sending a request, being answered."""

MOST_CONNECTIONS: Final = 512
"""Open connections at most: scrapers, browsers and an orchestrator's probes need a few dozen; the
others protect a new connection from being ended before its first request. An idle one costs 12 KiB."""
MOST_TLS_CONNECTIONS: Final = 128
"""The same with TLS, where a connection costs up to 70 KiB."""
MOST_STALLED: Final = 32
"""Connections whose reader is too slow for an answer: one costs up to 300 KiB."""
FEWEST_CONNECTIONS: Final = 16
SPARE_DESCRIPTORS: Final = 64
"""For files, pipes, listening sockets and name look-ups."""
DESCRIPTORS_PER_ATTEMPT: Final = 2

DEADLINES: Final[dict[Phase, tuple[float, float, float]]] = {
    "handshake": (10.0, 7.0, 5.0),
    "idle": (75.0, 15.0, 5.0),
    "request": (10.0, 7.0, 5.0),
    "answer": (60.0, 15.0, 5.0),
}
"""Seconds that a phase may last, where less than half of the limit is open, less than three quarters,
or more. Idle ones stay longer than the usual scrape interval. The deadline of an answer counts only
where its reader is too slow."""
LARGEST_SHARE: Final = 0.25
"""Of the limit: an address that has more is the first to lose a connection."""
GRACES: Final[dict[Phase, float]] = {
    "handshake": 0.125,
    "idle": 0.035,
    "request": 0.035,
    "answer": 0.035,
}
"""Seconds that a connection may wait for its peer, at the least, before another takes its place. In a
TLS handshake the peer has to answer and to compute. Everything else is sent without waiting for us: a
request comes with the connection, or right behind the handshake, and its end right behind its
beginning."""
GRACE_EACH: Final = 0.001
"""Times the limit, where that is less: so 1,000 connections in a second are always accepted."""
UNREAD_GRACE: Final = 1.0
"""Seconds where the peer has sent what nobody has read yet: it is this process that is late."""
LARGEST_WORKING: Final = 0.5
"""Of the limit: so many connections may be spared because their answer is being made."""


def compute_connection_limit(descriptors: int, concurrency: int, *, tls: bool) -> int:
    """Return how many connections may be open.

    Args:
        descriptors: RLIMIT_NOFILE's soft limit.
        concurrency: attempts that may be under way; their descriptors are kept for them.
        tls: whether TLS is served.
    """
    left = descriptors - SPARE_DESCRIPTORS - DESCRIPTORS_PER_ATTEMPT * concurrency
    most = MOST_TLS_CONNECTIONS if tls else MOST_CONNECTIONS
    return max(FEWEST_CONNECTIONS, min(most, left))


class Connection:
    """One open connection: its phase, since when, and how to end it."""

    __slots__ = ("end", "has_unread", "peer", "phase", "since", "stalled")

    def __init__(
        self, peer: str, end: Callable[[], None], has_unread: Callable[[], bool] = bool
    ) -> None:
        """Begin with the handshake.

        Args:
            peer: the address that it came from.
            end: ends it at once, without sending what is left.
            has_unread: whether bytes of the peer wait to be read.
        """
        self.peer = peer
        self.end = end
        self.has_unread = has_unread
        self.phase: Phase = "handshake"
        self.since = 0.0
        self.stalled = False
        """Whether its reader is too slow for an answer."""

    @property
    def waits_for_peer(self) -> bool:
        """Whether nothing happens until the peer does something; else an answer is being made."""
        return self.phase != "answer" or self.stalled


class Connections:
    """All open connections, at most `limit`.

    Attributes:
        limit: The most that may be open.
        ended_for_room: How many were ended because the limit was reached.
        ended_overdue: How many were ended at their deadline.
        malformed: How many requests were not valid HTTP.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        """Start with none; `clock` gives monotonic seconds."""
        self.limit = limit
        self.ended_for_room = self.ended_overdue = self.malformed = 0
        self._clock = clock
        # Each in order of arrival: the first has been there longest.
        self._waiting: dict[Connection, None] = {}
        self._working: dict[Connection, None] = {}
        self._stalled: dict[Connection, None] = {}
        self._by_peer: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._waiting) + len(self._working)

    def admit(self, connection: Connection) -> None:
        """Add `connection`, and end another one where the limit is reached."""
        if len(self) >= self.limit:
            self.make_room()
        connection.since = self._clock()
        self._waiting[connection] = None
        self._by_peer[connection.peer] += 1

    def leave(self, connection: Connection) -> None:
        """Forget `connection`, which has ended."""
        if connection in self:
            self._remove(connection)
            # It refers to the transport, which refers to us: a circle that only a full garbage
            # collection would free.
            connection.end = _do_nothing
            self._by_peer[connection.peer] -= 1
            if not self._by_peer[connection.peer]:
                del self._by_peer[connection.peer]

    def __contains__(self, connection: Connection) -> bool:
        """Return whether `connection` is open."""
        return connection in self._waiting or connection in self._working

    def begin(self, connection: Connection, phase: Phase) -> None:
        """Note that `connection` enters `phase`."""
        connection.phase, connection.since = phase, self._clock()
        self._classify(connection)

    def stall(self, connection: Connection) -> None:
        """Note that the reader of `connection` is too slow; the longest such may be ended."""
        connection.stalled = True
        self._classify(connection)
        if len(self._stalled) > MOST_STALLED:
            self.ended_for_room += 1
            self._end(next(iter(self._stalled)))

    def unstall(self, connection: Connection) -> None:
        """Note that the reader of `connection` has caught up."""
        connection.stalled = False
        self._classify(connection)

    @property
    def rushed(self) -> bool:
        """Whether a new one would take the place of one that has had no time for its request.

        It waits in the kernel then: in a rush of new connections, each one would otherwise be ended
        by those behind it before its request is here.
        """
        if len(self) < self.limit or (victim := self._choose_victim()) is None:
            return False
        waited = self._clock() - victim.since
        if waited < min(GRACES[victim.phase], self.limit * GRACE_EACH):
            return True
        # In the other phases it may be that nothing is read until an answer is taken.
        return (
            victim.phase in {"handshake", "idle"} and waited < UNREAD_GRACE and victim.has_unread()
        )

    def make_room(self) -> None:
        """End the connection that can best be spared, if any is open."""
        if (victim := self._choose_victim()) is not None:
            self.ended_for_room += 1
            self._end(victim)

    def _choose_victim(self) -> Connection | None:
        # With fewer for those that wait, a new one could be ended before its first request.
        spared = self._waiting and len(self._working) <= self.limit * LARGEST_WORKING
        candidates = self._waiting if spared else self._working
        most = self.limit * LARGEST_SHARE
        greedy = (one for one in candidates if self._by_peer[one.peer] > most)
        return next(greedy, None) or next(iter(candidates), None)

    def end_overdue(self) -> None:
        """End each connection whose phase has lasted too long."""
        now = self._clock()
        taken = len(self) / self.limit
        step = 0 if taken < 0.5 else 1 if taken < 0.75 else 2
        overdue = [one for one in self._waiting if now - one.since > DEADLINES[one.phase][step]]
        self.ended_overdue += len(overdue)
        self._end(*overdue)

    def end_all(self) -> None:
        """End every connection."""
        self._end(*self._waiting, *self._working)

    def _classify(self, connection: Connection) -> None:
        if connection not in self:
            return  # it has ended; the rest of its work still runs for a moment
        self._remove(connection)
        (self._waiting if connection.waits_for_peer else self._working)[connection] = None
        if connection.stalled:
            self._stalled[connection] = None

    def _remove(self, connection: Connection) -> None:
        for place in (self._waiting, self._working, self._stalled):
            place.pop(connection, None)

    def _end(self, *connections: Connection) -> None:
        for one in connections:
            end = one.end
            self.leave(one)
            end()


def _do_nothing() -> None:
    """End what has ended."""
