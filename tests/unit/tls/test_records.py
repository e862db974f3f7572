"""TLS records of one connection are counted however they are cut, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.tls.client import TlsClient
from probe.tls.events import LimitReached
from probe.tls.records import MAX_RECORDS, RecordCounter, is_record_start, read_certificate_message
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


@pytest.mark.parametrize("tls13", [True, False])
@given(chain=st.lists(st.binary(max_size=300), max_size=4), cut=st.integers(0, 40))
def test_a_certificate_message_is_read_as_far_as_it_is_whole(
    tls13: bool, chain: list[bytes], cut: int
) -> None:
    """RFC 8446 §4.4.2 and RFC 5246 §7.4.2; a message that is cut gives a part of the list."""
    after = b"\0\0" if tls13 else b""
    listed = b"".join(len(one).to_bytes(3) + one + after for one in chain)
    body = (b"\0" if tls13 else b"") + len(listed).to_bytes(3) + listed
    message = b"\x0b" + len(body).to_bytes(3) + body

    assert read_certificate_message(message, tls13=tls13) == tuple(chain)
    part = read_certificate_message(message[: len(message) - cut], tls13=tls13)
    assert part == tuple(chain)[: len(part)]


@given(st.binary(max_size=200), st.booleans())
def test_no_message_makes_it_fail(message: bytes, tls13: bool) -> None:
    """Whatever a peer calls a Certificate message."""
    assert sum(map(len, read_certificate_message(message, tls13=tls13))) <= len(message)
