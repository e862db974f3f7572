"""Ticks of the schedule: spread over the interval, and no matter to the wall clock's steps."""

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.service.schedule import LONGEST_JITTER, _OffsetTrigger, _to_datetime, _to_seconds
from tests.support.schedule_story import Story, target
from tests.support.virtual_time import in_virtual_time, now

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


class WallClock:
    """The wall clock as APScheduler reads it; the test makes it step."""

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
@in_virtual_time
async def test_steps_of_the_wall_clock_change_nothing(
    step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back or a month forward neither stalls, freezes nor bunches the attempts."""
    clock, story = WallClock(monkeypatch), Story()
    story.schedule.start()
    story.schedule.replace([target("a", 0.05), target("b", 0.05)])
    await asyncio.sleep(0.3)
    clock.step = step
    stepped = now()
    await asyncio.sleep(0.6)
    await story.schedule.stop(1.0)
    after = [t for times in story.began.values() for t in times if t > stepped]
    assert 21 <= len(after) <= 26
    assert max(story.late) < 0.01
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
    spread = _OffsetTrigger(name, interval, anchor)
    return lambda previous, now: _to_seconds(
        spread.get_next_fire_time(_to_datetime(previous), _to_datetime(now))
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
