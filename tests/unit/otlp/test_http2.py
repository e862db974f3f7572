"""How a server's HTTP/2 bytes are read: from a real h2 server and hand-made frames."""

import h2.config
import h2.connection
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.evidence import Answer
from probe.model.target import Endpoint, Protocol, Target
from probe.otlp.http2 import Http2Exchange
from probe.otlp.request import build_request
from tests.support.http2_bytes import (
    GRPC_HEAD,
    HEALTHY,
    SETTINGS,
    Fields,
    block,
    conversation,
    feed,
    framed,
)

NGINX = (
    b"<html>\r\n<head><title>400 The SSL certificate error</title></head>\r\n<body>\r\n"
    b"<center><h1>400 Bad Request</h1></center>\r\n<center>The SSL certificate error</center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def answer(raw: bytes, *, protocol: Protocol = "grpc", eof: bool = False) -> Answer:
    """Return the answer that `raw` makes."""
    found = feed(raw, protocol=protocol, eof=eof).answer
    assert found is not None
    return found


UNAUTHENTICATED = conversation(
    [*GRPC_HEAD, ("grpc-status", "16"), ("grpc-message", "no%20token%0A")]
)
REFUSED = conversation(
    [
        (":status", "400"),
        ("server", "nginx"),
        ("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
        ("content-type", "text/html"),
        ("content-length", str(len(NGINX))),
    ],
    NGINX,
)


def test_healthy_grpc_backend_is_read() -> None:
    """Head, an empty message and trailers with status 0 make a complete answer."""
    assert answer(HEALTHY) == Answer(
        over="h2",
        http_status=200,
        content_type="application/grpc",
        grpc_status=0,
        body_parses=True,
        body_empty=False,
    )


def test_trailers_only_answer_is_read() -> None:
    """A status in the head alone is an answer; its message is decoded and made safe."""
    found = answer(UNAUTHENTICATED)
    assert (found.grpc_status, found.message) == (16, "no token\\x0a")
    assert found.body_parses is None
    assert found.body_empty


def test_nginx_refusal_is_read_with_its_text() -> None:
    """A 400 of nginx keeps the sentence that tells a certificate refusal, its server and date."""
    found = answer(REFUSED)
    assert found.http_status == 400
    assert "The SSL certificate error" in found.message
    assert "<" not in found.message
    assert found.server == "nginx"
    assert found.date == 1795341600.0
    assert found.grpc_status is None


@pytest.mark.parametrize("raw", [HEALTHY, UNAUTHENTICATED, REFUSED])
def test_pieces_do_not_matter(raw: bytes) -> None:
    """Fed byte by byte, the same bytes make the same answer and the same replies."""
    exchange, output = Http2Exchange("grpc", "traces"), b""
    for at in range(len(raw)):
        exchange.receive(raw[at : at + 1])
        output += exchange.take_output()
    whole = feed(raw)
    assert exchange.answer == whole.answer
    assert output == whole.take_output()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_any_pieces_do_not_matter(sizes: list[int]) -> None:
    """Any way to cut the bytes makes the same answer."""
    exchange, at = Http2Exchange("grpc", "traces"), 0
    for size in sizes:
        exchange.receive(HEALTHY[at : at + size])
        at += size
    exchange.receive(HEALTHY[at:])
    assert exchange.answer == answer(HEALTHY)


def test_settings_and_ping_are_acknowledged() -> None:
    """SETTINGS and PING are answered once each, their acknowledgements are not."""
    ping = PingFrame(opaque_data=b"12345678").serialize()
    acks = SettingsFrame(flags=["ACK"]).serialize()
    acks += PingFrame(opaque_data=b"12345678", flags=["ACK"]).serialize()
    exchange = feed(SETTINGS + ping + acks)
    assert exchange.take_output() == acks
    assert exchange.take_output() == b""
    assert exchange.protocol_seen
    assert not exchange.ended


def test_our_replies_please_a_real_server() -> None:
    """A real h2 server takes the request and the acknowledgements without complaint."""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    server.initiate_connection()
    server.ping(b"abcdefgh")
    target = Target(name="t", endpoint=Endpoint("h", 4317))
    server.receive_data(build_request(target, "probe").h2)
    exchange = feed(server.data_to_send())
    names = [type(e).__name__ for e in server.receive_data(exchange.take_output())]
    assert names == ["SettingsAcknowledged", "PingAckReceived"]


def test_interim_responses_are_skipped() -> None:
    """A 103 before the head is not the answer."""
    head = HeadersFrame(1, block((":status", "103"), ("link", "x")), flags=["END_HEADERS"])
    final = HeadersFrame(1, b"\x8d", flags=["END_HEADERS", "END_STREAM"])
    assert answer(SETTINGS + head.serialize() + final.serialize()).http_status == 404


def test_header_block_may_come_in_padded_pieces() -> None:
    """HEADERS with padding and priority, and CONTINUATION after it, are one block."""
    raw = block((":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12"))
    head = HeadersFrame(1, raw[:9], flags=["END_STREAM", "PADDED", "PRIORITY"], pad_length=7)
    rest = ContinuationFrame(1, raw[9:], flags=["END_HEADERS"])
    assert answer(SETTINGS + head.serialize() + rest.serialize()).grpc_status == 12


def test_frames_that_do_not_matter_are_ignored() -> None:
    """WINDOW_UPDATE and unknown frames pass by."""
    noise = WindowUpdateFrame(0, 1000).serialize() + framed(0x42, 0xFF, 5, b"x")
    assert answer(SETTINGS + noise + HEALTHY) == answer(HEALTHY)


def test_grpc_status_that_is_no_number_is_unknown() -> None:
    """A malformed grpc-status is UNKNOWN, as gRPC clients read it."""
    assert answer(conversation([*GRPC_HEAD, ("grpc-status", "fine")])).grpc_status == 2


def test_grpc_message_compressed_in_a_way_that_nobody_named_is_no_answer() -> None:
    """A message with the compressed flag and no grpc-encoding fails in every gRPC client."""
    raw = conversation(GRPC_HEAD, b"\1\0\0\0\0", [("grpc-status", "0")])
    exchange = feed(raw)
    assert (exchange.answer, exchange.garbage) == (None, True)
    assert "compressed" in exchange.detail


@pytest.mark.parametrize(("body", "parses"), [(b"", None), (b"\x0a\x00", True), (b"<x>", False)])
def test_http_success_says_whether_its_body_parses(body: bytes, parses: bool | None) -> None:
    """Over OTLP/HTTP the body is the bare message."""
    head = [(":status", "200"), ("content-type", "application/x-protobuf")]
    found = answer(conversation(head, body, protocol="http/protobuf"), protocol="http/protobuf")
    assert found.body_parses is parses
    assert found.body_empty is (body == b"")


def test_goaway_that_drops_the_request_ends_the_exchange() -> None:
    """GOAWAY before our stream means that no answer will come; its text is shown safely."""
    frame = GoAwayFrame(last_stream_id=0, error_code=11, additional_data=b"calm\x1b").serialize()
    exchange = feed(SETTINGS + frame)
    assert exchange.detail == "GOAWAY, error code 11: calm\\x1b"
    assert exchange.ended
    assert exchange.answer is None
    assert not exchange.garbage


def test_goaway_after_the_request_lets_the_answer_come() -> None:
    """GOAWAY that names our stream ends nothing, but says why the connection then ends."""
    frame = GoAwayFrame(last_stream_id=1, error_code=11, additional_data=b"calm").serialize()
    exchange = feed(SETTINGS + frame)
    assert not exchange.ended
    exchange.receive_eof()
    assert (exchange.answer, exchange.http2_error) == (None, 11)
    assert exchange.detail == "GOAWAY, error code 11: calm"


def test_a_graceful_shutdown_says_nothing_of_the_request() -> None:
    """GOAWAY with the highest number may come before our request was read (RFC 9113 §6.8)."""
    exchange = feed(SETTINGS + GoAwayFrame(last_stream_id=2**31 - 1).serialize(), eof=True)
    assert (exchange.detail, exchange.http2_error) == ("", None)


@pytest.mark.parametrize("head", [[], GRPC_HEAD])
def test_reset_stream_without_status_is_no_answer(head: Fields) -> None:
    """RST_STREAM before a grpc-status ends the exchange, with its code and no answer."""
    raw = SETTINGS
    if head:
        raw += HeadersFrame(1, block(*head), flags=["END_HEADERS"]).serialize()
    exchange = feed(raw + RstStreamFrame(1, 7).serialize())
    assert exchange.ended
    assert exchange.answer is None
    assert "7" in exchange.detail


def test_cut_page_is_still_an_answer_and_cut_grpc_is_none() -> None:
    """EOF after nginx's head leaves its 400; EOF before gRPC's trailers leaves nothing."""
    assert answer(REFUSED[:-20], eof=True).http_status == 400
    assert feed(HEALTHY[:-8], eof=True).answer is None
    assert feed(b"", eof=True).ended


def test_grpc_answer_without_status_says_so() -> None:
    """A stream that ends without grpc-status is an answer whose status is not known."""
    assert answer(conversation(GRPC_HEAD, bytes(5))).grpc_status is None
