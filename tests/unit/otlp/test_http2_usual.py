"""Frames of the usual form are read as the general parser reads them."""

from hypothesis import example, given
from hypothesis import strategies as st

from probe.model.target import Protocol
from probe.otlp.http2 import Http2Exchange
from tests.support.http2_bytes import GRPC_HEAD, HEALTHY, SETTINGS, block, conversation, framed


class General(Http2Exchange):
    """An exchange that parses every frame."""

    def _receive_common(self, _whole: bytes) -> bool:
        """Take none as common."""
        return False


HEAD, TRAILERS = block(*GRPC_HEAD), block(("grpc-status", "0"))
PLAIN = block((":status", "200"), ("content-type", "text/plain"), ("content-length", "3"))
INTERIM = block((":status", "103"))
FRAMES = st.builds(
    framed,
    st.sampled_from([0, 1, 2, 3, 4, 6, 7, 8, 9, 200]),
    st.sampled_from([0, 1, 4, 5, 8, 0x0D, 0x20, 0x25, 0x40, 0x45]),
    st.sampled_from([0, 1, 1, 1, 3, 0x8000_0001]),
    st.sampled_from([
        b"", b"abc", bytes(4), bytes(5), bytes(6), b"12345678", HEAD, TRAILERS, PLAIN, INTERIM,
        bytes(5) + HEAD,
    ]),
)  # fmt: skip


def seen(exchange: Http2Exchange) -> tuple[object, ...]:
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
        exchange.take_output(),
        exchange._frames,
    )


def read(exchange: Http2Exchange, raw: bytes) -> list[tuple[object, ...]]:
    """Return what an exchange says after `raw`, and after the end of the peer's bytes."""
    exchange.receive(raw)
    after = seen(exchange)
    exchange.receive_eof()
    return [after, seen(exchange)]


@given(
    st.sampled_from(["grpc", "http/protobuf"]),
    st.booleans(),
    st.lists(FRAMES, max_size=6),
    st.booleans(),
)
@example("grpc", True, [framed(1, 4, 1, HEAD), framed(0, 0, 1, bytes(5))], True)
@example("http/protobuf", True, [framed(1, 4, 1, PLAIN), framed(0, 1, 1, b"abc")], False)
@example("http/protobuf", True, [framed(1, 5, 1, PLAIN)], False)
@example("grpc", True, [framed(6, 0, 0, b"12345678"), framed(0, 0, 1, b"abc")], False)
@example("grpc", False, [framed(1, 4, 1, HEAD)], False)
@example("grpc", True, [framed(8, 0, 0, bytes(4))], False)
@example("grpc", True, [framed(8, 0, 0, b"\x80\0\0\0")], False)
def test_both_readers_agree(
    protocol: Protocol, begins: bool, frames: list[bytes], ends: bool
) -> None:
    """On frames of every kind, flag, stream and length, in any order."""
    raw = SETTINGS * begins + b"".join(frames) + framed(1, 5, 1, TRAILERS) * ends
    assert read(Http2Exchange(protocol, "traces"), raw) == read(General(protocol, "traces"), raw)


@given(st.integers(0, 400), st.binary(max_size=3))
def test_they_agree_on_what_is_bent(at: int, bent: bytes) -> None:
    """Also where any bytes stand in an answer that would be usual without them."""
    raw = conversation(GRPC_HEAD, bytes(5), [("grpc-status", "0")])
    at %= len(raw)
    raw = raw[:at] + bent + raw[at + len(bent) :]
    assert read(Http2Exchange("grpc", "traces"), raw) == read(General("grpc", "traces"), raw)


def test_the_reserved_bit_of_a_window_is_ignored() -> None:
    """As Go does it (RFC 9113 §6.9); the general parser would not."""
    exchange = Http2Exchange("grpc", "traces")
    exchange.receive(SETTINGS + framed(8, 0, 0, b"\x80\0\0\x01"))
    assert not exchange.garbage


def test_the_usual_answer_needs_no_general_parser() -> None:
    """It is what costs: a backend that answers as usual must not pay for it."""
    parsed: list[bytes] = []

    class Watched(Http2Exchange):
        def _receive_common(self, whole: bytes) -> bool:
            common = super()._receive_common(whole)
            if not common:
                parsed.append(whole)
            return common

    exchange = Watched("grpc", "traces")
    exchange.receive(HEALTHY)
    assert exchange.answer is not None
    assert parsed == []
