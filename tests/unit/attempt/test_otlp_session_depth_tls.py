"""Depth tls: the protocol's opening, and the judgement that it provokes."""

import pytest

from probe.model.target import Protocol
from tests.support.http2_bytes import PREFACE
from tests.support.memory_peer import VERSIONS, Version, server_context
from tests.support.sessions import QUIET, SETTINGS, TOKEN, answer, talk


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_depth_tls_never_sends_the_target_s_headers(protocol: Protocol) -> None:
    """It says the protocol's opening, and nothing of the target, to a verified server too."""
    alpn = b"h2" if protocol == "grpc" else b"http/1.1"
    it = talk(server_context(alpn=alpn), protocol=protocol, purpose="tls").wake()
    assert it.server.plain.startswith(PREFACE if protocol == "grpc" else b"OPTIONS * ")
    assert b"authorization" not in it.server.plain.lower()
    assert TOKEN.encode() not in it.server.plain


def test_depth_tls_takes_what_is_no_http() -> None:
    """Application data of any protocol and then quiet confirm; an end behind it is a refusal."""
    it = talk(purpose="tls").wake().receive(b"220 mail.example.com ESMTP\r\n")
    assert it.end is None
    assert it.wake().end == ("application_data", "accept")
    closed = talk(purpose="tls").wake().receive(b"220 mail.example.com ESMTP\r\n")
    closed.conversation.receive_eof(closed.now, reset=False)
    assert closed.end == ("close", "accept")


def test_depth_tls_confirms_after_data_and_a_quiet_time() -> None:
    """SETTINGS alone do not: the refusal may be right behind them."""
    it = talk(purpose="tls").wake()
    assert (it.end, it.conversation.wake_at) == (None, None)
    it.later(0.2).receive(SETTINGS)
    assert (it.end, it.conversation.wake_at) == (None, it.now + QUIET)
    it.wake()
    assert it.end == ("application_data", "accept")


@pytest.mark.parametrize("together", [False, True])
def test_depth_tls_is_refused_by_an_alert_behind_the_settings(together: bool) -> None:
    """In the same segment or in the next one, before the quiet time is over."""
    it = talk(purpose="tls").wake()
    data = it.server.say(SETTINGS)
    # The server of the tests refuses what it gets: a record that fails to decrypt.
    alert = it.server.receive(b"\x17\x03\x03\x00\x20" + bytes(32))
    if together:
        it.conversation.receive(data + alert, it.now)
    else:
        it.conversation.receive(data, it.now)
        assert it.end is None
        it.conversation.receive(alert, it.now + QUIET / 2)
    assert it.end == ("alert", "accept")


def test_depth_tls_is_refused_by_a_close_behind_the_settings() -> None:
    """As grpc-core refuses: FIN without an alert."""
    it = talk(purpose="tls").wake().receive(SETTINGS)
    it.conversation.receive_eof(it.now, reset=False)
    assert it.end == ("close", "accept")


def test_depth_tls_over_http1_is_confirmed_by_the_answer() -> None:
    """An answer to OPTIONS is application data after our last flight."""
    it = talk(server_context(alpn=b"http/1.1"), protocol="http/protobuf", purpose="tls").wake()
    assert answer(it, "http/protobuf", "http/1.1").end == ("application_data", "accept")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_handshake_alone_ends_with_it(version: Version) -> None:
    """The further handshake at TLS 1.2 writes no request."""
    it = talk(server_context(version), purpose="handshake")
    assert it.end == ("completed", "handshake")
    assert it.server.plain == b""
    assert it.conversation.durations == {"handshake": 0.0}
