"""What one attempt sends and receives: when it writes, what it never sends, and how it ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from probe.attempt.otlp_session import BYTE_BUDGET, MAX_READS, OtlpSession, Purpose
from probe.backend.http1_server import Http1Server
from probe.model.evidence import Ending
from probe.model.target import Protocol
from probe.otlp.request import build_request
from probe.tls.client import TlsClient
from tests.support.backends import nginx_refusal
from tests.support.http2_bytes import PREFACE
from tests.support.loopback_client import CLIENT_CA, OTHER_CA
from tests.support.memory_peer import VERSIONS, Version, server_context, settings_of
from tests.support.sessions import QUIET, SETTINGS, STRANGER, TOKEN, answer, talk, target, unstarted

UNKNOWN_SERVER = OTHER_CA.issue("backend", usages=("serverAuth",))


def test_in_tls13_nothing_is_written_before_the_quiet_has_passed() -> None:
    """The backend judges our certificate first; then the request goes, once."""
    it = talk()
    assert (it.end, it.conversation.wake_at) == (None, it.now + QUIET)
    assert (it.server.complete, it.server.plain) == (True, b"")

    it.wake()
    assert it.server.plain.startswith(PREFACE)
    assert it.server.plain.count(b"PRI *") == 1
    assert it.conversation.wake_at is None
    assert it.end is None


def test_a_backend_that_speaks_need_not_be_waited_for() -> None:
    """Its SETTINGS come after its judgement, so the request follows at once."""
    it = talk().receive(SETTINGS)
    assert it.server.plain.startswith(PREFACE)
    assert it.conversation.wake_at is None


def test_a_session_ticket_shows_that_the_certificate_was_judged() -> None:
    """A server that asked for a certificate has none to give before: the request follows at once."""
    it = talk(client=TlsClient)
    assert it.server.plain.startswith(PREFACE)
    assert it.conversation.wake_at is None


def test_a_ticket_without_a_certificate_request_shows_nothing() -> None:
    """It may be sent before our last flight; and a request is written after the quiet alone."""
    it = talk(server_context(client_ca=None), client=TlsClient)
    assert (it.server.plain, it.conversation.wake_at) == (b"", it.now + QUIET)


def test_depth_tls_waits_for_what_comes_behind_a_ticket() -> None:
    """Without a request, silence is what accepts: it takes the whole quiet time."""
    it = talk(client=TlsClient, purpose="tls")
    assert (it.server.plain, it.conversation.wake_at) == (b"", it.now + QUIET)


def test_no_refusal_brings_a_ticket() -> None:
    """An alert is what comes instead, and no request is written."""
    it = talk(settings=settings_of(STRANGER), client=TlsClient)
    assert it.end == ("alert", "accept")
    assert it.server.plain == b""


def test_in_tls12_the_request_follows_the_handshake() -> None:
    """The server's Finished comes after its judgement: there is nothing to wait for."""
    it = talk(server_context("1.2"))
    assert it.server.plain.startswith(PREFACE)
    assert it.conversation.wake_at is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_grpc_answer_confirms(version: Version) -> None:
    """The attempt ends with the answer, at export, with a duration for each stage."""
    it = talk(server_context(version))
    if version == "1.3":
        it.wake()
    answer(it.later(0.5))

    assert it.end == ("answered", "export")
    assert it.conversation.answer is not None
    assert (it.conversation.answer.over, it.conversation.answer.grpc_status) == ("h2", 0)
    quiet = QUIET if version == "1.3" else 0.0
    assert it.conversation.durations == pytest.approx(
        {"handshake": 0.0, "accept": quiet, "export": 0.5}
    )


