"""How much of an attempt's time this process itself was not able to act.

A process that was suspended (SIGSTOP, a paused machine), is throttled (a CPU quota) or whose loop
is held up by other work reads late and answers late; an end by a deadline then says nothing about
the target. A timer on the loop measures it: it is due every `TICK` seconds, and for as long as it is
late nobody could act. It runs while attempts are under way, and once more after the last of them:
an idle probe pays nothing, and attempts that follow one another need no timer each.

It also wakes those who wait for a time: a timer of its own costs each a hundredth of an attempt.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Protocol, Self

from probe.model.evidence import Ending

TICK: Final = 0.02
"""Seconds between two ticks: a throttled process loses some 50 to 95 ms of every 100 ms (Linux,
cpu.cfs_period_us), which must not fall between two ticks. 50 ticks a second cost 0.05 % of a core,
on a busy machine up to 0.4 %, and nothing while no attempt is under way."""
TICK_TOLERANCE: Final = 0.005
"""Seconds of lateness that do not count: timers and a busy scheduler are never more exact."""

LEAST_DELAY: Final = 0.05
LEAST_SHARE: Final = 0.1
"""Delays of this process below this many seconds, or this share of the time limit, change no verdict.
Measured on two cores: with two busy loops the ticks lose 1 to 5 % of the time, with four or a load of
eight up to 29 %; at a quota of 5 % 80 %, of 20 % 60 %, of 50 % 10 to 35 %."""
ENOUGH_SHARE: Final = 0.5
"""The share of the time limit in which this process must have been able to receive, after it last
sent something, before the peer's silence is the peer's fault: more than a busy machine takes, and
less than what a quota that matters leaves. A round of 500 targets at a concurrency of 100 stays
within it."""
PEER_PATIENCE: Final = 0.5
"""Seconds of delay of this process from which on it may be why a peer closed the connection."""

_AT_ONCE: Final = 8
"""Waiters that act in one turn of the loop; then others have theirs."""
_ENDED_BY_PEER: Final = frozenset({"close", "reset"})


def choose_clock() -> Callable[[], float]:
    """Return the clock that includes the machine's sleep, where there is one, else the monotonic one.

    That is CLOCK_BOOTTIME of clock_gettime(2).
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    return time.monotonic


class Waiter(Protocol):
    """Who waits for a time."""

    def act(self) -> None:
        """Do what is due; it never raises."""


