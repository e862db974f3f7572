"""How much of an attempt's time this process itself was not able to act.

A process that was suspended (SIGSTOP, a paused machine), is throttled (a CPU quota) or whose loop
is held up by other work reads late and answers late; what then ends by a deadline says nothing
about the target. A heartbeat on the loop measures it: a timer that is due every `TICK` seconds,
and however late it fires, that long nobody could act. It beats while attempts are under way, so
an idle probe pays nothing.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from probe.model.evidence import Ending

TICK: Final = 0.02
"""Seconds between two beats: a throttled process loses some 50 to 95 ms of every 100 ms (Linux,
cpu.cfs_period_us), which must not fall between two beats. 50 beats a second cost 0.05 % of a core,
on a busy machine up to 0.4 %, and nothing while no attempt is under way."""
SLACK: Final = 0.005
"""Seconds of lateness that are no hold-up: what timers and a busy machine's scheduler leave."""

LEAST: Final = 0.05
LEAST_SHARE: Final = 0.1
"""Hold-ups below this many seconds, or this share of the time limit, change no verdict. Measured on
two cores: beside two busy loops the beats lose 1 to 5 % of the time, beside four or with a load of
eight up to 29 %; at a quota of 5 % 80 %, of 20 % 60 %, of 50 % 10 to 35 %."""
ENOUGH: Final = 0.5
"""The share of the time limit for which the other side must have had our ear, after the last that
we sent, before its silence counts as its own: more than a busy machine takes, and less than what a
quota that matters leaves. A round of 500 targets at a concurrency of 100 stays within it."""
GIVES_UP: Final = 0.5
"""Seconds of hold-up from which on a peer may have ended a connection because of us."""

_GAVE_UP: Final = frozenset({"close", "reset"})


def _time_with_suspension() -> float:
    """Monotonic seconds that go on while the machine sleeps (CLOCK_BOOTTIME, clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def steady_clock() -> Callable[[], float]:
    """Return the clock that sees most hold-ups: with the machine's sleep in it, where there is one."""
    return _time_with_suspension if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic


class LoopDelays:
    """The heartbeat of one event loop; attempts share it."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Take the clock, in steady seconds; nothing beats yet."""
        self.clock = clock or steady_clock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._late = 0.0
        self._watches = 0

    def watch(self, limit: float) -> "OwnTime":
        """Return the measure of an attempt of `limit` seconds, to be entered in the running loop."""
        return OwnTime(self, limit)

    def late(self) -> float:
        """Return the seconds lost while anybody watched, with those of a beat that is overdue now."""
        return self._late + self._overdue(self.clock())

    def begin(self) -> None:
        """Beat from now on, as long as anybody watches."""
        loop = asyncio.get_running_loop()
        if self._watches and self._loop is loop:
            self._watches += 1
            return
        # A beat of a loop that has ended stays behind with it.
        self._loop, self._watches = loop, 1
        self._schedule(loop)

    def end(self) -> None:
        """Stop where nobody watches any more."""
        self._watches -= 1
        if not self._watches and self._beat is not None:
            self._late = self.late()
            self._beat.cancel()
            self._beat = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = self.clock() + TICK
        self._beat = loop.call_later(TICK, self._beaten, loop)

    def _beaten(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        self._late += self._overdue(self.clock())
        self._schedule(loop)

    def _overdue(self, now: float) -> float:
        if self._beat is None:
            return 0.0
        late = now - self._due
        return late if late > SLACK else 0.0


class OwnTime:
    """One attempt's own time: when it began, when it last did something, what it lost."""

    def __init__(self, delays: LoopDelays, limit: float) -> None:
        """Measure an attempt of `limit` seconds by `delays`; begins when entered."""
        self._delays = delays
        self._limit = limit
        self._began = self._acted = 0.0
        self._late_before = self._late_at_act = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        self._delays.begin()
        self._began = self._delays.clock()
        self._late_before = self._delays.late()
        self.act()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self._delays.end()

    def act(self) -> None:
        """Note that something was begun or sent: from here on the other side has its time."""
        self._acted = self._delays.clock()
        self._late_at_act = self._delays.late()

    @property
    def held_up(self) -> float:
        """The seconds since the beginning in which this process could not act."""
        return max(self._delays.late() - self._late_before, 0.0)

    @property
    def noticeable(self) -> bool:
        """Whether the hold-ups are more than a busy machine's."""
        return self._is_noticeable(self._limit)

    @property
    def told(self) -> float:
        """The hold-ups where they are long enough for a peer to give up on us, else 0."""
        return round(self.held_up, 3) if self.held_up >= GIVES_UP else 0.0

    def judge(self, ending: Ending, *, expired: bool = False, shares: int = 1) -> Ending:
        """Return `ending`, or `probe_fault` in its place where this process caused it.

        Args:
            ending: how the attempt ended; whatever the peer said stands.
            expired: whether the deadline ended it, by whatever kind that is recorded.
            shares: between how many steps of this kind the attempt divides its time.
        """
        if expired or ending.kind == "timeout":
            ours = self._is_starved(self._limit / shares)
        else:
            ours = ending.kind in _GAVE_UP and self._gave_up_on()
        if not ours:
            return ending
        return Ending(stage=ending.stage, kind="probe_fault", detail=self.describe())

    def describe(self) -> str:
        """Say how much of the time was lost."""
        took = max(self._delays.clock() - self._began, self.held_up)
        return (
            f"this process was held up for {self.held_up:.1f} s of {took:.1f} s: suspended, short "
            "of CPU time, or busy with other work"
        )

    def _is_noticeable(self, limit: float) -> bool:
        return self.held_up >= max(LEAST, LEAST_SHARE * limit)

    def _is_starved(self, limit: float) -> bool:
        """Whether silence until the deadline may be our own doing.

        It is not where the other side had `ENOUGH` of the `limit` with our ear on it, after the
        last that we sent: what it sent in a hold-up lay in the socket, and was read first.
        """
        if not self._is_noticeable(limit):
            return False
        waited = self._delays.clock() - self._acted
        lost = self._delays.late() - self._late_at_act
        return waited - lost < ENOUGH * limit

    def _gave_up_on(self) -> bool:
        """Whether a peer that closed had mostly waited for us."""
        took = self._delays.clock() - self._began
        return self.held_up >= max(GIVES_UP, took / 2)
