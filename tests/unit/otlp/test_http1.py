"""How a server's HTTP/1.1 bytes are read: from a real h11 server and hand-made."""

import gzip
import tracemalloc

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.evidence import Answer
from probe.model.target import Endpoint, Target
from probe.otlp.http1 import MAX_HEAD, MAX_INTERIM, Http1Exchange
from probe.otlp.request import build_request
from probe.otlp.response import MAX_BODY

NGINX = (
    b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n"
    b"<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n"
    b"<center>No required SSL certificate was sent</center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
Fields = list[tuple[str, str]]


def said(status: int, fields: Fields, body: bytes = b"") -> bytes:
    """Return what a real HTTP/1.1 server answers to our request."""
    target = Target(name="t", endpoint=Endpoint("h", 4318), protocol="http/protobuf")
    server = h11.Connection(h11.SERVER)
    server.receive_data(build_request(target, "probe").http1)
    while not isinstance(server.next_event(), h11.EndOfMessage):
        pass
    sent = server.send(h11.Response(status_code=status, headers=fields))
    if body:
        sent += server.send(h11.Data(body))
    return bytes(sent + server.send(h11.EndOfMessage()))


def feed(raw: bytes, *, eof: bool = False) -> Http1Exchange:
    """Return an exchange that was fed `raw`."""
    exchange = Http1Exchange("http/protobuf", "traces")
    exchange.receive(raw)
    if eof:
        exchange.receive_eof()
    return exchange


def answer(raw: bytes, *, eof: bool = False) -> Answer:
    """Return the answer that `raw` makes."""
    found = feed(raw, eof=eof).answer
    assert found is not None
    return found


PROTOBUF = ("content-type", "application/x-protobuf")
HEALTHY = said(200, [PROTOBUF, ("content-length", "0")])
REFUSED = said(
    400,
    [
        ("server", "nginx/1.29"),
        ("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
        ("content-type", "text/html"),
        ("content-length", str(len(NGINX))),
        ("connection", "close"),
    ],
    NGINX,
)
CHUNKED = said(200, [PROTOBUF, ("transfer-encoding", "chunked")], b"\x0a\x00")


def test_healthy_backend_is_read() -> None:
    """200 with an empty protobuf body is an answer with nothing to read."""
    assert answer(HEALTHY) == Answer(
        over="http/1.1", http_status=200, content_type="application/x-protobuf"
    )


def test_nginx_refusal_is_read_with_its_text() -> None:
    """A 400 of nginx keeps the sentence that tells a certificate refusal, its server and date."""
    found = answer(REFUSED)
    assert found.http_status == 400
    assert "No required SSL certificate was sent" in found.message
    assert "<" not in found.message
    assert (found.server, found.date) == ("nginx/1.29", 1795341600.0)


def test_chunked_body_is_read() -> None:
    """A chunked response message parses."""
    found = answer(CHUNKED)
    assert found.body_parses is True
    assert not found.body_empty


def test_status_message_of_otlp_is_read() -> None:
    """An error's google.rpc.Status gives the message."""
    body = b"\x08\x03\x12\x08bad data"
    raw = said(400, [PROTOBUF, ("content-length", str(len(body)))], body)
    assert answer(raw).message == "bad data"


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("application/json", b'{"code": 3, "message": "bad\\ntoken"}', "bad\\x0atoken"),
        ("application/problem+json", b'{"title": "no"}', '{"title": "no"}'),
        ("application/json", b"[" * 5000, "[" * 255 + "\u2026"),
        ("text/plain; charset=utf-8", b"  no\r\n\r\nway \x1b[31m ", "no way \\x1b[31m"),
        ("text/html", b"<style>p{}</style><!-- x --><p>a &amp; b</p><script>1", "a & b 1"),
        ("image/png", b"\x89PNG", ""),
    ],
)
def test_textual_error_body_gives_the_message(content_type: str, body: bytes, message: str) -> None:
    """JSON, text and markup show what they say, one safe line of it; other bodies nothing."""
    raw = said(403, [("content-type", content_type), ("content-length", str(len(body)))], body)
    assert answer(raw).message == message


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"{}", (True, 0, "")),
        (b'{"partialSuccess": {}}', (True, 0, "")),
        (b'{"partialSuccess": null}', (True, 0, "")),
        (
            b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "no quota"}}',
            (True, 3, "no quota"),
        ),
        (b'{"partial_success": {"rejected_log_records": 2}}', (True, 2, "")),
        (b'{"status": "ok"}', (None, 0, "")),
        (b'{"partialSuccess": {"rejectedSpans": "many"}}', (None, 0, "")),
        (b'{"partialSuccess": [1]}', (None, 0, "")),
        (b"[]", (None, 0, "")),
        (b"{", (None, 0, "")),
    ],
)
def test_a_response_message_in_json_is_read(
    body: bytes, read: tuple[bool | None, int, str]
) -> None:
    """Some backends answer Protobuf in JSON; what has other fields is another document."""
    for media in ("application/json", "application/json; charset=utf-8"):
        raw = said(200, [("content-type", media), ("content-length", str(len(body)))], body)
        found = answer(raw)
        assert (found.body_parses, found.rejected_items, found.partial_message) == read
    packed = gzip.compress(body)
    raw = said(
        200,
        [
            ("content-type", media),
            ("content-length", str(len(packed))),
            ("content-encoding", "gzip"),
        ],
        packed,
    )
    assert answer(raw).body_parses is read[0]


