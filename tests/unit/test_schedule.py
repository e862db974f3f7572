"""When targets are attempted: spread, capped, never twice at a time, whatever the wall clock does."""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from probe.schedule import FIRST_WITHIN, LONGEST_JITTER, Schedule, _moment, _seconds, _Spread
from probe.target import Endpoint, Target

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


def target(name: str, interval: float = 0.1, port: int = 4317) -> Target:
    """Return a target called `name`."""
    return Target(name=name, endpoint=Endpoint("h", port), interval=interval)


class Story:
    """What a schedule did: when each attempt began and ended, how late, and which were missed."""

    def __init__(self, lasts: float = 0.0, concurrency: int = 100) -> None:
        """Make a schedule whose attempts last `lasts` seconds."""
        self.began: dict[str, list[float]] = {}
        self.targets: list[Target] = []
        self.ended: list[str] = []
        self.late: list[float] = []
        self.missed: list[str] = []
        self.running = self.most = 0
        self.lasts = lasts
        self.schedule = Schedule(
            self.attempt,
            concurrency=concurrency,
            on_late=self.late.append,
            on_missed=self.missed.append,
        )

    async def attempt(self, target: Target) -> None:
        """Be an attempt."""
        self.began.setdefault(target.name, []).append(time.monotonic())
        self.targets.append(target)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.lasts)
            self.ended.append(target.name)
        finally:
            self.running -= 1

    async def unfold(self, *targets: Target, seconds: float) -> None:
        """Run `targets` for `seconds` and stop."""
        self.schedule.start()
        self.schedule.replace(targets)
        await asyncio.sleep(seconds)
        await self.schedule.stop(1.0)


