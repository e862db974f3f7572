"""First attempts: soon for a few, at a rate for a fleet, urgent ones first."""

import asyncio

from probe.service.first_attempts import (
    FIRST_RATE,
    FIRST_WITHIN,
    LONGEST_SPREAD,
    place,
    spread_asked,
    spread_new,
)
from probe.service.ticks import Ticks
from tests.support.schedule_story import Story, target
from tests.support.virtual_time import in_virtual_time, now


def test_few_targets_come_within_a_second_and_a_fleet_at_a_rate() -> None:
    """One does not wait, fifty take a second, thousands as many seconds as the rate asks for."""
    assert spread_new(1) < 0.05
    assert spread_new(50) == spread_new(100) == FIRST_WITHIN
    assert spread_new(6000) == 6000 / FIRST_RATE
    assert spread_new(10**6) == LONGEST_SPREAD
    assert spread_asked(1) < 0.01
    assert spread_asked(6000) == 6000 / FIRST_RATE


def test_groups_follow_each_other() -> None:
    """Every item of the first group comes before every one of the second, within the whole."""
    first, second = [(0.0, "a"), (0.9, "b")], [(0.0, "c"), (0.5, "d")]
    placed = {name: share for share, name in place((first, second))}
    assert sorted(placed, key=placed.__getitem__) == ["a", "b", "c", "d"]
    assert placed["c"] == 0.5
    assert max(placed.values()) < 1
    assert list(place(((), ()))) == []


@in_virtual_time
async def test_first_attempts_of_a_fleet_keep_to_the_rate() -> None:
    """No second has many more first attempts than the rate, and none is late by the spread."""
    story = Story()
    began = now()
    await story.unfold(*(target(f"t{i}", 3600.0) for i in range(1500)), seconds=11.0)
    firsts = [times[0] - began for times in story.began.values()]
    assert len(firsts) == 1500
    seconds = [sum(n <= first < n + 1 for first in firsts) for n in range(10)]
    assert max(seconds) < 1.3 * FIRST_RATE
    assert min(seconds) > 0.7 * FIRST_RATE
    assert max(story.late) < 0.01


@in_virtual_time
async def test_fleet_with_a_short_interval_begins_as_it_goes_on() -> None:
    """Where each second has more attempts than the rate anyway, none is made twice in an interval."""
    story = Story()
    await story.unfold(*(target(f"t{i}", 4.0) for i in range(1600)), seconds=3.9)
    assert len(story.began) > 1500
    assert all(len(times) == 1 for times in story.began.values())


@in_virtual_time
async def test_target_with_a_short_interval_does_not_wait_for_a_fleet() -> None:
    """Its first attempt comes within its interval, however long the others take."""
    story, began = Story(), now()
    fleet = [target(f"t{i}", 3600.0) for i in range(1500)]
    await story.unfold(*fleet, target("quick", 0.5), seconds=1.0)
    assert story.began["quick"][0] - began < 0.55
    assert len(story.began) < 300


@in_virtual_time
async def test_changed_targets_that_failed_come_first() -> None:
    """After a reload that changes all of them, those are attempted before the others."""
    story = Story()
    names = [f"failing{i}" if i % 10 == 0 else f"t{i}" for i in range(600)]
    story.schedule.start()
    story.schedule.replace([target(name, 3600.0) for name in names])
    await asyncio.sleep(5.0)
    assert len(story.targets) == 600
    story.schedule.replace([target(name, 3600.0, port=1) for name in names])
    await asyncio.sleep(5.0)
    again = [each.name for each in story.targets[600:]]
    assert len(again) == 600
    assert all(name.startswith("failing") for name in again[:60])
    await story.schedule.stop(1.0)


@in_virtual_time
async def test_one_target_that_is_asked_for_is_attempted_at_once() -> None:
    """It does not wait for its tick, nor for the first attempts of a fleet."""
    story = Story()
    story.schedule.start()
    story.schedule.replace([target(f"t{i}", 3600.0) for i in range(1500)])
    await asyncio.sleep(0.1)
    last = max((f"t{i}" for i in range(1500)), key=lambda name: Ticks(name, 1.0).offset)
    assert last not in story.began
    assert story.schedule.attempt_now([last, "unknown"]) == frozenset()
    await asyncio.sleep(0.02)
    assert last in story.began
    await asyncio.sleep(12.0)
    assert len(story.began[last]) == 1
    await story.schedule.stop(1.0)


@in_virtual_time
async def test_many_targets_that_are_asked_for_are_spread() -> None:
    """A CA file that changes for a fleet causes no rush; the targets that failed come first."""
    story = Story()
    names = [f"failing{i}" if i % 10 == 0 else f"t{i}" for i in range(600)]
    story.schedule.start()
    story.schedule.replace([target(name, 3600.0) for name in names])
    await asyncio.sleep(5.0)
    asked = now()
    assert story.schedule.attempt_now(names) == frozenset()
    await asyncio.sleep(600 / FIRST_RATE + 0.1)
    again = [each.name for each in story.targets[600:]]
    assert len(again) == 600
    assert all(name.startswith("failing") for name in again[:60])
    half = [times[1] - asked for times in story.began.values()]
    assert sum(seconds < 2.0 for seconds in half) < 350
    await story.schedule.stop(1.0)
