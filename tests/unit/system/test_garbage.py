"""Garbage collection while a fleet becomes known, and while one is read."""

import gc
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from probe.system.garbage import MOST_SURVIVORS, no_collections, short_collections

LONGEST = 0.02
"""Seconds of CPU for which a collection may hold the loop."""


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    """Begin with nothing exempt, and let later tests collect everything again."""
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.enable()


def make_objects(count: int) -> list[list[object]]:
    """Return so many that refer to one another in no cycle."""
    return [[] for _ in range(count)]


@contextmanager
def full_collections() -> Iterator[list[float]]:
    """Yield a list that gets the seconds of CPU of each full collection."""
    spent: list[float] = []
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.thread_time()
        elif info["generation"] == 2:
            spent.append(time.thread_time() - began)

    gc.callbacks.append(note)
    try:
        yield spent
    finally:
        gc.callbacks.remove(note)


def test_what_many_targets_leave_is_looked_at_once() -> None:
    """Few survivors stay in the collections, with what may still become garbage; many leave them."""
    with short_collections():
        at_first = gc.get_freeze_count()
        few = make_objects(MOST_SURVIVORS // 2)
        gc.collect()
        assert gc.get_freeze_count() <= at_first
        many = make_objects(MOST_SURVIVORS)
        gc.collect()
        assert gc.get_freeze_count() >= at_first + len(few) + len(many) - 100
        few += many
    assert gc.get_freeze_count() >= at_first
    gc.unfreeze()
    gc.collect()
    assert gc.get_freeze_count() == 0, "it ends with the service"


@pytest.mark.serial
@pytest.mark.parametrize("short", [True, False])
def test_no_collection_of_a_growing_fleet_holds_the_loop(short: bool) -> None:
    """Ten thousand targets of fifty objects each; the control, without exemptions, is seen to."""
    kept: list[object] = []
    with short_collections() if short else nullcontext(), full_collections() as spent:
        kept.extend(make_objects(50) for _ in range(10_000))
        if not short:
            gc.collect()
    assert spent
    assert (max(spent) < LONGEST) == short, f"{max(spent) * 1e3:.1f} ms"


def test_an_exempt_object_is_freed_with_its_last_reference() -> None:
    """A target that is dropped frees what was kept of it."""

    class Kept:
        """What can be referred to weakly."""

    with short_collections():
        kept = [Kept() for _ in range(MOST_SURVIVORS + 1)]
        gc.collect()
        assert gc.get_freeze_count() > MOST_SURVIVORS
        last = weakref.ref(kept[-1])
        kept.clear()
        assert last() is None


def test_reading_collects_nothing_and_collections_come_back() -> None:
    """They come back after an exception too, and stay off where they were."""
    with no_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken"), no_collections():
        raise ValueError("broken")
    assert gc.isenabled()
    gc.disable()
    with no_collections():
        pass
    assert not gc.isenabled()


def test_many_new_targets_are_not_looked_at_when_reading_ends() -> None:
    """The first collection after it would look at all of them at once."""
    with no_collections():
        few = make_objects(MOST_SURVIVORS // 2)
    assert gc.get_freeze_count() == 0
    with no_collections():
        many = make_objects(MOST_SURVIVORS + 1)
    assert gc.get_freeze_count() > len(many)
    few.clear()