class LoopDelays:
    """The ticking timer of one event loop; attempts share it."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Take the clock, in steady seconds; nothing ticks yet."""
        self.clock = clock or choose_clock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tick: asyncio.Handle | None = None
        self._due = 0.0
        self._late = 0.0
        self._meters = 0
        self._waiting: dict[Waiter, float] = {}
        """By what time (monotonic seconds) each is to act."""

    def wake(self, waiter: Waiter, at: float) -> None:
        """Let `waiter` act once, at the first tick from `at` on, instead of at a time given before."""
        self._waiting[waiter] = at

    def forget(self, waiter: Waiter) -> None:
        """Let `waiter` not act any more."""
        self._waiting.pop(waiter, None)

    def measure(self, limit: float) -> "DelayMeter":
        """Return the meter of an attempt of `limit` seconds, to be entered in the running loop."""
        return DelayMeter(self, limit)

    def total(self) -> float:
        """Return the seconds lost while any meter ran, with those of a tick that is overdue now."""
        return self.read()[1]

    def read(self) -> tuple[float, float]:
        """Return the clock, and the seconds lost up to now."""
        now = self.clock()
        late = now - self._due if self._meters else 0.0
        return now, self._late + late if late > TICK_TOLERANCE else self._late

    def start(self) -> None:
        """Tick from now on, until each that called this has called `stop`."""
        loop = asyncio.get_running_loop()
        if self._tick is not None and self._loop is loop:
            if not self._meters:
                # What was lost between two attempts belongs to none of them.
                self._due = self.clock() + TICK
            self._meters += 1
            return
        # What belongs to a loop that has ended stays behind with it.
        self._loop, self._meters = loop, 1
        self._waiting = {}
        self._due = self.clock() + TICK
        # An attempt that ends within this turn of the loop, as one that is refused does, needs no tick.
        self._tick = loop.call_soon(self._measure_tick, loop)

    def stop(self) -> None:
        """Stop with the next tick, where nobody needs the ticks until then."""
        if self._meters == 1:
            self._late = self.total()
        self._meters -= 1

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = self.clock() + TICK
        self._tick = loop.call_later(TICK, self._measure_tick, loop)

    def _measure_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        if not self._meters:
            self._tick = None
            return
        self._late = self.total()
        self._schedule(loop)
        if self._waiting:
            self._wake_due(loop)

    def _wake_due(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        due = [waiter for waiter, at in self._waiting.items() if at <= now]
        for waiter in due[:_AT_ONCE]:
            # Who waits again does so behind the others.
            self.forget(waiter)
            waiter.act()
        if len(due) > _AT_ONCE:
            loop.call_soon(self._wake_due, loop)


class DelayMeter:
    """The delays of one attempt: when it began, when it last did something, what it lost."""

    def __init__(self, delays: LoopDelays, limit: float) -> None:
        """Measure an attempt of `limit` seconds; it begins when entered."""
        self.delays = delays
        self._limit = limit
        self._began = self._acted_at = 0.0
        self._late_before = self._late_at_action = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        self.delays.start()
        self._began, self._late_before = self._acted_at, self._late_at_action = self.delays.read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self.delays.stop()

    def note_action(self) -> None:
        """Note that something was begun or sent: from now on the peer has its time."""
        self._acted_at, self._late_at_action = self.delays.read()

    @property
    def held_up(self) -> float:
        """The seconds since the beginning in which this process could not act."""
        return max(self.delays.total() - self._late_before, 0.0)

    @property
    def is_noticeable(self) -> bool:
        """Whether the hold-ups are more than a busy machine's."""
        return self._exceeds(self._limit)

    @property
    def reportable(self) -> float:
        """The hold-ups where they are long enough for a peer to give up on this process, else 0."""
        return round(self.held_up, 3) if self.held_up >= PEER_PATIENCE else 0.0

    def judge(self, ending: Ending, *, expired: bool = False, shares: int = 1) -> Ending:
        """Return `ending`, or `probe_fault` in its place where this process caused it.

        Args:
            ending: how the attempt ended; whatever the peer sent stands.
            expired: whether the deadline ended it, by whatever kind that is recorded.
            shares: between how many steps of this kind the attempt divides its time.
        """
        if expired or ending.kind == "timeout":
            ours = self._is_starved(self._limit / shares)
        else:
            ours = ending.kind in _ENDED_BY_PEER and self._is_given_up()
        if not ours:
            return ending
        return Ending(stage=ending.stage, kind="probe_fault", detail=self.describe())

    def describe(self) -> str:
        """Say how much of the time was lost."""
        took = max(self.delays.clock() - self._began, self.held_up)
        return (
            f"this process was held up for {self.held_up:.1f} s of {took:.1f} s: suspended, short "
            "of CPU time, or busy with other work"
        )

    def _exceeds(self, limit: float) -> bool:
        return self.held_up >= max(LEAST_DELAY, LEAST_SHARE * limit)

    def _is_starved(self, limit: float) -> bool:
        """Whether silence until the deadline may be this process's fault.

        It is not where the peer had `ENOUGH_SHARE` of the `limit` to answer in: what it sent in a hold-up
        was in the socket, and was read first.
        """
        if not self._exceeds(limit):
            return False
        waited = self.delays.clock() - self._acted_at
        lost = self.delays.total() - self._late_at_action
        return waited - lost < ENOUGH_SHARE * limit

    def _is_given_up(self) -> bool:
        """Whether a peer that closed had mostly waited for this process."""
        took = self.delays.clock() - self._began
        return self.held_up >= max(PEER_PATIENCE, took / 2)
