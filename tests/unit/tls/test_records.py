"""TLS records of one connection are counted however they are cut, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.tls.client import TlsClient
from probe.tls.events import LimitReached
from probe.tls.records import MAX_RECORDS, RecordCounter, is_record_start
from tests.support.memory_peer import settings_of


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
    counter = RecordCounter()
    at = index = 0
    while at < len(raw):
        size = sizes[index % len(sizes)]
        counter.count(raw[at : at + size])
        at, index = at + size, index + 1

    assert counter.records == len(bodies)


def test_one_read_of_many_records_costs_no_more_than_the_bound() -> None:
    """Counting stops where the bound is exceeded."""
    counter = RecordCounter()
    counter.count(record(b"") * 10_000)

    assert counter.records == MAX_RECORDS + 1


def test_the_bound_of_records_is_an_event() -> None:
    """Up to the bound the client takes them; the record after it ends that."""
    client = TlsClient(settings_of())
    client.start()
    client.receive(record(b"") * MAX_RECORDS)
    assert not isinstance(client.next_event(), LimitReached)

    client = TlsClient(settings_of())
    client.start()
    client.receive(record(b"") * (MAX_RECORDS + 1))
    assert client.next_event() == LimitReached(f"{MAX_RECORDS} TLS records")


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
    assert is_record_start(first) is answer
