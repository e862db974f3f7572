"""CONNECT: what is asked of a proxy, and what its answer leads to."""

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.attempt.proxy import ProxyTunnel
from probe.model.target import Endpoint

BACKEND = Endpoint("collector.example.com", 4317)


def asked(url: str = "http://proxy:3128", endpoint: Endpoint = BACKEND) -> ProxyTunnel:
    """Return a tunnel that has asked."""
    tunnel = ProxyTunnel(url, endpoint)
    tunnel.start(0.0)
    tunnel.take_output()
    return tunnel


def test_the_request() -> None:
    """RFC 9110 §9.3.6: the authority twice, nothing else, and only once."""
    tunnel = ProxyTunnel("http://proxy:3128", BACKEND)
    assert tunnel.take_output() == (
        b"CONNECT collector.example.com:4317 HTTP/1.1\r\nHost: collector.example.com:4317\r\n\r\n"
    )
    assert tunnel.take_output() == b""
    assert (tunnel.open, tunnel.ending, tunnel.wake_at) == (False, None, None)


@pytest.mark.parametrize(
    ("host", "authority"),
    [("2001:db8::1", b"[2001:db8::1]:4317"), ("bücher.example", b"xn--bcher-kva.example:4317")],
)
def test_the_authority_as_it_goes_on_the_wire(host: str, authority: bytes) -> None:
    """An IPv6 address in brackets, a name in A-labels."""
    request = ProxyTunnel("http://proxy", Endpoint(host, 4317)).take_output()
    assert request.startswith(b"CONNECT " + authority + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("http://user:pass@proxy:3128", "user:pass"),
        ("http://user@proxy", "user:"),
        ("http://us%40er:p%3Aw%0d%0ad@proxy", "us@er:p:w\r\nd"),
        ("http://us%C3%A9r:p@proxy", "usér:p"),
    ],
)
def test_credentials_are_encoded(url: str, pair: str) -> None:
    """RFC 7617, after the URL's own encoding is undone; no line break gets into the request."""
    request = ProxyTunnel(url, BACKEND).take_output()
    lines = request.decode("ascii").split("\r\n")
    (line,) = [each for each in lines if each.startswith("Proxy-Authorization: Basic ")]
    assert b64decode(line.split()[-1]).decode() == pair
    assert len(lines) == 5


def test_an_open_tunnel_keeps_what_came_behind() -> None:
    """The backend's first bytes may come in the same segment as the proxy's answer."""
    tunnel = asked()
    tunnel.receive(b"HTTP/1.1 200 Connection established\r\nVia: p", 0.0)
    assert (tunnel.open, tunnel.ending) == (False, None)
    tunnel.receive(b"roxy\r\n\r\n\x16\x03\x03", 0.0)

    assert tunnel.open
    assert tunnel.leftover == b"\x16\x03\x03"
    assert tunnel.ending is not None
    assert (tunnel.ending.stage, tunnel.ending.kind) == ("connect", "completed")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 9\r\n\r\nforbidden",
            "HTTP/1.1 407 Proxy Authentication Required",
        ),
        (b"HTTP/1.0 503\r\n\r\n", "HTTP/1.0 503"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "SSH-2.0-OpenSSH"),
        (b"HTTP/1.1\r\n\r\n", "HTTP/1.1"),
        (b"\r\n\r\n", ""),
        (b"\x1b[31mHTTP\r\n\r\n", "\\x1b[31mHTTP"),
        (b"x" * 17_000, "its answer is not valid HTTP"),
    ],
)
def test_a_refusal_is_an_ending(answer: bytes, detail: str) -> None:
    """The status line is the detail, fit to show."""
    tunnel = asked()
    tunnel.receive(answer, 0.0)
    assert not tunnel.open
    assert tunnel.ending is not None
    assert (tunnel.ending.stage, tunnel.ending.kind) == ("connect", "proxy")
    assert tunnel.ending.detail == detail


def test_a_proxy_that_does_not_answer() -> None:
    """It closes, resets, or says nothing: three details of one ending."""
    closed, broken, silent = asked(), asked(), asked()
    closed.receive_eof(0.0, reset=False)
    broken.receive_eof(0.0, reset=True)
    silent.receive(b"HTTP/1.1 200 OK\r\n", 0.0)
    silent.wake(0.0)
    silent.expire(5.0)

    details = [each.ending.detail for each in (closed, broken, silent) if each.ending]
    assert details == [
        "closed by the proxy",
        "reset by the proxy",
        "no answer from the proxy in time",
    ]
    assert not any(each.open for each in (closed, broken, silent))


def test_an_open_tunnel_stays_open() -> None:
    """What ends the connection afterwards is not an ending of the tunnel."""
    tunnel = asked()
    tunnel.receive(b"HTTP/1.1 200 OK\r\n\r\n", 0.0)
    ending = tunnel.ending
    tunnel.receive_eof(0.0, reset=True)
    tunnel.expire(0.0)
    assert tunnel.open
    assert tunnel.ending is ending


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.binary(), st.sampled_from([b"HTTP/1.1 2", b"\r\n\r\n", b" "]))))
def test_no_answer_raises(pieces: list[bytes]) -> None:
    """Whatever comes, in whatever pieces, ends as an ending that is fit to show."""
    tunnel = asked()
    for piece in pieces:
        if tunnel.ending is None:
            tunnel.receive(piece, 0.0)
    tunnel.receive_eof(0.0, reset=False)
    assert tunnel.ending is not None
    assert tunnel.ending.detail == "" or tunnel.ending.detail.isprintable()
    assert tunnel.open is (tunnel.ending.kind == "completed")
