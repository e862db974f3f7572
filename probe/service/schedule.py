"""When each target is attempted: the only import of APScheduler, driven by the monotonic clock.

APScheduler has one job, which is due at each slot of time in which a target is; the attempts of a slot
are timers of the event loop, each at its own moment. A step of the wall clock neither delays attempts
nor bunches them, because APScheduler's time zone is one in which it is always the monotonic time.
"""

import asyncio
import heapq
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import count
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from probe.model.target import Target
from probe.service.first_attempts import place, spread_asked, spread_new
from probe.service.ticks import Ticks
from probe.text.safe_text import safe_text

SLOT: Final = 1.0
"""Seconds of one slot: APScheduler looks once for all that is due in it."""
_SHORTEST_WAIT: Final = 0.005
"""Attempts that are due within this many seconds share one wake-up of the loop."""
MOST_AT_ONCE: Final = 8
"""Attempts that begin in one turn of the loop: after a hold-up many are due, and each computes."""
PLACED_AT_ONCE: Final = 1000
"""New targets of a reload that get their place in one go: some milliseconds."""
_RESOLUTION: Final = 1e-6
"""Seconds between two times that APScheduler can tell apart."""
_CANCELLATION: Final = 1.0
_IDLE: Final = 3600.0
"""Seconds until the next look where no target is known."""

log = structlog.get_logger("mtls_probe")


@dataclass(slots=True, eq=False)
class _Turn:
    """One target's place in the schedule; a target that changes gets another one."""

    target: Target
    ticks: Ticks
    due: float = math.inf
    """When it is attempted next."""
    task: asyncio.Task[None] | None = None
    """The attempt under way."""
    failing: bool = False
    """Whether the last attempt did not end as expected."""


