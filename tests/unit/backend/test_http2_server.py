"""The demo's sans-I/O HTTP servers survive whatever a client sends."""

from hpack import Encoder
from hyperframe.frame import (
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.backend.answers import Request, Response
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from tests.support.http2_bytes import PREFACE
from tests.support.loopback_client import frames_of, headers_of


def ok(request: Request) -> Response:
    """Answer anything with 204."""
    return Response(204, (("x-path", request.path),))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda kind, flags, stream, body: (
                    len(body).to_bytes(3, "big")
                    + bytes((kind, flags))
                    + stream.to_bytes(4, "big")
                    + body
                ),
                st.integers(0, 12),
                st.integers(0, 255),
                st.integers(0, 5),
                st.binary(max_size=40),
            ),
        ),
        max_size=8,
    )
)
def test_http2_server_survives_any_frames(chunks: list[bytes]) -> None:
    """Whatever follows the preface, the server raises nothing and speaks HTTP/2 frames only."""
    server = Http2Server(ok)
    output = server.receive(PREFACE)
    for chunk in chunks:
        output += server.receive(chunk)
    frames = frames_of(output)
    assert server.closed or not any(isinstance(frame, GoAwayFrame) for frame in frames)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_http1_server_survives_any_bytes(chunks: list[bytes]) -> None:
    """Whatever a client sends, the HTTP/1.1 server raises nothing."""
    server = Http1Server(ok)
    output = b"".join(map(server.receive, chunks))
    assert output == b"" or output.startswith(b"HTTP/1.1 ")


@given(st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_http2_request_may_come_in_pieces(size: int) -> None:
    """A request cut anywhere, its headers continued in a second frame, is answered once."""
    block = Encoder().encode([(":method", "POST"), (":path", "/v1/traces")])
    frames = (
        SettingsFrame(),
        HeadersFrame(1, block[:2], flags=["END_STREAM"]),
    )
    raw = PREFACE + b"".join(frame.serialize() for frame in frames)
    raw += (len(block) - 2).to_bytes(3, "big") + b"\x09\x04\x00\x00\x00\x01" + block[2:]
    server = Http2Server(ok)
    output = b"".join(server.receive(raw[at : at + size]) for at in range(0, len(raw), size))
    assert headers_of(output) == {":status": "204", "x-path": "/v1/traces"}


def test_http1_answer_to_head_has_no_body() -> None:
    """Its fields are those of the answer to GET, the length too (RFC 9110 §9.3.2)."""
    server = Http1Server(lambda _request: Response(404, (), b"not here"))
    answer = server.receive(b"HEAD / HTTP/1.1\r\nhost: b\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"content-length: 8\r\n" in answer.lower()
    assert answer.endswith(b"\r\n\r\n")


def request(stream: int) -> bytes:
    """Return a whole request."""
    block = Encoder().encode([(":method", "POST"), (":path", "/v1/traces")])
    return HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]).serialize()


def with_body(_request: Request) -> Response:
    """Answer with a body of 100 bytes and trailers."""
    return Response(200, (), b"x" * 100, (("grpc-status", "0"),))


def answered(output: bytes) -> list[int]:
    """Return the streams whose answer is whole."""
    return [
        frame.stream_id
        for frame in frames_of(output)
        if isinstance(frame, HeadersFrame) and "END_STREAM" in frame.flags
    ]


START = PREFACE + SettingsFrame().serialize()


def test_what_follows_a_request_in_one_read_does_not_keep_its_answer_back() -> None:
    """A cancelled stream, GOAWAY, and more streams than are open at a time."""
    reset = RstStreamFrame(1, error_code=8).serialize()
    assert answered(Http2Server(with_body).receive(START + request(1) + reset + request(3))) == [
        1,
        3,
    ]
    many = list(range(1, 401, 2))
    assert answered(Http2Server(with_body).receive(START + b"".join(map(request, many)))) == many


def test_a_stream_that_was_open_at_goaway_is_answered() -> None:
    """The client begins no other one (RFC 9113 §6.8); then the connection ends."""
    block = Encoder().encode([(":method", "POST"), (":path", "/v1/traces")])
    begun = HeadersFrame(3, block, flags=["END_HEADERS"]).serialize()
    server = Http2Server(with_body)
    output = server.receive(START + begun + request(5) + GoAwayFrame(0).serialize())
    assert not server.closed
    output += server.receive(DataFrame(3, b"x", flags=["END_STREAM"]).serialize())
    assert (answered(output), server.closed) == ([5, 3], True)
    assert server.fault == ""


def test_an_answer_waits_until_the_client_takes_it() -> None:
    """By the windows of stream and connection (RFC 9113 §5.2)."""
    server = Http2Server(with_body)
    output = server.receive(PREFACE + SettingsFrame(settings={4: 0}).serialize() + request(1))
    assert not answered(output)
    output = server.receive(WindowUpdateFrame(1, window_increment=60).serialize())
    assert sum(len(one.data) for one in frames_of(output) if isinstance(one, DataFrame)) == 60
    output = server.receive(SettingsFrame(settings={4: 65535}).serialize())
    assert (answered(output), server.closed) == ([1], False)


def test_a_frame_that_is_too_long_is_refused_by_its_head() -> None:
    """And one of exactly the longest is not."""
    server = Http2Server(with_body)
    server.receive(START)
    longest = (16_384).to_bytes(3) + b"\x0f\x00" + bytes(4) + bytes(16_384)  # of an unknown type
    for start in range(0, len(longest), 1000):
        server.receive(longest[start : start + 1000])
    assert answered(server.receive(request(1))) == [1]
    server.receive((16_385).to_bytes(3) + bytes(6))
    assert (server.closed, server.fault) == (True, "what came is not HTTP/2")
