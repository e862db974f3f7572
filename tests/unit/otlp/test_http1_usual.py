"""An answer that comes whole in its usual form is read as the general parser reads it."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probe.otlp.http1 import Http1Exchange
from probe.otlp.response import parse_http_date

DATE = b"Date: Sun, 22 Nov 2026 10:00:00 GMT"
LINES = [
    DATE,
    b"Server: nginx/1.29",
    b"content-TYPE:\tapplication/x-protobuf ",
    b"Content-Type: text/plain; charset=utf-8",
    b"Content-Length: 3",
    b"Content-Length:  3",
    b"Content-Length: 03",
    b"Content-Length: 0",
    b"Content-Length: 3, 3",
    b"Content-Length: +3",
    b"Content-Length: 9999999999999999999999",
    b"Transfer-Encoding: chunked",
    b"transfer-encoding: gzip",
    b"Connection: close",
    b"Content-Encoding: gzip",
    b"Empty:",
    b" folded",
    b"Odd : name",
    b"no colon",
    b": no name",
    b"High: \xe4\xff",
    b"Control: \x01",
    b"Feed: a\nb",
    b"Return: a\rb",
    b"Null: \x00",
    b"Location: https://elsewhere.example/",
    b"Date: Mon, 23 Nov 2026 10:00:01 GMT",
    b"date: Thu, 01 Jan 1970 00:00:00 GMT",
    b"Date: Mon, 23 Nov 2026 10:00:01 GMT and more",
    b"Content-Length: 39",
]
DATED_BODY = b"\r\nDate: Mon, 23 Nov 2026 10:00:01 GMT\r\n"
STATUS_LINES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 200",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 400 Bad Request",
    b"HTTP/1.1 503 \xe4",
    b"HTTP/1.1 999 x",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1  200 OK",
]


def seen(exchange: Http1Exchange) -> tuple[object, ...]:
    """Return all that an exchange says of what it received."""
    return (
        exchange.answer,
        exchange.cut_answer,
        exchange.protocol_seen,
        exchange.garbage,
        exchange.exhausted,
        exchange.ended,
        exchange.detail,
        exchange.first_bytes,
    )


def read(*pieces: bytes) -> list[tuple[object, ...]]:
    """Return what an exchange says after `pieces`, and after the end of the peer's bytes."""
    exchange = Http1Exchange("http/protobuf", "traces")
    for piece in pieces:
        exchange.receive(piece)
    after = seen(exchange)
    exchange.receive_eof()
    return [after, seen(exchange)]


@given(
    st.sampled_from(STATUS_LINES),
    st.lists(st.sampled_from(LINES), max_size=5),
    st.sampled_from([b"\r\n", b"\n"]),
    st.sampled_from(
        [
            b"",
            b"abc",
            b"abcd",
            b"\x0a\x01\x00",
            b"3\r\nabc\r\n0\r\n\r\n",
            DATED_BODY,
        ]
    ),
)
@example(STATUS_LINES[0], [LINES[0], LINES[2], LINES[7]], b"\r\n", b"")
@example(STATUS_LINES[0], [LINES[2], LINES[4]], b"\r\n", b"abc")
@example(STATUS_LINES[0], [LINES[4], LINES[11]], b"\r\n", b"abc")
@example(STATUS_LINES[4], [LINES[4]], b"\r\n", b"abc")
@example(STATUS_LINES[0], [LINES[0], LINES[26], LINES[4]], b"\r\n", b"abc")
@example(STATUS_LINES[0], [LINES[27], LINES[26], LINES[4]], b"\r\n", b"abc")
@example(STATUS_LINES[0], [LINES[27], LINES[29]], b"\r\n", DATED_BODY)
@example(STATUS_LINES[0], [LINES[28], LINES[4]], b"\r\n", b"abc")
def test_both_readers_agree(status: bytes, lines: list[bytes], end: bytes, body: bytes) -> None:
    """In two pieces, the first of one byte, the same answer is read by the general parser."""
    raw = end.join([status, *lines, b"", body])
    assert read(raw) == read(raw[:1], raw[1:])


@given(st.lists(st.sampled_from(LINES[:8]), max_size=3), st.integers(0, 200), st.binary(max_size=3))
def test_they_agree_on_what_is_bent(lines: list[bytes], at: int, bent: bytes) -> None:
    """Also where any bytes stand in an answer that would be usual without them."""
    raw = b"\r\n".join([STATUS_LINES[0], *lines, LINES[4], b"", b"abc"])
    at %= len(raw)
    raw = raw[:at] + bent + raw[at + len(bent) :]
    assert read(raw) == read(raw[:1], raw[1:])


@pytest.mark.parametrize("size", [65_535, 65_536, 70_000])
def test_they_agree_on_bodies_of_any_size(size: int) -> None:
    """Up to the bound of a body, and beyond it."""
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    assert read(raw) == read(raw[:1], raw[1:])


def test_of_an_answer_that_comes_again_the_date_is_new() -> None:
    """What is remembered of a short answer is everything but its Date."""
    dates = [LINES[26], DATE, LINES[26]]
    answers = [
        read(b"\r\n".join([STATUS_LINES[0], date, LINES[2], LINES[4], b"", b"\x0a\x01\x00"]))
        for date in dates
    ]

    assert answers[0] == answers[2] != answers[1]


def test_the_usual_answer_needs_no_general_parser() -> None:
    """It is what costs: a backend that answers as usual must not pay for it; another one may."""
    usual = Http1Exchange("http/protobuf", "traces")
    usual.receive(b"\r\n".join([STATUS_LINES[0], DATE, LINES[4], b"", b"abc"]))
    assert usual.answer is not None
    assert usual._parser is None

    chunked = Http1Exchange("http/protobuf", "traces")
    chunked.receive(b"\r\n".join([STATUS_LINES[0], LINES[11], b"", b"0\r\n\r\n"]))
    assert chunked.answer is not None
    assert chunked._parser is not None


@given(
    st.tuples(
        st.sampled_from([b"Sun", b"Mon", b"XYZ"]),
        st.sampled_from([b"01", b"29", b"31", b"32", b"00", b"1"]),
        st.sampled_from([b"Jan", b"Feb", b"Nov", b"nov", b"Xxx"]),
        st.sampled_from([b"2024", b"2026", b"1000", b"0099", b"26"]),
        st.sampled_from([b"00:00:00", b"23:59:60", b"24:00:00", b"10:61:00", b"1:2:3"]),
        st.sampled_from([b"GMT", b"UTC", b"+0000", b"-0000", b"+0100", b""]),
    )
)
def test_dates_are_read_as_the_library_reads_them(parts: tuple[bytes, ...]) -> None:
    """The usual form of RFC 9110 is read faster, to the same second."""
    raw = b"%s, %s %s %s %s %s" % parts
    try:
        moment = parsedate_to_datetime(raw.decode())
        expected = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        expected = None
    assert parse_http_date(raw) == expected
