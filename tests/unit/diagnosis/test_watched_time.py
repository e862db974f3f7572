"""A watched time is used like a float, and says in which bounds the answers hold."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf, nan
from typing import Any, Final

import pytest

from probe.diagnosis.watched_time import MARGIN, UnwatchableError, Watch, is_within
from probe.text.time_format import format_duration
from tests.support.every_row import every_row

NOW: Final = 1000.0

HOLDS: Final[dict[str, tuple[Callable[[Any], object], float, float]]] = {
    "a comparison": (lambda t: t > 990.0, 990.0, inf),
    "a comparison the other way round": (lambda t: t > 2000.0, -inf, 2000.0),
    "one within two": (lambda t: 990.0 < t < 2000.0 + t, 990.0, inf),
    "a difference": (lambda t: 0 <= 1500.0 - t < 600.0, 900.0, 1500.0),
    "the smaller one": (lambda t: min(1500.0, t) is t, -inf, 1500.0),
    "a size, on either side of 0": (lambda t: abs(t - 1010.0) < 60.0, 950.0, 1070.0),
    "a size that is large": (lambda t: abs(t - 1100.0) >= 60.0, -inf, 1040.0),
    "more than a float holds": (lambda t: t < inf, -inf, inf),
    "whole minutes": (lambda t: t // 60.0, 960.0, 1020.0),
    "a duration in words": (lambda t: format_duration(t - 70.0), 970.0, 1030.0),
    "a rounded number": (lambda t: f"{t:+.0f}", 999.5, 1000.5),
    "one with a decimal": (lambda t: f"{t:.1f}", 999.95, 1000.05),
}
REFUSED: Final[dict[str, Callable[[Any], object]]] = {
    "a time of day": lambda t: datetime.fromtimestamp(t, UTC),
    "all its digits": str,
    "another format": lambda t: f"{t:g}",
    "whether it is 0": bool,
    "equality": lambda t: t == NOW,
    "equality of a size": lambda t: abs(t) == NOW,
    "the sum of a size": lambda t: abs(t) + 1.0,
    "a look-up": {NOW: 1}.get,
    "a float": float,
    "a comparison with a text": lambda t: t < "later",
    "a product with 0": lambda t: t * 0,
}


def watch(now: float = NOW) -> tuple[Watch, Any]:
    """Return a watch of one time."""
    made = Watch([now])
    return made, made.list_times()[0]


@every_row(name=HOLDS)
def test_an_answer_holds_within_its_bounds(name: str) -> None:
    """It is that of a float, holds just within the bounds, and is not kept beyond them."""
    ask, low, high = HOLDS[name]
    watched, time = watch()

    assert ask(time) == ask(NOW)
    for edge, inwards in ((low, 1), (high, -1)):
        if abs(edge) < inf:
            assert is_within(watched.bounds, [edge + inwards * 2 * MARGIN])
            assert not is_within(watched.bounds, [edge])
            assert not is_within(watched.bounds, [edge - inwards * MARGIN])
    assert is_within(watched.bounds, [NOW])


@every_row(name=REFUSED)
def test_what_cannot_be_put_into_bounds_is_refused(name: str) -> None:
    """Nothing that depends on a time is missed."""
    with pytest.raises((UnwatchableError, TypeError)):
        REFUSED[name](watch()[1])


def test_times_that_no_clock_shows_are_refused() -> None:
    """An infinite one has no bounds."""
    for time in (inf, -inf, nan):
        with pytest.raises(UnwatchableError):
            Watch([time])


def test_a_sum_of_times_has_bounds_of_its_own() -> None:
    """Our clock and the offset of another one may both move, as long as their sum stays."""
    watched = Watch([NOW, 5.0])
    at, offset = watched.list_times()

    assert at + offset < 1010.0
    assert is_within(watched.bounds, [NOW + 100.0, -100.0])
    assert not is_within(watched.bounds, [NOW, 11.0])


def test_what_no_longer_depends_on_time_is_a_float() -> None:
    """The difference of a time and itself."""
    _, time = watch()

    assert (time + 3.0) - time == 3.0


def test_a_time_right_at_a_bound_is_refused() -> None:
    """Its answer need not be that of either side."""
    for ask in (lambda t: t <= NOW, lambda t: t > NOW + MARGIN / 2, lambda t: (t - 940.0) // 60.0):
        with pytest.raises(UnwatchableError):
            ask(watch()[1])
