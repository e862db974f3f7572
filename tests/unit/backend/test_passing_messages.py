"""Messages that pass are read as their receiver reads them, and other bytes are passed over."""

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import given
from hypothesis import strategies as st

from probe.backend.answers import MAX_REQUEST
from probe.backend.passing_messages import (
    MAX_STREAMS,
    PREFACE,
    Message,
    Side,
    is_answer_good,
    read_messages,
)


def feed(side: Side, wire: bytes, size: int, *, http2: bool) -> list[Message]:
    """Return the messages of `wire`, which comes in pieces of `size` bytes."""
    reader = read_messages(side, http2=http2)
    found = []
    for at in range(0, len(wire), size):
        found += reader.receive(wire[at : at + size])
    return found


def make_exchange(bodies: list[bytes]) -> tuple[bytes, bytes]:
    """Return the bytes of both directions of an HTTP/2 connection with these requests."""
    client = H2Connection(H2Configuration(client_side=True))
    server = H2Connection(H2Configuration(client_side=False))
    client.initiate_connection()
    server.initiate_connection()
    there, back = client.data_to_send(), server.data_to_send()
    client.receive_data(back)
    server.receive_data(there)
    for number, body in enumerate(bodies):
        stream = 1 + 2 * number
        fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/x")]
        client.send_headers(stream, [*fields, ("content-type", "application/grpc")])
        for at in range(0, len(body), 16_000):
            client.send_data(stream, body[at : at + 16_000])
        client.end_stream(stream)
        sent = client.data_to_send()
        there += sent
        server.receive_data(sent)
        server.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        server.send_data(stream, b"\x00\x00\x00\x00\x00")
        server.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        sent = server.data_to_send()
        back += sent
        client.receive_data(sent)
    return there, back


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_http2_requests_and_answers_are_read(size: int) -> None:
    """Bodies are held of requests alone; trailers belong to their answer."""
    there, back = make_exchange([b"one", b"", b"x" * 20_000])
    requests = feed("request", there, size, http2=True)
    assert [bytes(one.body) for one in requests] == [b"one", b"", b"x" * 20_000]
    assert [one.stream for one in requests] == [1, 3, 5]
    assert all(one.whole for one in requests)
    answers = feed("answer", back, size, http2=True)
    assert [one.stream for one in answers] == [1, 3, 5]
    assert [is_answer_good(one.headers) for one in answers] == [("gRPC 0", True)] * 3
    assert not answers[0].body
    assert answers[0].size == 5


REQUEST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = (
    b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_http1_messages_are_numbered_in_order(size: int) -> None:
    """Requests in a row are kept apart, and each answer has the number of its request."""
    requests = feed("request", REQUEST + CHUNKED + REQUEST, size, http2=False)
    assert [(one.stream, bytes(one.body)) for one in requests] == [
        (0, b"abc"),
        (1, b"ab"),
        (2, b"abc"),
    ]
    assert requests[1].headers[":path"] == "/v1/logs"
    answers = feed("answer", ANSWERS, size, http2=False)
    assert [(one.stream, is_answer_good(one.headers)) for one in answers] == [
        (0, ("HTTP 200", True)),
        (1, ("HTTP 503", False)),
    ]


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=80), st.booleans())
def test_any_bytes_are_passed_over(data: bytes, size: int, http2: bool) -> None:
    """Nothing is raised, whatever passes."""
    for side in ("request", "answer"):
        for wire in (data, PREFACE + data, REQUEST + data):
            feed(side, wire, size, http2=http2)


def test_a_long_body_is_not_held() -> None:
    """Its size is known, its content is not."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MAX_REQUEST + 10)
    message = feed("request", head + bytes(MAX_REQUEST + 10), 1 << 16, http2=False)[0]
    assert not message.whole
    assert len(message.body) <= MAX_REQUEST
    assert message.size == MAX_REQUEST + 10


def test_streams_that_never_end_are_bounded() -> None:
    """A connection that opens stream after stream is no longer looked at."""
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.remote_settings.max_concurrent_streams = MAX_STREAMS * 2
    for number in range(MAX_STREAMS + 5):
        fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/x")]
        client.send_headers(1 + 2 * number, fields)
    reader = read_messages("request", http2=True)
    assert reader.receive(client.data_to_send()) == []
    client.end_stream(1)
    assert reader.receive(client.data_to_send()) == []