@pytest.mark.parametrize("alpn", [b"h2", b"http/1.1", None])
def test_an_http_answer_confirms_over_either_version(alpn: bytes | None) -> None:
    """http/protobuf goes over h2 where the server chose it, else over HTTP/1.1."""
    it = talk(server_context(alpn=alpn), protocol="http/protobuf").wake()
    over = "h2" if alpn == b"h2" else "http/1.1"
    answer(it, "http/protobuf", over)
    assert it.end == ("answered", "export")
    assert it.conversation.answer is not None
    assert (it.conversation.answer.over, it.conversation.answer.http_status) == (over, 200)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("purpose", ["export", "tls"])
def test_nothing_is_sent_to_a_server_that_is_not_verified(
    protocol: Protocol, purpose: Purpose
) -> None:
    """Not at the end of the handshake, not by a timer, not at the deadline, not at the close."""
    it = talk(server_context(server=UNKNOWN_SERVER), protocol=protocol, purpose=purpose)
    assert it.end == ("unverified", "handshake")
    it.conversation.wake(it.now + 1)
    it.conversation.expire(it.now + 2)
    it.server.receive(it.conversation.take_output() + it.conversation.close())

    assert it.server.complete
    assert it.server.plain == b""
    assert it.server.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN


def test_a_wrong_name_is_not_verified_either() -> None:
    """The path is right, and the server is not the one that was meant."""
    it = talk(settings=settings_of(reference="collector.example.com"))
    assert (it.end, it.server.plain) == (("unverified", "handshake"), b"")


def test_insecure_skip_verify_sends_the_request() -> None:
    """The user said so: request and headers go to whoever answers."""
    plan = settings_of(skip_verify=True, reference="collector.example.com")
    it = talk(
        server_context(server=UNKNOWN_SERVER, alpn=b"http/1.1"), plan, protocol="http/protobuf"
    )
    it.wake()
    assert TOKEN.encode() in it.server.plain
    assert answer(it, "http/protobuf", "http/1.1").end == ("answered", "export")


@pytest.mark.parametrize(("alpn", "chosen"), [(None, ""), (b"http/1.1", "http/1.1")])
def test_grpc_without_h2_ends_at_once(alpn: bytes | None, chosen: str) -> None:
    """As grpc-go: nothing is written, and the ending says what was chosen."""
    it = talk(server_context(alpn=alpn))
    assert it.end == ("alpn", "handshake")
    assert it.conversation.ending is not None
    assert it.conversation.ending.detail == chosen
    assert it.server.plain == b""


@pytest.mark.parametrize("spoke", [False, True])
def test_silence_is_never_a_success(spoke: bool) -> None:
    """No answer by the deadline is a timeout at export, after SETTINGS too."""
    it = talk().wake()
    if spoke:
        it.receive(SETTINGS)
    assert it.end is None
    it.conversation.expire(it.now + 5)
    assert it.end == ("timeout", "export")
    assert it.conversation.answer is None


def test_silence_before_the_write_is_a_timeout_at_accept() -> None:
    """Where the deadline comes before the quiet has passed."""
    it = talk()
    it.conversation.expire(it.now + QUIET / 2)
    assert it.end == ("timeout", "accept")
    it.conversation.wake(it.now + QUIET)
    assert it.conversation.take_output() == b""


def test_silence_in_the_handshake_is_a_timeout_there() -> None:
    """A server that never sends a byte."""
    it = unstarted(STRANGER)
    it.conversation.start(it.now)
    it.conversation.expire(it.now + 5)
    assert it.end == ("timeout", "handshake")
    assert it.conversation.durations == {"handshake": 5.0}


def test_garbage_inside_tls() -> None:
    """What is neither HTTP/2 nor HTTP/1.1 ends it, with its first bytes fit to show."""
    it = talk(purpose="export").wake().receive(b"\x1b[2J220 mail.example.com ESMTP\r\n")
    assert it.end == ("garbage", "export")
    assert it.conversation.ending is not None
    assert it.conversation.ending.detail.isprintable()