async def test_each_target_is_attempted_at_its_interval() -> None:
    """Attempts follow each other by the interval, give or take the jitter."""
    story = Story()
    await story.unfold(target("a"), target("b", 0.2), seconds=1.05)
    assert 9 <= len(story.began["a"]) <= 12
    assert 4 <= len(story.began["b"]) <= 7
    gaps = [later - earlier for earlier, later in pairwise(story.began["a"][1:])]
    assert min(gaps) > 0.06
    assert not story.missed
    assert len(story.late) == len(story.targets)
    assert sorted(story.late)[len(story.late) // 2] < 0.05


async def test_targets_may_be_given_before_the_start() -> None:
    """Targets that are replaced before the start begin with it."""
    story = Story()
    story.schedule.replace([target("a")])
    assert not story.began
    story.schedule.start()
    await asyncio.sleep(0.15)
    await story.schedule.stop(1.0)
    assert story.began["a"]


async def test_first_attempts_come_soon_and_spread() -> None:
    """With a long interval the first attempts come within a second, at different times."""
    story = Story()
    began = time.monotonic()
    await story.unfold(*(target(f"t{i}", 3600.0) for i in range(50)), seconds=1.2)
    firsts = sorted(times[0] - began for times in story.began.values())
    assert len(firsts) == 50
    assert firsts[-1] < FIRST_WITHIN + 0.15
    assert firsts[40] - firsts[9] > 0.3


async def test_slow_target_is_never_attempted_twice_at_a_time() -> None:
    """A tick that finds the last attempt running is left out and counted."""
    story = Story(lasts=0.25)
    await story.unfold(target("slow"), seconds=0.9)
    assert story.most == 1
    assert story.missed
    assert set(story.missed) == {"slow"}
    assert 3 <= len(story.began["slow"]) <= 5


async def test_concurrency_is_capped_and_waiting_is_lateness() -> None:
    """No more attempts than allowed are in flight, and who waited was late."""
    story = Story(lasts=0.1, concurrency=3)
    targets = [target(f"t{i}", 0.5) for i in range(20)]
    await story.unfold(*targets, seconds=0.8)
    assert story.most == 3
    assert max(story.late) > 0.1
    free = Story(lasts=0.1, concurrency=100)
    await free.unfold(*targets, seconds=0.8)
    assert free.most > 3


async def test_in_flight_is_counted() -> None:
    """The number of attempts in flight goes up and comes back."""
    story = Story(lasts=0.3)
    story.schedule.start()
    story.schedule.replace([target("a", 0.05), target("b", 0.05)])
    await asyncio.sleep(0.15)
    assert story.schedule.in_flight == 2
    await story.schedule.stop(1.0)
    assert story.schedule.in_flight == 0


async def test_crash_of_an_attempt_is_logged_and_the_schedule_goes_on() -> None:
    """An exception stops neither its own target nor another."""
    times = 0

    async def crash(target: Target) -> None:
        nonlocal times
        times += 1
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    def crash_too(_: float) -> None:
        raise RuntimeError("another bug")

    for on_late in (lambda _: None, crash_too):
        times = 0
        schedule = Schedule(crash, concurrency=2, on_late=on_late, on_missed=lambda _: None)
        with capture_logs() as logs:
            schedule.start()
            schedule.replace([target("a\x1b", 0.05)])
            await asyncio.sleep(0.3)
            await schedule.stop(1.0)
        assert len(logs) >= 4
        assert {log["target"] for log in logs} == {"a\\x1b"}
        assert times == (len(logs) if on_late is not crash_too else 0)


async def test_crash_of_the_counter_of_missed_attempts_stops_nothing() -> None:
    """An exception where missed attempts are counted leaves the schedule running."""
    began = 0

    async def slow(target: Target) -> None:
        nonlocal began
        began += 1
        await asyncio.sleep(0.12)

    def crash(name: str) -> None:
        raise RuntimeError(name)

    schedule = Schedule(slow, concurrency=2, on_late=lambda _: None, on_missed=crash)
    with capture_logs() as logs:
        schedule.start()
        schedule.replace([target("a", 0.05)])
        await asyncio.sleep(0.5)
        await schedule.stop(1.0)
    assert logs
    assert began >= 3


async def test_replaced_targets_come_and_go_and_unchanged_ones_stay() -> None:
    """After a reload gone targets rest, new ones begin, and an unchanged one keeps its ticks."""
    story, undisturbed = Story(), Story()
    for each in (story, undisturbed):
        each.schedule.start()
    keep = target("keep", 0.2)
    story.schedule.replace([keep, target("gone"), target("changed", port=1)])
    undisturbed.schedule.replace([keep])
    for _ in range(20):
        await asyncio.sleep(0.04)
        # An equal target each time, as a reload makes it.
        story.schedule.replace([target("keep", 0.2), target("new"), target("changed", port=2)])
    for each in (story, undisturbed):
        await each.schedule.stop(1.0)
    assert len(story.began.get("gone", [])) <= 1
    assert len(story.began["new"]) >= 5
    assert all(known is keep for known in story.targets if known.name == "keep")
    assert [t.endpoint.port for t in story.targets if t.name == "changed"][-3:] == [2, 2, 2]
    assert len(story.began["keep"]) == len(undisturbed.began["keep"])
    for ours, theirs in zip(story.began["keep"], undisturbed.began["keep"], strict=True):
        assert ours == pytest.approx(theirs, abs=0.05)


async def test_stop_lets_attempts_finish_and_begins_none() -> None:
    """Within the grace, what runs comes to its end, and what waited never begins."""
    story = Story(lasts=0.3, concurrency=2)
    story.schedule.start()
    story.schedule.replace([target(f"t{i}", 0.1) for i in range(6)])
    await asyncio.sleep(0.15)
    before = time.monotonic()
    await story.schedule.stop(5.0)
    assert time.monotonic() - before < 1.0
    assert len(story.ended) == len(story.targets) == 2
    await asyncio.sleep(0.2)
    story.schedule.replace([target("late")])
    await story.schedule.stop(1.0)
    assert len(story.targets) == 2


async def test_stop_cancels_what_outlasts_the_grace() -> None:
    """An attempt that goes on after the grace is cancelled."""
    story = Story(lasts=60.0)
    story.schedule.start()
    story.schedule.replace([target("a", 0.05)])
    await asyncio.sleep(0.1)
    before = time.monotonic()
    await story.schedule.stop(0.1)
    assert time.monotonic() - before < 1.0
    assert story.running == 0
    assert not story.ended


async def test_stop_without_a_start_does_nothing() -> None:
    """A schedule that never began can be stopped."""
    await Story().schedule.stop(1.0)


class WallClock:
    """The wall clock as APScheduler reads it, which steps when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this clock in the place of `datetime` in every module of APScheduler."""
        self.step = timedelta(0)
        self.read = 0
        clock = self

        class AnyDatetime(type):
            def __instancecheck__(cls, value: object) -> bool:
                return isinstance(value, datetime)

        class Stepped(datetime, metaclass=AnyDatetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                clock.read += 1
                return datetime.now(tz) + clock.step

        for name, module in list(sys.modules.items()):
            if name.startswith("apscheduler.") and hasattr(module, "datetime"):
                monkeypatch.setattr(module, "datetime", Stepped)


@pytest.mark.parametrize("step", [-HOUR, HOUR, -MONTH, MONTH], ids=str)
async def test_steps_of_the_wall_clock_change_nothing(
    step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back or a month forward neither stalls, freezes nor bunches the attempts."""
    clock, story = WallClock(monkeypatch), Story()
    story.schedule.start()
    story.schedule.replace([target("a", 0.05), target("b", 0.05)])
    await asyncio.sleep(0.3)
    clock.step = step
    stepped = time.monotonic()
    slowest, until = 0.0, stepped + 0.6
    while time.monotonic() < until:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        slowest = max(slowest, time.monotonic() - before)
    await story.schedule.stop(1.0)
    after = [t for times in story.began.values() for t in times if t > stepped]
    assert 18 <= len(after) <= 26
    assert slowest < 0.2
    assert not story.missed
    assert clock.read == 0


async def test_the_same_step_does_stall_apscheduler_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: what the test above does to the clock stops APScheduler's own scheduler."""
    clock, runs = WallClock(monkeypatch), 0

    async def count() -> None:
        nonlocal runs
        runs += 1

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(count, "interval", seconds=1, next_run_time=datetime.now().astimezone())
    scheduler.start()
    await asyncio.sleep(0.2)
    assert runs == 1
    clock.step = -HOUR
    await asyncio.sleep(1.5)
    scheduler.shutdown()
    await asyncio.sleep(0)
    assert runs == 1


Tick = Callable[[float, float], float]


def ticks(name: str, interval: float, anchor: float = 100.0) -> Tick:
    """Return the function from a previous tick and now to the next tick."""
    spread = _Spread(name, interval, anchor)
    return lambda previous, now: _seconds(
        spread.get_next_fire_time(_moment(previous), _moment(now))
    )


def test_offsets_are_stable_and_spread_over_the_interval() -> None:
    """The same name has the same offset always, and many names fill the interval evenly."""
    offsets = [ticks(f"t{i}", 30.0)(100.0, 115.0) % 30.0 for i in range(1000)]
    assert offsets == [ticks(f"t{i}", 30.0)(100.0, 115.0) % 30.0 for i in range(1000)]
    tenths = [sum(n * 3 <= offset < n * 3 + 3 for offset in offsets) for n in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 150


@settings(max_examples=200)
@given(
    st.text(max_size=20),
    st.floats(0.1, 90_000),
    st.floats(0, 1e8),
    st.floats(0, 1e6),
    st.floats(0, 5),
)
def test_next_tick_is_after_now_and_no_burst(
    name: str, interval: float, anchor: float, elapsed: float, behind: float
) -> None:
    """However late the last one ran, the next tick is one, ahead, and at most an interval away."""
    now = anchor + elapsed
    previous = now - behind * interval
    following = ticks(name, interval, anchor)(previous, now)
    slack = 1e-5
    assert following > now - slack
    assert following > previous + interval / 2 - slack
    assert following <= now + 1.5 * interval + min(0.05 * interval, LONGEST_JITTER) + slack
