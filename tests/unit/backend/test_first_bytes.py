"""What a connection begins with is recognised, by its first bytes and in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.backend.first_bytes import MAX_HEAD, FirstBytes
from probe.backend.passing_messages import PREFACE
from probe.text.safe_text import safe_text
from tests.unit.tls.test_client_hello import HELLO

REQUEST = b"POST /v1/traces?token=secret HTTP/1.1\r\nHost: a\r\nUser-Agent: OTel \x1b[1m\r\n\r\n"


def feed(data: bytes, size: int) -> FirstBytes:
    """Return what is known after `data` came in pieces of `size` bytes."""
    first = FirstBytes()
    for at in range(0, len(data), size):
        first.receive(data[at : at + size])
    return first


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_a_client_hello_is_read(size: int) -> None:
    """TLS, in any pieces."""
    first = feed(HELLO, size)
    assert first.speech == "tls"
    assert first.hello is not None
    assert first.hello.server_name == "backend.example"
    assert first.data == HELLO


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_http_without_tls_is_recognised(size: int) -> None:
    """Its first line is shown without the query, which may hold a token, and nothing raw."""
    first = feed(REQUEST, size)
    assert first.refused
    assert first.speech == "http"
    assert first.shown == r"POST /v1/traces HTTP/1.1, User-Agent OTel \x1b[1m"
    assert first.answer.startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_http2_without_tls_is_recognised(size: int) -> None:
    """GRPC without TLS begins with a preface."""
    first = feed(PREFACE + b"\x00\x00\x00\x04", size)
    assert (first.speech, first.refused) == ("h2", True)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"\x00\x01\x02",
        b"\x16\x03\x01\x00\x02\x05\x00",
    ],
)
def test_other_bytes_are_shown_in_hex(data: bytes) -> None:
    """What is neither TLS nor HTTP is refused."""
    first = feed(data + b"\r\n\r\n", 100)
    assert (first.speech, first.refused, first.hello) == ("other", True, None)
    assert first.shown == (data + b"\r\n\r\n")[:16].hex(" ")


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize(
    "data", [b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11"]
)
def test_a_load_balancers_header_is_recognised(data: bytes, size: int) -> None:
    """Both versions of the PROXY protocol; the first reads like a method of HTTP."""
    first = feed(data + HELLO, size)
    assert (first.speech, first.refused) == ("other", True)
    assert "PROXY" in first.shown


def test_a_head_without_end_is_bounded() -> None:
    """A client that sends header fields for ever is refused."""
    first = feed(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * MAX_HEAD, 100)
    assert first.refused


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=50))
def test_any_bytes_are_known_or_waited_for(data: bytes, size: int) -> None:
    """Nothing is raised, and nothing is shown raw."""
    first = feed(data, size)
    assert first.shown == safe_text(first.shown)
    assert not (first.refused and first.hello)
