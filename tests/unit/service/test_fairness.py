"""A fleet of thousands holds the event loop for moments only, whatever is asked of it meanwhile."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest

from probe.config.configuration import Configuration, reuse_targets
from probe.config.loader import ConfigurationLoader
from probe.ledger.ledger import Ledger
from probe.model.target import Endpoint, Target
from probe.service.pipeline import Pipeline
from probe.service.reload import Reloader
from probe.service.schedule import Schedule
from probe.web.application import _render_metrics
from tests.support.web_fleet import Fleet, refused

pytestmark = [pytest.mark.serial, pytest.mark.slow]

TARGETS = 10_000
LONGEST = 0.02
"""Seconds of CPU for which the loop may be held."""
TICK = 0.001


class Held:
    """For how long the loop was held, in CPU: a busy machine takes time off a process."""

    longest = 0.0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch for as long as the context lasts."""
        task = asyncio.create_task(self._watch())
        await asyncio.sleep(5 * TICK)
        self.longest = 0.0
        try:
            yield
        finally:
            await asyncio.sleep(5 * TICK)
            task.cancel()

    async def _watch(self) -> None:
        used = time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            before, used = used, time.thread_time()
            self.longest = max(self.longest, used - before)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Return a fleet that has been attempted, a tenth of it refused."""
    fleet = Fleet(*(f"t{number:05}" for number in range(TARGETS)))
    for name in fleet.targets:
        fleet.record(name, refused())
    gc.collect()
    gc.freeze()
    return fleet


async def hold_longest(work: Callable[[], Awaitable[object]]) -> float:
    """Return for how long the loop is held at most while `work` is awaited, at the best of three."""
    found = []
    for _ in range(3):
        held = Held()
        async with held.watching():
            await work()
        found.append(held.longest)
    return min(found)


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_scrape_does_not_hold_the_loop(fleet: Fleet, zipped: bool) -> None:
    """The metrics of ten thousand targets are made in many steps."""
    assert await hold_longest(lambda: _render_metrics(fleet.metrics, (False, zipped))) < LONGEST


async def test_a_scrape_in_one_go_would_hold_the_loop(fleet: Fleet) -> None:
    """The control: the same work without its steps is seen to hold it."""

    async def make_at_once() -> None:
        fleet.metrics.exposition()

    assert await hold_longest(make_at_once) > LONGEST


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/targets", "/"])
async def test_a_page_does_not_hold_the_loop(fleet: Fleet, path: str) -> None:
    """Nor do the JSON of all targets and the status page, with a reader that takes all at once."""
    async with fleet.serve() as client:

        async def read() -> None:
            async with client.get(path) as response:
                assert response.status == 200
                async for _ in response.content.iter_chunked(1 << 16):
                    pass

        await read()
        assert await hold_longest(read) < LONGEST


async def test_a_reload_that_changes_little_does_not_hold_the_loop() -> None:
    """Targets that were read again are compared on a thread, and swapped in a moment."""
    targets = tuple(
        Target(name=f"t{number}", endpoint=Endpoint("h", 1)) for number in range(TARGETS)
    )
    before = Configuration(targets=targets)
    pipeline = Pipeline(Ledger(targets))

    async def swap() -> None:
        read = Configuration(
            targets=(*map(replace, targets[:-1]), replace(targets[-1], depth="tls"))
        )
        shared = await asyncio.to_thread(reuse_targets, read, before)
        began = time.thread_time()
        assert shared != before
        pipeline.replace_targets(shared.targets)
        took.append(time.thread_time() - began)

    took: list[float] = []
    for _ in range(3):
        await swap()
    assert min(took) < LONGEST


def make_reloader() -> Reloader:
    """Return one of a fleet of which each reload changes every target, and the order."""
    targets = tuple(
        Target(name=f"t{number}", endpoint=Endpoint("h", 1), interval=3000.0)
        for number in range(TARGETS)
    )
    numbers = count(1)

    def read(_answers: object) -> Configuration:
        timeout = 1.0 + next(numbers)
        return Configuration(
            targets=tuple(replace(each, timeout=timeout) for each in reversed(targets))
        )

    async def attempt(_target: Target) -> bool:
        return True

    def ignore(_what: object) -> None:
        pass

    schedule = Schedule(attempt, concurrency=1, on_late=ignore, on_missed=ignore)
    schedule.start()
    schedule.replace(targets)
    loader = ConfigurationLoader(read, user_agent="test")
    pipeline = Pipeline(Ledger(targets))
    gc.collect()
    gc.freeze()
    return Reloader(Configuration(targets=targets), loader, pipeline, schedule, ignore)


async def test_a_reload_that_changes_every_target_does_not_hold_the_loop() -> None:
    """They are taken some at a time; in the end all are known in their order, and scheduled once."""
    reloader = make_reloader()

    assert await hold_longest(reloader.reload) < LONGEST

    targets = reloader.configuration.targets
    assert [each.target for each in reloader._pipeline.ledger] == list(targets)
    turns = reloader._schedule._turns
    assert {turn.target for turn in turns.values()} == set(targets)
    due = [turn for at, _, turn in reloader._schedule._queue if at == turn.due]
    assert len(due) == TARGETS == len({id(turn) for turn in due})
    await reloader._schedule.stop(0.0)


async def test_a_change_of_every_target_in_one_go_would_hold_the_loop() -> None:
    """The control: the same work without its steps is seen to hold it."""
    reloader = make_reloader()

    async def change_at_once() -> None:
        loaded = await reloader._loader.read()  # type: ignore[union-attr]
        reloader._pipeline.replace_targets(loaded.targets)

    assert await hold_longest(change_at_once) > LONGEST
    await reloader._schedule.stop(0.0)