class Schedule:
    """Attempts every target at its interval, one attempt per target at a time."""

    def __init__(
        self,
        attempt: Callable[[Target], Awaitable[bool]],
        *,
        concurrency: int,
        on_late: Callable[[float], None],
        on_missed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the callbacks and the limits.

        Args:
            attempt: makes one attempt, and returns whether it ended as expected; its exceptions are
                logged, and the schedule goes on.
            concurrency: how many attempts may be in flight over all targets.
            on_late: called with the seconds by which each attempt begins late.
            on_missed: called with the name of a target whose last attempt was still running.
            clock: monotonic seconds.
        """
        self._attempt = attempt
        self._on_late = on_late
        self._on_missed = on_missed
        self._clock = clock
        self.permits = asyncio.Semaphore(concurrency)
        """One for each attempt that may be in flight."""
        self._turns: dict[str, _Turn] = {}
        self._queue: list[tuple[float, int, _Turn]] = []
        """What is due, the next one first. An entry of another time than its turn's is out of date."""
        self._order = count()
        self._anchor = 0.0
        self._next_slot = -math.inf
        """When APScheduler's job is due."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._zone = _MonotonicZone(clock)
        # Logging each job would cost more than the job; loggers of getLogger belong to the process.
        silent = logging.Logger("apscheduler", level=logging.CRITICAL)  # noqa: LOG001  (see above)
        self._scheduler = AsyncIOScheduler(timezone=self._zone, logger=silent)
        self._job: Any = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._anchor = self._clock()
        self._scheduler.start()
        self._job = self._scheduler.add_job(
            self._begin_slot,
            _SlotTrigger(self._zone, self._find_next_slot),
            next_run_time=self._zone.show(self._anchor),
            misfire_grace_time=None,
        )
        _exhaust(self._spread(self._turns.values(), spread_new(len(self._turns))))

    def replace(self, targets: Iterable[Target]) -> None:
        """Attempt `targets` from now on, and no others; an unchanged one keeps its schedule.

        A changed target counts as new; those that failed before come first, because a change is
        meant to fix them. An attempt in flight goes on to its end.
        """
        _exhaust(self.replace_in_steps(targets))

    def replace_in_steps(self, targets: Iterable[Target]) -> Iterator[None]:
        """Do what `replace` does, and yield where attempts may go on meanwhile."""
        before, wanted = self._turns, {target.name: target for target in targets}
        kept: dict[str, _Turn] = {}
        new: dict[str, _Turn] = {}
        for number, (name, target) in enumerate(wanted.items(), 1):
            known = before.get(name)
            # Keep the known one of two equal targets: the ledger compares by identity first.
            if known is not None and (known.target is target or known.target == target):
                kept[name] = known
            else:
                failing = known is not None and known.failing
                new[name] = _Turn(target, Ticks(name, target.interval), failing=failing)
            if number % PLACED_AT_ONCE == 0:
                yield
        for name, turn in before.items():
            if name not in kept:
                turn.due = math.inf
        self._turns = kept | new
        if self._runs:
            yield from self._spread(new.values(), spread_new(len(new)))

    def attempt_now(self, names: Iterable[str]) -> frozenset[str]:
        """Attempt these targets at once, between their ticks; unknown names are ignored.

        Many of them are spread, those first that failed the last time.

        Returns:
            Targets with an attempt under way: it is not repeated now, a target has one at a time.
        """
        if not self._runs:
            return frozenset()
        asked = [turn for name in {*names} if (turn := self._turns.get(name)) is not None]
        idle = [turn for turn in asked if turn.task is None]
        _exhaust(self._spread(idle, spread_asked(len(idle))))
        return frozenset(turn.target.name for turn in asked if turn.task is not None)

    async def stop(self, grace: float) -> None:
        """Begin no further attempt; cancel attempts that still run after `grace` seconds."""
        if not self._runs:
            return
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        self._scheduler.shutdown(wait=False)
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=grace)
        finally:
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CANCELLATION)
        await asyncio.sleep(0)  # APScheduler shuts down in the loop's next round

    @property
    def _runs(self) -> bool:
        return self._scheduler.running and not self._stopping

    def _spread(self, turns: Collection[_Turn], seconds: float) -> Iterator[None]:
        """Attempt `turns` within so many seconds, or an interval, unless their tick comes before."""
        now = self._clock()
        groups: tuple[list[tuple[float, _Turn]], ...] = ([], [])
        for turn in turns:
            groups[not turn.failing].append((turn.ticks.offset, turn))
        for number, (share, turn) in enumerate(place(groups), 1):
            due = now + share * min(turn.target.interval, seconds)
            if due < turn.due:
                self._put(turn, due)
            if number % PLACED_AT_ONCE == 0:
                self._set_timer(self._clock())
                yield
        self._set_timer(self._clock())

    def _put(self, turn: _Turn, due: float) -> None:
        turn.due = due
        heapq.heappush(self._queue, (due, next(self._order), turn))

    async def _begin_slot(self) -> None:
        self._set_timer(self._clock())

    def _find_next_slot(self, now: float) -> float:
        """Return when timers are to be set again: in the slot before that in which a target is due."""
        # APScheduler asks until it gets a later time, in microseconds: a slot that begins within the
        # present one has begun.
        following = self._find_slot(now + _RESOLUTION) + SLOT
        upcoming = self._queue[0][0] if self._queue else now + _IDLE
        self._next_slot = max(following, self._find_slot(upcoming) - SLOT)
        return self._next_slot

    def _find_slot(self, moment: float) -> float:
        return self._anchor + math.floor((moment - self._anchor) / SLOT) * SLOT

    def _set_timer(self, now: float) -> None:
        """Set the timer for what is due in this slot or the next one; leave the rest to APScheduler.

        A slot's timers are set in the slot before it, so it does not matter when in a slot a job runs.
        """
        queue = self._queue
        while queue and queue[0][0] != queue[0][2].due:
            heapq.heappop(queue)
        if not queue:
            return
        due = queue[0][0]
        if due >= self._find_slot(now) + 2 * SLOT:
            if self._find_slot(due) - SLOT < self._next_slot:
                self._job.modify(next_run_time=self._zone.show(self._find_next_slot(now)))
        elif self._timer is None or due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            wait = max(due - now, _SHORTEST_WAIT)
            self._timer = asyncio.get_running_loop().call_later(wait, self._begin_due)

    def _begin_due(self) -> None:
        self._timer = None
        now, queue, begun = self._clock(), self._queue, 0
        while queue and queue[0][0] <= now + _SHORTEST_WAIT / 2 and begun < MOST_AT_ONCE:
            due, _, turn = heapq.heappop(queue)
            if due != turn.due:
                continue
            if turn.task is None:
                turn.task = asyncio.get_running_loop().create_task(self._run(turn, due))
                self._tasks.add(turn.task)
                begun += 1
            else:
                self._report_missed(turn.target.name)
            following = turn.ticks.find_next(due - self._anchor, max(now, due) - self._anchor)
            self._put(turn, self._anchor + following)
        self._set_timer(now)

    async def _run(self, turn: _Turn, due: float) -> None:
        await self.permits.acquire()
        try:
            if not self._stopping:
                self._on_late(max(0.0, self._clock() - due))
                turn.failing = not await self._attempt(turn.target)
        except Exception:  # a bug of one attempt must not end the schedule
            log.exception("attempt_crashed", target=safe_text(turn.target.name))
        finally:
            self.permits.release()
            if turn.task is not None:
                self._tasks.discard(turn.task)
                turn.task = None

    def _report_missed(self, name: str) -> None:
        try:
            self._on_missed(name)
        except Exception:  # the same, and the timer of the schedule with it
            log.exception("probe_fault", work="missed attempt", target=safe_text(name))


def _exhaust(steps: Iterator[None]) -> None:
    """Take all steps at once."""
    deque(steps, maxlen=0)


class _MonotonicZone(tzinfo):
    """The time zone in which it is always the monotonic time, whatever the wall clock shows.

    `datetime.now` takes the wall clock's time and has a time zone translate it (`tzinfo.fromutc`).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._zero = datetime(1970, 1, 1, tzinfo=self)

    def fromutc(self, _wall_clock: datetime) -> datetime:
        return self.show(self._clock())

    def show(self, seconds: float) -> datetime:
        """Return that moment of the monotonic clock in APScheduler's type."""
        return self._zero + timedelta(seconds=seconds)

    def read(self, moment: datetime) -> float:
        """Return the seconds of the monotonic clock that `moment` shows."""
        return (moment - self._zero).total_seconds()

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _moment: datetime | None) -> None:
        return None

    def tzname(self, _moment: datetime | None) -> str:
        return "monotonic"


class _SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Is due at each slot in which there is something to do."""

    def __init__(self, zone: _MonotonicZone, find_next: Callable[[float], float]) -> None:
        self._zone = zone
        self._find_next = find_next

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """Return when the next slot begins, in which timers are to be set."""
        return self._zone.show(self._find_next(self._zone.read(now)))