def test_message_is_short() -> None:
    """However long the page, the message is at most 256 characters."""
    body = b"<p>" + b"long " * 3000
    raw = said(500, [("content-type", "text/html"), ("content-length", str(len(body)))], body)
    assert len(answer(raw).message) == 256


def test_redirect_tells_its_location() -> None:
    """A 302 keeps where it points."""
    raw = said(302, [("location", "https://login.example.com/"), ("content-length", "0")])
    assert answer(raw).location == "https://login.example.com/"


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Sun, 99 Nov 2026 10:00:00 GMT", "9" * 60, "1 Jan 1 0:0 +9999"]
)
def test_date_that_is_none_is_left_out(date: str) -> None:
    """A Date that cannot be read is None."""
    assert answer(said(200, [("date", date), ("content-length", "0")])).date is None


def test_interim_responses_are_skipped_and_bounded() -> None:
    """100 Continue is not the answer, and 1xx without end exceeds a bound."""
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    exchange = feed(interim)
    assert exchange.protocol_seen
    assert exchange.answer is None
    exchange.receive(HEALTHY)
    assert exchange.answer is not None
    endless = feed(interim * (MAX_INTERIM + 1))
    assert endless.exhausted
    assert endless.answer is None


@pytest.mark.parametrize("raw", [HEALTHY, REFUSED, CHUNKED, b"SSH-2.0-x\r\n"])
def test_pieces_do_not_matter(raw: bytes) -> None:
    """Fed byte by byte, the same bytes make the same answer."""
    exchange = Http1Exchange("http/protobuf", "traces")
    for at in range(len(raw)):
        exchange.receive(raw[at : at + 1])
    whole = feed(raw)
    assert (exchange.answer, exchange.garbage) == (whole.answer, whole.garbage)


def test_body_of_unknown_length_ends_with_the_connection() -> None:
    """Without a length the body lasts until EOF, and is whole then."""
    raw = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-protobuf\r\n\r\n\x0a\x00"
    assert feed(raw).answer is None
    assert answer(raw, eof=True).body_parses is True


def test_cut_body_of_an_error_is_an_answer() -> None:
    """EOF inside the body leaves a status that is not a success all its meaning."""
    cut = answer(REFUSED[:-30], eof=True)
    assert (cut.http_status, cut.body_end) == (400, "cut")


def test_broken_chunk_after_the_head_is_an_answer() -> None:
    """A body that breaks HTTP leaves the status that came before it."""
    raw = b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n"
    assert answer(raw).http_status == 502


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"220 mail ESMTP\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_no_http1_is_garbage(raw: bytes) -> None:
    """Another protocol or a broken head is garbage at once, with a reason."""
    exchange = feed(raw)
    assert exchange.garbage
    assert exchange.ended
    assert exchange.detail
    exchange.receive(HEALTHY)
    exchange.receive_eof()
    assert exchange.answer is None


@pytest.mark.parametrize("raw", [b"", b"HTT", b"HTTP/1.1 200 OK\r\nServer: x"])
def test_eof_before_the_head_is_complete_is_a_close(raw: bytes) -> None:
    """A connection that ends before its head is complete is neither an answer nor garbage."""
    exchange = feed(raw, eof=True)
    assert exchange.ended
    assert exchange.answer is None
    assert not exchange.garbage
    assert exchange.take_output() == b""


def test_endless_head_and_endless_body_are_bounded() -> None:
    """A head without end is garbage, a body without end an answer, and memory stays small."""
    tracemalloc.start()
    try:
        head, taken = feed(b"HTTP/1.1 200 OK\r\nx: "), 0
        while not head.ended:
            head.receive(b"y" * 1000)
            taken += 1
        assert head.garbage
        assert taken <= MAX_HEAD // 1000 + 1
        body, taken = feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"), 0
        while not body.ended:
            body.receive(b"z" * 1000)
            taken += 1
        assert body.answer is not None
        assert taken == MAX_BODY // 1000 + 1
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", REFUSED[:90], CHUNKED[:80]]),
    st.lists(st.binary(max_size=80), max_size=6),
)
def test_arbitrary_bytes_never_raise(first: bytes, pieces: list[bytes]) -> None:
    """No bytes at all make the receiver raise."""
    exchange = feed(first)
    for piece in pieces:
        exchange.receive(piece)
    exchange.receive_eof()
    assert exchange.ended
