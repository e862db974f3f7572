"""Conversations without TLS."""

import pytest

from probe.attempt.otlp_session import OtlpSession, Purpose
from probe.backend.answers import Request, answer_request
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from probe.model.target import Protocol
from probe.otlp.request import build_request
from tests.support.sessions import NOW, QUIET, target


def clear(protocol: Protocol, purpose: Purpose = "export") -> OtlpSession:
    """Return a conversation without TLS that has begun."""
    request = build_request(target(protocol), "mtls-probe/test")
    conversation = OtlpSession(
        None, request, purpose=purpose, needs_h2=protocol == "grpc", quiet=QUIET
    )
    conversation.start(100.0)
    return conversation


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_in_plaintext_the_request_goes_at_once(protocol: Protocol) -> None:
    """Without TLS there is no handshake and nothing to wait for; the answer confirms."""
    conversation = clear(protocol)
    output = conversation.take_output()
    assert conversation.take_output() == b""

    def respond(request: Request) -> object:
        return answer_request(request, protocol, NOW)

    http = Http2Server(respond) if protocol == "grpc" else Http1Server(respond)  # type: ignore[arg-type]  # as respond() answers
    conversation.receive(http.opening() + http.receive(output), 100.5)
    assert conversation.ending is not None
    assert (conversation.ending.kind, conversation.ending.stage) == ("answered", "export")
    assert (conversation.handshake, conversation.close()) == (None, b"")
    assert conversation.durations == {"export": 0.5}


def test_in_plaintext_a_tls_server_is_garbage() -> None:
    """Its alert is neither HTTP/2 nor HTTP/1.1."""
    for protocol in ("grpc", "http/protobuf"):
        conversation = clear(protocol)  # type: ignore[arg-type]  # the loop widens it to str
        conversation.receive(b"\x15\x03\x01\x00\x02\x02\x46" + bytes(9), 100.0)
        assert conversation.ending is not None
        assert (conversation.ending.kind, conversation.ending.stage) == ("garbage", "export")


def test_in_plaintext_a_close_or_silence_is_at_export() -> None:
    """There is no other stage."""
    closed, silent = clear("grpc"), clear("grpc")
    closed.receive_eof(100.0, reset=True)
    silent.expire(105.0)
    assert closed.ending is not None
    assert silent.ending is not None
    assert (closed.ending.kind, closed.ending.stage) == ("reset", "export")
    assert (silent.ending.kind, silent.ending.stage) == ("timeout", "export")
