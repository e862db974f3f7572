"""Ticks of a target: spread over the interval, never in step with another's, never in a burst."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.service.ticks import LONGEST_JITTER, Ticks


def list_ticks(name: str, interval: float, number: int) -> list[float]:
    """Return the first ticks of a target."""
    ticks, found = Ticks(name, interval), [0.0]
    for _ in range(number):
        found.append(ticks.find_next(found[-1], found[-1]))
    return found[1:]


def test_offsets_are_stable_and_spread_over_the_interval() -> None:
    """The same name has the same offset always, and many names fill the interval evenly."""
    offsets = [Ticks(f"t{i}", 30.0).find_next(0.0, 15.0) % 30.0 for i in range(1000)]
    assert offsets == [Ticks(f"t{i}", 30.0).find_next(0.0, 15.0) % 30.0 for i in range(1000)]
    tenths = [sum(n * 3 <= offset < n * 3 + 3 for offset in offsets) for n in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 150


def test_targets_never_tick_in_step() -> None:
    """The distance between the ticks of two targets differs from tick to tick."""
    one, other = list_ticks("a", 30.0, 100), list_ticks("b", 30.0, 100)
    apart = [second - first for first, second in zip(one, other, strict=True)]
    assert len({round(each, 3) for each in apart}) > 90
    assert max(apart) - min(apart) > 0.5
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert all(abs(gap - 30.0) <= LONGEST_JITTER for gap in gaps)


@settings(max_examples=200)
@given(
    st.text(max_size=20),
    st.floats(0.1, 90_000),
    st.floats(0, 1e6),
    st.floats(0, 5),
)
def test_next_tick_is_after_now_and_no_burst(
    name: str, interval: float, now: float, behind: float
) -> None:
    """However late the last one ran, the next tick is one, ahead, and at most an interval away."""
    previous = now - behind * interval
    following = Ticks(name, interval).find_next(previous, now)
    slack = 1e-5
    assert following > now - slack
    assert following > previous + interval / 2 - slack
    assert following <= now + 1.5 * interval + min(0.05 * interval, LONGEST_JITTER) + slack
