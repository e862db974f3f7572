"""A bucket of tokens: a burst at once, then one at a time, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from probe.system.token_bucket import TokenBucket


def test_a_burst_and_then_one_at_a_time() -> None:
    """Three at once; the fourth has to wait, and nothing is saved up beyond the burst."""
    bucket = TokenBucket(burst=3, every=10.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(9.0)
    assert bucket.take(10.0)
    assert not bucket.take(11.0)
    assert [bucket.take(1e6) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(-1e9, 1e9), max_size=60))
def test_a_clock_that_goes_back_gives_nothing(times: list[float]) -> None:
    """However it jumps, no more are allowed than burst and the time that went forwards."""
    bucket = TokenBucket(burst=2, every=1e12)
    assert sum(map(bucket.take, times)) <= 2 + 60e9 * 2 / 1e12
