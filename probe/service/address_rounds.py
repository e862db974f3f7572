"""One turn of a target with `addresses: each`: how attempts of its addresses share time and slots.

Attempts of one name neither begin at one moment nor wait for a slow one: so many run side by side
that a round in which none answers takes half of the interval. Each but the first holds a slot of
its own.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from probe.model.target import Target

LEAST_AT_ONCE: Final = 4
"""Attempts of one name side by side, at least, where slots are free."""
APART: Final = 0.02
"""Seconds between the beginnings of two attempts of one name."""

MOST_AT_ONCE: Final = 16
"""Attempts side by side where all of them must end within one time limit."""
LEAST_TIME: Final = 0.05
"""Seconds that each of those gets at least."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Spread(NamedTuple):
    """How the attempts of one round are spread."""

    timeout: float
    """Seconds that each may take."""
    at_once: int
    """How many run side by side."""
    apart: float
    """The least seconds between two beginnings."""


def spread_over_interval(target: Target, addresses: int) -> Spread:
    """Return how so many addresses are attempted, where the next round is an interval away."""
    needed = math.ceil(addresses * target.timeout / (target.interval / 2))
    return Spread(target.timeout, min(max(needed, LEAST_AT_ONCE), addresses), APART)


def spread_within(seconds: float, addresses: int) -> Spread:
    """Return how so many addresses are attempted, where all must end within `seconds`."""
    turns = max(math.ceil(addresses / MOST_AT_ONCE), 1)
    return Spread(max(seconds / turns, LEAST_TIME), MOST_AT_ONCE, 0.0)


async def run_side_by_side(
    items: Sequence[_Item],
    work: Callable[[_Item], Awaitable[_Result]],
    spread: Spread,
    slots: asyncio.Semaphore | None = None,
) -> list[_Result]:
    """Return what `work` returns for each of `items`, in their order.

    Args:
        items: what to do.
        work: does it.
        spread: how many side by side, and how far apart.
        slots: what each but the first of them waits for; the caller has one already. None: nothing.
    """
    waiting = deque(enumerate(items))
    results: dict[int, _Result] = {}
    without_slot: set[asyncio.Task[None]] = set()
    begins = monotonic()

    async def run_lane(slot: asyncio.Semaphore | None) -> None:
        nonlocal begins
        task = asyncio.current_task()
        assert task is not None
        while waiting:
            without_slot.add(task)
            async with slot or nullcontext():
                without_slot.discard(task)
                if not waiting:
                    return
                place, item = waiting.popleft()
                now = monotonic()
                begins = max(begins, now)
                pause, begins = begins - now, begins + spread.apart
                if pause > 0:
                    await asyncio.sleep(pause)
                results[place] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(1, min(spread.at_once, len(items))):
            group.create_task(run_lane(slots))
        await run_lane(None)
        # Nothing is left to begin: who still waits for a slot need not.
        for task in without_slot - {asyncio.current_task()}:
            task.cancel()
    return [results[place] for place in range(len(items))]
