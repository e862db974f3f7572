"""Broken and endless HTTP/2 ends within its bounds and raises nothing."""

import tracemalloc

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.otlp.http2 import MAX_FRAMES, MAX_HEADER_BYTES, MAX_INTERIM, Http2Exchange
from probe.otlp.response import MAX_BODY
from tests.support.http2_bytes import HEALTHY, SETTINGS, block, feed, framed


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
    exchange = feed(raw)
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
    """CONTINUATION without END_HEADERS exceeds its bound long before memory matters."""
    piece = ContinuationFrame(1, b"\x00\x01a\x00" * 1000).serialize()
    first = SETTINGS + HeadersFrame(1, b"").serialize()
    exchange, taken, peak = fed_until_ended(first, piece, 10_000)
    assert exchange.exhausted
    assert taken <= MAX_HEADER_BYTES // 4000 + 1
    assert peak < 1 << 20


def test_empty_continuations_are_bounded() -> None:
    """CONTINUATION without any byte is bounded by the number of frames."""
    first = SETTINGS + HeadersFrame(1, b"").serialize()
    exchange, taken, _ = fed_until_ended(first, ContinuationFrame(1, b"").serialize(), 10_000)
    assert exchange.exhausted
    assert taken <= MAX_FRAMES


def test_hpack_bomb_is_bounded() -> None:
    """A small block that unfolds to a huge list ends as garbage."""
    bomb = b"\x40\x01a\x7f\x81\x1e" + b"x" * 4000 + b"\xbe" * 12_000
    frame = HeadersFrame(1, bomb, flags=["END_HEADERS"]).serialize()
    exchange, _, peak = fed_until_ended(SETTINGS + frame, b"", 0)
    assert exchange.garbage
    assert peak < 1 << 20


def test_endless_interim_responses_are_bounded() -> None:
    """1xx without end exceeds its bound."""
    interim = HeadersFrame(1, block((":status", "103")), flags=["END_HEADERS"]).serialize()
    exchange, taken, _ = fed_until_ended(SETTINGS, interim, 1000)
    assert exchange.exhausted
    assert taken == MAX_INTERIM + 1


@pytest.mark.parametrize(
    "frame",
    [
        PingFrame().serialize(),
        PingFrame(flags=["ACK"]).serialize(),
        SETTINGS,
        SettingsFrame(flags=["ACK"]).serialize(),
        WindowUpdateFrame(0, 1).serialize(),
        PriorityFrame(1, depends_on=3).serialize(),
        GoAwayFrame(0, last_stream_id=1).serialize(),
        framed(0xFA, 0, 0, b""),
    ],
    ids=["ping", "pong", "settings", "settings-ack", "window", "priority", "goaway", "unknown"],
)
def test_flood_of_any_frame_is_bounded(frame: bytes) -> None:
    """Frames without end exceed their bound, whatever their kind, and replies are bounded too."""
    exchange, taken, _ = fed_until_ended(SETTINGS, frame, 100_000)
    assert exchange.exhausted
    assert (exchange.garbage, exchange.answer) == (False, None)
    assert taken <= MAX_FRAMES
    assert exchange.detail == f"{MAX_FRAMES} frames of one answer"
    assert len(exchange.take_output()) <= MAX_FRAMES * 17


def test_flood_of_empty_data_is_bounded() -> None:
    """Endless empty DATA is not an answer, though its head promised a success."""
    head = HeadersFrame(
        1,
        block((":status", "200"), ("content-type", "application/grpc")),
        flags=["END_HEADERS"],
    )
    first = SETTINGS + head.serialize()
    exchange, taken, _ = fed_until_ended(first, DataFrame(1, b"").serialize(), 100_000)
    assert exchange.exhausted
    assert exchange.answer is None
    assert exchange.cut_answer is not None
    assert taken <= MAX_FRAMES


def test_endless_size_updates_are_refused() -> None:
    """A header block of nothing but changes of the table's size is a breach, and costs nothing."""
    updates = HeadersFrame(1, b"\x20" * 10_000, flags=["END_HEADERS"]).serialize()
    exchange, _, _ = fed_until_ended(SETTINGS + updates, b"", 0)
    assert exchange.garbage
    assert "size" in exchange.detail


def test_body_is_kept_to_its_limit() -> None:
    """A page without end is an answer once the limit is reached."""
    head = HeadersFrame(
        1, block((":status", "503"), ("content-type", "text/plain")), flags=["END_HEADERS"]
    )
    piece = DataFrame(1, b"down " * 1000).serialize()
    exchange, taken, peak = fed_until_ended(SETTINGS + head.serialize(), piece, 100)
    assert exchange.answer is not None
    assert exchange.answer.message.startswith("down down")
    assert exchange.answer.body_end == "cut"
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
    whole, bytewise = feed(raw), Http2Exchange("grpc", "traces")
    for at in range(len(raw)):
        bytewise.receive(raw[at : at + 1])
    assert (bytewise.answer, bytewise.garbage) == (whole.answer, whole.garbage)
    whole.receive_eof()
    assert whole.ended
