"""Broken and endless HTTP/2 ends within its bounds and raises nothing."""

import tracemalloc

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.handshake.answer import MAX_BODY
from probe.handshake.http2 import MAX_FRAMES, MAX_HEADER_BYTES, MAX_INTERIM, Http2Exchange
from tests.unit.http2_bytes import HEALTHY, SETTINGS, block, framed, heard


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00" * 40,
        SettingsFrame(flags=["ACK"]).serialize(),
        PingFrame(opaque_data=bytes(8)).serialize(),
        SETTINGS + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01",
        SETTINGS + b"\x00\x00\x07\x06\x00\x00\x00\x00\x00" + bytes(7),
        SETTINGS + DataFrame(1, b"x").serialize(),
        SETTINGS + DataFrame(3, b"x").serialize(),
        SETTINGS + HeadersFrame(3, b"\x88", flags=["END_HEADERS"]).serialize(),
        SETTINGS + ContinuationFrame(1, b"\x88", flags=["END_HEADERS"]).serialize(),
        SETTINGS + PushPromiseFrame(1, 2, b"\x82", flags=["END_HEADERS"]).serialize(),
        SETTINGS + HeadersFrame(1, b"\x88").serialize() + PingFrame().serialize(),
        SETTINGS + HeadersFrame(1, b"\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        SETTINGS + HeadersFrame(1, b"", flags=["END_HEADERS"]).serialize(),
        SETTINGS + HeadersFrame(1, b"\x82", flags=["END_HEADERS"]).serialize(),
        SETTINGS + HeadersFrame(1, b"\x88", flags=["END_HEADERS"]).serialize() * 2,
        SETTINGS + b"\x00\x00\x02\x00\x08\x00\x00\x00\x01\x09x",
        SETTINGS + RstStreamFrame(5, 1).serialize(),
    ],
)
def test_broken_http2_is_garbage(raw: bytes) -> None:
    """Another protocol, or a breach of RFC 9113, is garbage with a reason, and never raises."""
    exchange = heard(raw)
    assert exchange.garbage
    assert exchange.ended
    assert exchange.detail
    exchange.receive(HEALTHY)
    exchange.receive_eof()
    assert exchange.answer is None


def fed_until_ended(first: bytes, repeated: bytes, times: int) -> tuple[Http2Exchange, int, int]:
    """Return the exchange, how often `repeated` was taken, and the peak of memory in bytes."""
    exchange = Http2Exchange("grpc", "traces")
    tracemalloc.start()
    try:
        exchange.receive(first)
        taken = 0
        while not exchange.ended and taken < times:
            exchange.receive(repeated)
            taken += 1
        return exchange, taken, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_endless_continuation_is_bounded() -> None:
    """CONTINUATION without END_HEADERS ends as garbage long before memory matters."""
    piece = ContinuationFrame(1, b"\x00\x01a\x00" * 1000).serialize()
    first = SETTINGS + HeadersFrame(1, b"").serialize()
    exchange, taken, peak = fed_until_ended(first, piece, 10_000)
    assert exchange.garbage
    assert taken <= MAX_HEADER_BYTES // 4000 + 1
    assert peak < 1 << 20


def test_empty_continuations_are_bounded() -> None:
    """CONTINUATION without any byte is bounded by the number of frames."""
    first = SETTINGS + HeadersFrame(1, b"").serialize()
    exchange, taken, _ = fed_until_ended(first, ContinuationFrame(1, b"").serialize(), 10_000)
    assert exchange.garbage
    assert taken <= MAX_FRAMES


def test_hpack_bomb_is_bounded() -> None:
    """A small block that unfolds to a huge list ends as garbage."""
    bomb = b"\x40\x01a\x7f\x81\x1e" + b"x" * 4000 + b"\xbe" * 12_000
    frame = HeadersFrame(1, bomb, flags=["END_HEADERS"]).serialize()
    exchange, _, peak = fed_until_ended(SETTINGS + frame, b"", 0)
    assert exchange.garbage
    assert peak < 1 << 20


def test_endless_interim_responses_are_bounded() -> None:
    """1xx without end is garbage."""
    interim = HeadersFrame(1, block((":status", "103")), flags=["END_HEADERS"]).serialize()
    exchange, taken, _ = fed_until_ended(SETTINGS, interim, 1000)
    assert exchange.garbage
    assert taken == MAX_INTERIM + 1


def test_flood_of_pings_is_bounded() -> None:
    """PING without end is garbage, and so is the reply bounded."""
    exchange, _, _ = fed_until_ended(SETTINGS, PingFrame().serialize(), 100_000)
    assert exchange.garbage
    assert len(exchange.take_output()) < MAX_FRAMES * 18


def test_body_is_kept_to_its_limit() -> None:
    """A page without end is an answer once the limit is reached."""
    head = HeadersFrame(
        1, block((":status", "503"), ("content-type", "text/plain")), flags=["END_HEADERS"]
    )
    piece = DataFrame(1, b"down " * 1000).serialize()
    exchange, taken, peak = fed_until_ended(SETTINGS + head.serialize(), piece, 100)
    assert exchange.answer is not None
    assert exchange.answer.message.startswith("down down")
    assert taken == MAX_BODY // 5000 + 1
    assert peak < 1 << 20


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=6))
def test_arbitrary_bytes_never_raise(pieces: list[bytes]) -> None:
    """No bytes at all make the receiver raise."""
    exchange = Http2Exchange("grpc", "traces")
    for piece in pieces:
        exchange.receive(piece)
    exchange.receive_eof()
    assert exchange.ended


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            framed,
            st.integers(0, 12),
            st.integers(0, 255),
            st.sampled_from([0, 1, 1, 1, 2, 3, 0x80000001]),
            st.one_of(
                st.binary(max_size=60),
                st.just(block((":status", "200"), ("grpc-status", "0"))),
                st.just(block((":status", "100"))),
            ),
        ),
        max_size=8,
    )
)
def test_arbitrary_frames_never_raise(frames: list[bytes]) -> None:
    """Frames of any type, flags and body never raise, and pieces do not matter."""
    raw = SETTINGS + b"".join(frames)
    whole, bytewise = heard(raw), Http2Exchange("grpc", "traces")
    for at in range(len(raw)):
        bytewise.receive(raw[at : at + 1])
    assert (bytewise.answer, bytewise.garbage) == (whole.answer, whole.garbage)
    whole.receive_eof()
    assert whole.ended
