"""Bytes, reads and TLS records of one connection are counted however they are cut, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.attempt.wire_limits import (
    BYTE_BUDGET,
    MAX_READS,
    MAX_RECORDS,
    WireSteps,
    looks_like_tls,
)


def record(body: bytes) -> bytes:
    """Return one record of application data."""
    return b"\x17\x03\x03" + len(body).to_bytes(2) + body


@given(
    st.lists(st.binary(max_size=40), max_size=20),
    st.lists(st.integers(1, 60), min_size=1, max_size=10),
)
def test_records_are_counted_whatever_the_segments(bodies: list[bytes], sizes: list[int]) -> None:
    """Empty and long records, cut in any way, are as many as were sent."""
    raw = b"".join(map(record, bodies))
    steps = WireSteps(tls=True)
    at = index = 0
    while at < len(raw):
        size = sizes[index % len(sizes)]
        assert steps.count(raw[at : at + size]) == ""
        at, index = at + size, index + 1

    assert (steps.records, steps.received, steps.reads) == (len(bodies), len(raw), index)


@pytest.mark.parametrize(
    ("piece", "bound", "most"),
    [
        (b"x", f"{MAX_READS} reads", MAX_READS),
        (record(bytes(16_379)), f"{BYTE_BUDGET} bytes", BYTE_BUDGET // 16_384),
        (record(b"") * 4, f"{MAX_RECORDS} TLS records", MAX_RECORDS // 4),
    ],
    ids=["reads", "bytes", "records"],
)
def test_each_bound_is_reached_and_named(piece: bytes, bound: str, most: int) -> None:
    """Up to the bound nothing is said; the step after it is named."""
    steps = WireSteps(tls=True)
    for _ in range(most):
        assert steps.count(piece) == ""

    assert steps.count(piece) == bound


def test_one_read_of_many_records_costs_no_more_than_the_bound() -> None:
    """Counting stops where the bound is exceeded."""
    steps = WireSteps(tls=True)

    assert steps.count(record(b"") * 10_000) == f"{MAX_RECORDS} TLS records"
    assert steps.records == MAX_RECORDS + 1


def test_without_tls_there_are_no_records() -> None:
    """Bytes of HTTP are not taken for the lengths of records."""
    steps = WireSteps(tls=False)
    for _ in range(MAX_READS):
        assert steps.count(b"\x17\x03\x03\x00\x00") == ""

    assert steps.records == 0


@pytest.mark.parametrize(
    ("first", "answer"),
    [
        (b"\x16", True),
        (b"\x15\x03\x01", True),
        (b"\x16\x02", False),
        (b"HTTP", False),
        (b"\x00", False),
    ],
)
def test_what_can_begin_tls(first: bytes, answer: bool) -> None:
    """A content type, and the major version 3."""
    assert looks_like_tls(first) is answer
