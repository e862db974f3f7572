"""Ticks of the schedule: spread over the interval, and no matter to the wall clock's steps."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

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
                assert tz is not None
                return tz.fromutc((datetime.now(UTC) + clock.step).replace(tzinfo=tz))

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
    assert clock.read


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
