"""Bounded reports: a burst at once, then one at a time; of our own bugs no message."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.system.fault_log import FaultLog, TokenBucket, places_of


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


async def test_a_fault_of_ours_is_reported_without_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An exception's message may repeat a header: its type and the place in the code are enough."""
    secret = "c3VwZXI6c2VjcmV0LXBhc3N3b3Jk"
    try:
        int(secret)
    except ValueError as error:
        FaultLog("web").report(error)
        assert places_of(error)[-1].startswith("test_fault_log.py:")
        handler = FaultLog("event loop")
        handler.report_loop(
            asyncio.get_running_loop(),
            {"message": f"Exception in callback <f({secret!r})>", "exception": error},
        )
    printed = capsys.readouterr()
    assert secret not in printed.out + printed.err
    assert (printed.out + printed.err).count("ValueError") == 2
    assert "Exception in callback" in printed.out + printed.err


def test_faults_that_repeat_do_not_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A request that meets a bug of ours can come a thousand times a second."""
    log = FaultLog("web")
    for _ in range(1000):
        log.report(RuntimeError())
    assert json.dumps(capsys.readouterr().out).count("probe_fault") == 3
