"""Garbage collection while a fleet becomes known, and while one is read."""

import gc
from collections.abc import Iterator

import pytest

from probe.system.garbage import PORTION, Exemption, no_collections


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    """Let later tests collect everything again."""
    yield
    gc.unfreeze()
    gc.enable()


def test_what_becomes_known_is_looked_at_once() -> None:
    """Portion by portion it leaves the collections; less than a portion does not matter."""
    gc.unfreeze()
    exemption = Exemption()
    kept = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    for _ in range(PORTION - 1):
        exemption.note_target()
    assert gc.get_freeze_count() == 0
    exemption.note_target()
    assert gc.get_freeze_count() > len(kept)


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