def test_more_bytes_than_the_budget() -> None:
    """An endless stream of frames ends at the budget, whatever the deadline."""
    it = talk(protocol="http/protobuf").wake()
    it.receive(SETTINGS)
    frame = (16384).to_bytes(3, "big") + b"\xfa\0\0\0\0\0" + bytes(16384)
    sent = 0
    while it.end is None:
        it.receive(frame)
        sent += len(frame)
        assert sent < 2 * BYTE_BUDGET
    assert it.end == ("budget", "export")
    assert sent > BYTE_BUDGET * 0.9


def test_more_reads_than_the_bound() -> None:
    """A byte at a time costs as much as a full segment each time."""
    it = OtlpSession(
        None,
        build_request(target(), "mtls-probe/test"),
        purpose="export",
        needs_h2=True,
        quiet=QUIET,
    )
    it.start(0.0)
    it.receive(SETTINGS + (16384).to_bytes(3, "big") + b"\xfa\0\0\0\0\0", 0.0)
    for _ in range(MAX_READS - 1):
        it.receive(b"x", 0.0)
    assert it.ending is None
    it.receive(b"x", 0.0)
    assert it.ending == Ending(stage="export", kind="budget", detail=f"{MAX_READS} reads")


def test_an_http_400_about_the_certificate_is_an_answer() -> None:
    """Nginx judges above TLS; what its answer means is not decided here."""
    it = talk(server_context(alpn=b"http/1.1"), protocol="http/protobuf").wake()
    http = Http1Server(lambda _request: nginx_refusal(sent=False))
    it.receive(http.receive(it.server.plain))
    assert it.end == ("answered", "export")
    assert it.conversation.answer is not None
    assert it.conversation.answer.http_status == 400
    assert "No required SSL certificate was sent" in it.conversation.answer.message


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH", b"\x00", b"\x16\x02", b"\xff" * 99],
)
def test_what_is_no_tls_is_recorded_by_its_first_bytes(first: bytes) -> None:
    """At most 64 of them, in hexadecimal."""
    it = unstarted(STRANGER)
    it.conversation.start(it.now)
    it.conversation.receive(first, it.now)
    assert it.end == ("not_tls", "handshake")
    assert it.conversation.handshake is not None
    assert it.conversation.handshake.first_bytes == first[:64].hex()


def test_tls_byte_by_byte_is_tls() -> None:
    """A handshake in pieces of one byte is as good, and records no first bytes."""
    it = unstarted(CLIENT_CA.issue("exporter"))
    it.conversation.start(it.now)
    for byte in it.server.receive(it.conversation.take_output()):
        it.conversation.receive(bytes((byte,)), it.now)
    assert it.step().server.complete
    assert it.conversation.handshake is not None
    assert (it.end, it.conversation.handshake.first_bytes) == (None, "")


def test_a_tls_library_that_gives_up_is_no_alert_of_the_server() -> None:
    """A record that we refuse ends `tls`; the alert in the record is our own."""
    it = unstarted(STRANGER)
    it.conversation.start(it.now)
    it.conversation.receive(b"\x16\x03\x03\xff\xff", it.now)
    assert it.end == ("tls", "handshake")


def test_an_ending_stays() -> None:
    """Whatever comes after it changes nothing and writes nothing."""
    it = talk(server_context(server=UNKNOWN_SERVER))
    ending = it.conversation.ending
    it.conversation.receive(it.server.say(SETTINGS), it.now)
    it.conversation.receive_eof(it.now, reset=True)
    it.conversation.expire(it.now)
    assert it.conversation.ending is ending
    assert it.conversation.take_output() == b""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=5), st.booleans(), st.booleans())
def test_nothing_that_a_server_says_raises(pieces: list[bytes], inside: bool, reset: bool) -> None:
    """Any bytes on the wire or inside TLS, and an end, lead to an ending that confirms nothing."""
    it = talk().wake()
    for piece in pieces:
        it.conversation.receive(it.server.say(piece) if inside else piece, it.now)
        it.conversation.take_output()
    it.conversation.receive_eof(it.now, reset=reset)
    assert it.conversation.ending is not None
    assert it.conversation.ending.kind not in {"answered", "application_data", "completed"}
