"""Refusals of the client certificate or of the request, and what they are not taken for."""

import pytest
from hyperframe.frame import GoAwayFrame, RstStreamFrame

from probe.attempt.otlp_session import Purpose
from tests.support.memory_peer import VERSIONS, Version, server_context, settings_of
from tests.support.sessions import QUIET, SETTINGS, STRANGER, Talk, talk, unstarted


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("purpose", ["export", "tls", "handshake"])
def test_a_refusal_by_alert(version: Version, purpose: Purpose) -> None:
    """TLS 1.2 refuses in the handshake, TLS 1.3 at accept; nothing of the request is written."""
    it = talk(server_context(version), settings_of(STRANGER), purpose=purpose)
    if version == "1.3" and purpose == "handshake":
        assert it.end == ("completed", "handshake")
        return
    assert it.end == ("alert", "handshake" if version == "1.2" else "accept")
    assert it.server.plain == b""
    assert [a.number for a in it.conversation.handshake.alerts] == [48]  # type: ignore[union-attr]  # it spoke TLS


def late_alert(it: Talk) -> bytes:
    """Hold back what the server says of our certificate; return it."""
    it.conversation.start(it.now)
    it.conversation.receive(it.server.receive(it.conversation.take_output()), it.now)
    return it.server.receive(it.conversation.take_output())


@pytest.mark.parametrize("purpose", ["export", "tls"])
def test_an_alert_that_arrives_after_a_write_is_a_refusal_at_accept(purpose: Purpose) -> None:
    """A slow backend judges while we already write; its alert is read nevertheless."""
    it = unstarted(STRANGER, purpose)
    alert = late_alert(it)
    it.now += QUIET
    it.conversation.wake(it.now)
    assert it.conversation.take_output()
    it.conversation.receive(alert, it.now + 0.25)

    assert it.end == ("alert", "accept")
    assert it.conversation.durations["accept"] == pytest.approx(QUIET + 0.25)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("written", [False, True])
def test_a_silent_refusal_is_an_end_at_accept(reset: bool, written: bool) -> None:
    """A close or reset where a certificate was asked for, before any answer, before or after a write."""
    it = talk()
    if written:
        it.wake()
    it.conversation.receive_eof(it.now, reset=reset)
    assert it.end == ("reset" if reset else "close", "accept")
    assert it.conversation.answer is None


def test_without_a_certificate_in_play_a_close_is_no_refusal() -> None:
    """Nobody asked for one, so the close after the request is at export."""
    it = talk(server_context(client_ca=None)).wake()
    it.conversation.receive_eof(it.now, reset=False)
    assert it.end == ("close", "export")


def test_close_notify_is_an_orderly_close() -> None:
    """It ends the conversation, and the ending says so."""
    it = talk()
    it.conversation.receive(it.server.close(), it.now)
    assert it.end == ("close", "accept")
    assert it.conversation.ending is not None
    assert it.conversation.ending.close_notify


@pytest.mark.parametrize(
    "frame",
    [RstStreamFrame(1, error_code=7), GoAwayFrame(0, error_code=11, additional_data=b"calm")],
)
def test_a_refused_request_is_no_refused_certificate(frame: RstStreamFrame | GoAwayFrame) -> None:
    """RST_STREAM and GOAWAY are words about the request: at export, though mTLS is on."""
    it = talk().wake().receive(SETTINGS, frame.serialize())
    assert it.end == ("close", "export")
    assert it.conversation.ending is not None
    assert f"error code {frame.error_code}" in it.conversation.ending.detail
    assert it.conversation.ending.http2_error == frame.error_code


def test_a_goaway_that_names_the_request_is_no_refused_certificate() -> None:
    """Who names our stream has read it, so that the close behind it is about the request."""
    frame = GoAwayFrame(last_stream_id=1, error_code=11, additional_data=b"calm")
    it = talk().wake().receive(SETTINGS, frame.serialize())
    assert it.conversation.ending is None
    it.conversation.receive_eof(it.now, reset=False)
    assert it.end == ("close", "export")
