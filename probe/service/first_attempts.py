"""How first attempts are spread: soon, urgent ones first, and a fleet's at a rate that leaves room.

First attempts cost more than later ones, on both sides: files are read, certificates are parsed. So
a large fleet has a rate, not a time, until each target comes at its own offset in its interval. A fleet
whose interval is too short for that rate begins at once as it goes on: each target at its offset.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, TypeVar

FIRST_WITHIN: Final = 1.0
"""Seconds within which new targets are first attempted, where they are not too many for that."""
FIRST_APART: Final = 0.02
"""Seconds per new target over which first attempts are spread; a single target does not wait."""
FIRST_RATE: Final = 150.0
"""First attempts a second, at most, until the interval or `LONGEST_SPREAD` demands more. Measured at
this rate: the probe takes 43 % of a core, nginx as its only backend 19 %."""
LONGEST_SPREAD: Final = 240.0
"""Seconds after which every target has been attempted: MtlsProbeStale fires after 300."""

_Item = TypeVar("_Item")


def spread_new(count: int) -> float:
    """Return the seconds over which the first attempts of so many new targets are spread."""
    return max(min(FIRST_WITHIN, FIRST_APART * count), spread_asked(count))


def spread_asked(count: int) -> float:
    """Return the seconds over which so many attempts are spread that somebody asked for."""
    return min(count / FIRST_RATE, LONGEST_SPREAD)


def place(groups: Sequence[Collection[tuple[float, _Item]]]) -> Iterator[tuple[float, _Item]]:
    """Yield each item with its place in the spread, from 0 up to 1; one group comes after the other.

    An item is given with its offset, from 0 up to 1, which is its place within its group.
    """
    total, before = sum(map(len, groups)), 0
    for group in groups:
        for offset, item in group:
            yield (before + offset * len(group)) / total, item
        before += len(group)
