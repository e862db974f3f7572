"""When targets are attempted: spread, capped, never twice at a time, whatever the wall clock does."""

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from probe.model.target import Target
from probe.service.first_attempts import FIRST_WITHIN
from probe.service.schedule import SLOT, Schedule
from tests.support.schedule_story import Story, target
from tests.support.virtual_time import in_virtual_time, now


@in_virtual_time
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


@in_virtual_time
async def test_targets_may_be_given_before_the_start() -> None:
    """Targets that are replaced before the start begin with it."""
    story = Story()
    story.schedule.replace([target("a")])
    assert not story.began
    story.schedule.start()
    await asyncio.sleep(0.15)
    await story.schedule.stop(1.0)
    assert story.began["a"]


@in_virtual_time
async def test_first_attempts_come_soon_and_spread() -> None:
    """With a long interval the first attempts come within a second, at different times."""
    story = Story()
    began = now()
    await story.unfold(*(target(f"t{i}", 3600.0) for i in range(50)), seconds=1.2)
    firsts = sorted(times[0] - began for times in story.began.values())
    assert len(firsts) == 50
    assert firsts[-1] < FIRST_WITHIN + 0.15
    assert firsts[40] - firsts[9] > 0.3


@in_virtual_time
async def test_slow_target_is_never_attempted_twice_at_a_time() -> None:
    """A tick that finds the last attempt running is left out and counted."""
    story = Story(lasts=0.25)
    await story.unfold(target("slow"), seconds=0.9)
    assert story.most == 1
    assert story.missed
    assert set(story.missed) == {"slow"}
    assert 3 <= len(story.began["slow"]) <= 5


@in_virtual_time
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


@in_virtual_time
async def test_crash_of_an_attempt_is_logged_and_the_schedule_goes_on() -> None:
    """An exception stops neither its own target nor another."""
    times = 0

    async def crash(target: Target) -> bool:
        nonlocal times
        times += 1
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    def crash_too(_: float) -> None:
        raise RuntimeError("another bug")

    for on_late in (lambda _: None, crash_too):
        times = 0
        schedule = Schedule(
            crash, concurrency=2, on_late=on_late, on_missed=lambda _: None, clock=now
        )
        with capture_logs() as logs:
            schedule.start()
            schedule.replace([target("a\x1b", 0.05)])
            await asyncio.sleep(0.3)
            await schedule.stop(1.0)
        assert len(logs) >= 4
        assert {log["target"] for log in logs} == {"a\\x1b"}
        assert times == (len(logs) if on_late is not crash_too else 0)


@in_virtual_time
async def test_crash_of_the_counter_of_missed_attempts_stops_nothing() -> None:
    """An exception where missed attempts are counted leaves the schedule running."""
    began = 0

    async def slow(target: Target) -> bool:
        nonlocal began
        began += 1
        await asyncio.sleep(0.12)
        return True

    def crash(name: str) -> None:
        raise RuntimeError(name)

    schedule = Schedule(slow, concurrency=2, on_late=lambda _: None, on_missed=crash, clock=now)
    with capture_logs() as logs:
        schedule.start()
        schedule.replace([target("a", 0.05)])
        await asyncio.sleep(0.5)
        await schedule.stop(1.0)
    assert logs
    assert began >= 3


@in_virtual_time
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


@in_virtual_time
async def test_stop_lets_attempts_finish_and_begins_none() -> None:
    """Within the grace, what runs comes to its end, and what waited never begins."""
    story = Story(lasts=0.3, concurrency=2)
    story.schedule.start()
    story.schedule.replace([target(f"t{i}", 0.1) for i in range(6)])
    await asyncio.sleep(0.15)
    before = now()
    await story.schedule.stop(5.0)
    assert now() - before < 1.0
    assert len(story.ended) == len(story.targets) == 2
    await asyncio.sleep(0.2)
    story.schedule.replace([target("late")])
    await story.schedule.stop(1.0)
    assert len(story.targets) == 2


@in_virtual_time
async def test_stop_cancels_what_outlasts_the_grace() -> None:
    """An attempt that goes on after the grace is cancelled."""
    story = Story(lasts=60.0)
    story.schedule.start()
    story.schedule.replace([target("a", 0.05)])
    await asyncio.sleep(0.1)
    before = now()
    await story.schedule.stop(0.1)
    assert now() - before < 1.0
    assert story.running == 0
    assert not story.ended


@in_virtual_time
async def test_a_job_just_before_its_slot_is_due_once() -> None:
    """APScheduler would ask for the next time for ever, had it got one that is not later.

    A timer of the loop may come a hair too early; a datetime rounds to microseconds.
    """
    story = Story()
    await story.unfold(target("a"), seconds=0.2)
    schedule = story.schedule
    show, read = schedule._zone.show, schedule._zone.read
    for slot in range(1, 2000):
        # A monotonic clock has nanoseconds, so the slots begin between two microseconds.
        schedule._anchor += 3e-7
        for early in (0.0, 1e-7, 4e-7, 6e-7, 9e-7, 1.1e-6):
            moment = show(schedule._anchor + slot * SLOT - early)
            schedule._queue = [(read(moment), 0, None)]  # type: ignore[list-item]
            found = schedule._find_next_slot(read(moment))
            assert show(found) > moment, (slot, early)
            assert found - read(moment) < SLOT + 2e-6


@in_virtual_time
async def test_stop_without_a_start_does_nothing() -> None:
    """A schedule that never began can be stopped."""
    await Story().schedule.stop(1.0)
