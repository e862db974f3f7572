"""When each target is attempted: the only import of APScheduler, driven by the monotonic clock.

A step of the wall clock neither delays attempts nor bunches them, and targets never start in step.
APScheduler keeps the jobs, their order and one instance of each; its own arithmetic on `datetime.now`
is replaced (BaseScheduler._process_jobs), and its executor by one that never asks
for the time of day. Every `datetime` in this module is the monotonic clock in APScheduler's type.
"""

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from apscheduler.executors.base import BaseExecutor, MaxInstancesReachedError
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.base import BaseTrigger

from probe.model.target import Target
from probe.text.safe_text import safe_text

FIRST_WITHIN: Final = 1.0
"""Seconds within which a new target is first attempted."""
FIRST_APART: Final = 0.02
"""Seconds per new target over which first attempts are spread; a single target does not wait."""

JITTER: Final = 0.05
LONGEST_JITTER: Final = 1.0
"""A tick moves by at most this share of the interval, and at most this number of seconds."""

# Attempts that are due within this many seconds share one wake-up of the loop.
_SHORTEST_WAIT: Final = 0.005
_CANCELLATION: Final = 1.0
_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("mtls_probe")


class Schedule:
    """Attempts every target at its interval, one attempt per target at a time."""

    def __init__(
        self,
        attempt: Callable[[Target], Awaitable[None]],
        *,
        concurrency: int,
        on_late: Callable[[float], None],
        on_missed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the callbacks and the limits.

        Args:
            attempt: makes one attempt; its exceptions are logged, and the schedule goes on.
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
        self._targets: dict[str, Target] = {}
        self._anchor = 0.0
        self._stopping = False
        self._executor = _TaskExecutor(self._run)
        self._scheduler = _MonotonicScheduler(self._executor, self._report_missed, clock)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._anchor = self._clock()
        self._scheduler.start()
        self._change(remove=(), add=self._targets.values())

    def replace(self, targets: Iterable[Target]) -> None:
        """Attempt `targets` from now on, and no others; an unchanged one keeps its schedule.

        A changed target counts as new. An attempt in flight goes on to its end.
        """
        before = self._targets
        wanted = {target.name: target for target in targets}
        kept = {name: old for name, old in before.items() if wanted.get(name) == old}
        # Keep the known one of two equal targets: the ledger compares by identity first.
        self._targets = wanted | kept
        if self._scheduler.running and not self._stopping:
            self._change(
                remove=before.keys() - kept.keys(),
                add=[target for name, target in wanted.items() if name not in kept],
            )

    def attempt_now(self, names: Iterable[str]) -> frozenset[str]:
        """Attempt these targets at once, between their ticks; unknown names are ignored.

        Returns:
            Targets with an attempt under way: it is not repeated now, a target has one at a time.
        """
        if not self._scheduler.running or self._stopping:
            return frozenset()
        known = frozenset(name for name in names if name in self._targets)
        busy = known & self._executor.running
        now = _to_datetime(self._clock())
        for name in known - busy:
            self._scheduler.modify_job(name, next_run_time=now)
        return busy

    async def stop(self, grace: float) -> None:
        """Begin no further attempt; cancel attempts that still run after `grace` seconds."""
        if not self._scheduler.running or self._stopping:
            return
        self._stopping = True
        self._scheduler.pause()
        try:
            if self._executor.tasks:
                await asyncio.wait(self._executor.tasks, timeout=grace)
        finally:
            for task in self._executor.tasks:
                task.cancel()
            self._scheduler.shutdown(wait=False)
        if self._executor.tasks:
            await asyncio.wait(self._executor.tasks, timeout=_CANCELLATION)
        await asyncio.sleep(0)  # APScheduler shuts down in the loop's next round

    def _change(self, remove: Iterable[str], add: Collection[Target]) -> None:
        # While it is paused, APScheduler does not wake up for every single job.
        self._scheduler.pause()
        now = self._clock()
        window = min(FIRST_WITHIN, FIRST_APART * len(add))
        for name in remove:
            self._scheduler.remove_job(name)
        for target in add:
            trigger = _OffsetTrigger(target.name, target.interval, self._anchor)
            self._scheduler.add_job(
                self._attempt,
                trigger,
                args=(target,),
                id=target.name,
                name=target.name,
                next_run_time=_to_datetime(trigger.first(now, window)),
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.resume()

    async def _run(self, target: Target, due: float) -> None:
        async with self.permits:
            if self._stopping:
                return
            try:
                self._on_late(max(0.0, self._clock() - due))
                await self._attempt(target)
            except Exception:  # a bug of one attempt must not end the schedule
                log.exception("attempt_crashed", target=safe_text(target.name))

    def _report_missed(self, name: str) -> None:
        try:
            self._on_missed(name)
        except Exception:  # the same, and the timer of the scheduler with it
            log.exception("probe_fault", work="missed attempt", target=safe_text(name))


class _OffsetTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Ticks at a target's own offset: a stable hash of its name, plus a little per tick."""

    def __init__(self, name: str, interval: float, anchor: float) -> None:
        self._name = name
        self._interval = interval
        self._fraction = _hash_fraction(name)
        self._base = anchor + self._fraction * interval
        self._jitter = min(JITTER * interval, LONGEST_JITTER)

    def first(self, now: float, window: float) -> float:
        """Return when a target that is new at `now` is attempted first, within `window` seconds."""
        return now + self._fraction * min(self._interval, window)

    def get_next_fire_time(self, previous: datetime, now: datetime) -> datetime:
        """Return the first tick after `now`, and not right behind `previous`."""
        after = max(_to_seconds(now), _to_seconds(previous) + self._interval / 2)
        tick = math.floor((after - self._base) / self._interval)
        while (due := self._at(tick)) <= after:
            tick += 1
        return _to_datetime(due)

    def _at(self, tick: int) -> float:
        jitter = self._jitter * _hash_fraction(f"{self._name}\n{tick}")
        return self._base + tick * self._interval + jitter


class _TaskExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """Runs each job as a task of ours; BaseExecutor counts the instances."""

    def __init__(self, run: Callable[[Target, float], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self._run = run
        self.tasks: set[asyncio.Task[None]] = set()
        self.running: set[str] = set()
        """The names of the targets whose attempt is under way."""

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        task = asyncio.get_running_loop().create_task(
            self._run(job.args[0], _to_seconds(run_times[-1]))
        )
        self.tasks.add(task)
        self.running.add(job.id)

        def done(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            self.running.discard(job.id)
            self._run_job_success(job.id, [])

        task.add_done_callback(done)


class _MonotonicScheduler(AsyncIOScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's scheduler for one store and one executor, on the monotonic clock."""

    def __init__(
        self,
        executor: _TaskExecutor,
        on_missed: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        # Logging each job would cost more than the job; loggers of getLogger belong to the process.
        silent = logging.Logger("apscheduler", level=logging.CRITICAL)  # noqa: LOG001  (see above)
        super().__init__(executors={"default": executor}, timezone=UTC, logger=silent)
        self._executor = executor
        self._on_missed = on_missed
        self._clock = clock

    def wakeup(self) -> None:
        """Look for due jobs now; AsyncIOScheduler would use a pipe, for calls from other threads."""
        self._stop_timer()
        self._start_timer(self._process_jobs())

    def _process_jobs(self) -> float | None:
        """Submit the due jobs; return the seconds until the next one, as BaseScheduler does."""
        if self.state != STATE_RUNNING:
            return None
        store: Any = self._lookup_jobstore("default")
        now = _to_datetime(self._clock())
        for job in store.get_due_jobs(now):
            due = job.next_run_time
            try:
                self._executor.submit_job(job, [due])
            except MaxInstancesReachedError:
                self._on_missed(job.id)
            job._modify(next_run_time=job.trigger.get_next_fire_time(due, now))  # noqa: SLF001  (as BaseScheduler does)
            store.update_job(job)
        upcoming: datetime | None = store.get_next_run_time()
        if upcoming is None:
            return None
        return max(_to_seconds(upcoming) - self._clock(), _SHORTEST_WAIT)


def _hash_fraction(text: str) -> float:
    """Return a stable number from 0 up to 1, spread evenly over texts."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / (1 << 48)


def _to_datetime(seconds: float) -> datetime:
    return _ZERO + timedelta(seconds=seconds)


def _to_seconds(moment: datetime) -> float:
    return (moment - _ZERO).total_seconds()
