"""What one attempt says and hears: when it writes, what never leaves it, and how it ends."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hyperframe.frame import GoAwayFrame, RstStreamFrame, SettingsFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from probe.demo.answers import Answers, Request, nginx_refusal
from probe.demo.http1 import Http1Server
from probe.demo.http2 import PREFACE, Http2Server
from probe.demo.pki import Issued
from probe.evidence import Stage
from probe.handshake.conversation import BYTE_BUDGET, OtlpConversation, Purpose
from probe.handshake.otlp import build_request
from probe.handshake.tls import TlsClient, TlsPlan
from probe.target import Depth, Endpoint, Protocol, Secret, Target
from tests.unit.loopback_client import CLIENT_CA, OTHER_CA
from tests.unit.memory_peer import VERSIONS, MemoryServer, Version, plan_of, server_context

NOW = datetime(2026, 11, 22, tzinfo=UTC)
QUIET = 0.05
TOKEN = "s3cr3t-t0ken"
STRANGER = OTHER_CA.issue("stranger")
UNKNOWN_SERVER = OTHER_CA.issue("backend", usages=("serverAuth",))
SETTINGS = SettingsFrame().serialize()


@dataclass
class Talk:
    """A conversation, the server at its other end, and the time."""

    conversation: OtlpConversation
    server: MemoryServer
    now: float = 100.0

    def start(self) -> "Talk":
        """Begin, and go on until both are silent."""
        self.conversation.start(self.now)
        return self.step()

    def step(self) -> "Talk":
        """Carry bytes to and fro until both are silent."""
        while output := self.conversation.take_output():
            if back := self.server.receive(output):
                self.conversation.receive(back, self.now)
        return self

    def hear(self, *parts: bytes) -> "Talk":
        """Let the server say `parts` inside TLS, in one segment."""
        self.conversation.receive(b"".join(map(self.server.say, parts)), self.now)
        return self.step()

    def wake(self) -> "Talk":
        """Let time pass until the conversation's timer is due."""
        assert self.conversation.wake_at is not None
        self.now = self.conversation.wake_at
        self.conversation.wake(self.now)
        return self.step()

    def later(self, seconds: float) -> "Talk":
        """Let time pass."""
        self.now += seconds
        return self

    @property
    def end(self) -> tuple[str, Stage] | None:
        """How and where it ended, if it did."""
        ending = self.conversation.ending
        return (ending.kind, ending.stage) if ending else None


def target(protocol: Protocol = "grpc", depth: Depth = "otlp") -> Target:
    """Return a target with a token in its headers."""
    return Target(
        name="t",
        endpoint=Endpoint("localhost", 4317),
        protocol=protocol,
        depth=depth,
        headers=(("authorization", Secret(f"Bearer {TOKEN}")),),
    )


def talk(
    context: SSL.Context | None = None,
    plan: TlsPlan | None = None,
    *,
    protocol: Protocol = "grpc",
    purpose: Purpose = "export",
) -> Talk:
    """Return a conversation with a server of `context`, both silent after the handshake."""
    conversation = OtlpConversation(
        TlsClient(plan or plan_of()),
        build_request(target(protocol), "mtls-probe/test"),
        purpose=purpose,
        grpc=protocol == "grpc",
        quiet=QUIET,
    )
    return Talk(conversation, MemoryServer(context or server_context())).start()


def clear(protocol: Protocol, purpose: Purpose = "export") -> OtlpConversation:
    """Return a conversation without TLS that has begun."""
    request = build_request(target(protocol), "mtls-probe/test")
    conversation = OtlpConversation(
        None, request, purpose=purpose, grpc=protocol == "grpc", quiet=QUIET
    )
    conversation.start(100.0)
    return conversation


def answer(talk: Talk, protocol: Protocol = "grpc", over: str = "h2") -> Talk:
    """Let a real OTLP server answer what has arrived."""
    heard: list[Request] = []

    def respond(request: Request) -> object:
        heard.append(request)
        return Answers().respond(request, protocol, NOW)

    http = Http2Server(respond) if over == "h2" else Http1Server(respond)  # type: ignore[arg-type]  # as respond() answers
    return talk.hear(http.opening() + http.receive(talk.server.plain))


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
    it = talk().hear(SETTINGS)
    assert it.server.plain.startswith(PREFACE)
    assert it.conversation.wake_at is None


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


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("purpose", ["export", "tls", "handshake"])
def test_a_refusal_by_alert(version: Version, purpose: Purpose) -> None:
    """TLS 1.2 refuses in the handshake, TLS 1.3 at accept; nothing of the request is written."""
    it = talk(server_context(version), plan_of(STRANGER), purpose=purpose)
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


def unstarted(client: Issued, purpose: Purpose = "export") -> Talk:
    """Return a conversation with a server of TLS 1.3 that has not begun."""
    request = build_request(target(), "mtls-probe/test")
    conversation = OtlpConversation(
        TlsClient(plan_of(client)), request, purpose=purpose, grpc=True, quiet=QUIET
    )
    return Talk(conversation, MemoryServer(server_context()))


@pytest.mark.parametrize("purpose", ["export", "tls"])
def test_an_alert_that_arrives_after_a_write_is_a_refusal_at_accept(purpose: Purpose) -> None:
    """A slow backend judges while we write already; its alert is heard all the same."""
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
    it = talk().wake().hear(SETTINGS, frame.serialize())
    assert it.end == ("close", "export")
    assert it.conversation.ending is not None
    assert f"error code {frame.error_code}" in it.conversation.ending.detail


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("purpose", ["export", "tls"])
def test_nothing_is_sent_to_a_server_that_is_not_verified(
    protocol: Protocol, purpose: Purpose
) -> None:
    """Not at the end of the handshake, not by a timer, not at the deadline, not as farewell."""
    it = talk(server_context(server=UNKNOWN_SERVER), protocol=protocol, purpose=purpose)
    assert it.end == ("unverified", "handshake")
    it.conversation.wake(it.now + 1)
    it.conversation.expire(it.now + 2)
    it.server.receive(it.conversation.take_output() + it.conversation.farewell())

    assert it.server.complete
    assert it.server.plain == b""
    assert it.server.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN


def test_a_wrong_name_is_not_verified_either() -> None:
    """The path is right, and the server is not the one that was meant."""
    it = talk(plan=plan_of(reference="collector.example.com"))
    assert (it.end, it.server.plain) == (("unverified", "handshake"), b"")


def test_insecure_skip_verify_sends_the_request() -> None:
    """The user said so: request and headers go to whoever answers."""
    plan = plan_of(skip_verify=True, reference="collector.example.com")
    it = talk(
        server_context(server=UNKNOWN_SERVER, alpn=b"http/1.1"), plan, protocol="http/protobuf"
    )
    it.wake()
    assert TOKEN.encode() in it.server.plain
    assert answer(it, "http/protobuf", "http/1.1").end == ("answered", "export")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_depth_tls_never_sends_the_target_s_headers(protocol: Protocol) -> None:
    """It says the protocol's opening, and nothing of the target, to a verified server too."""
    alpn = b"h2" if protocol == "grpc" else b"http/1.1"
    it = talk(server_context(alpn=alpn), protocol=protocol, purpose="tls").wake()
    assert it.server.plain.startswith(PREFACE if protocol == "grpc" else b"OPTIONS * ")
    assert b"authorization" not in it.server.plain.lower()
    assert TOKEN.encode() not in it.server.plain


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
        it.hear(SETTINGS)
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
    it = talk(purpose="export").wake().hear(b"\x1b[2J220 mail.example.com ESMTP\r\n")
    assert it.end == ("garbage", "export")
    assert it.conversation.ending is not None
    assert it.conversation.ending.detail.isprintable()


def test_depth_tls_takes_what_is_no_http() -> None:
    """Application data of any protocol and then quiet confirm; an end behind it is a refusal."""
    it = talk(purpose="tls").wake().hear(b"220 mail.example.com ESMTP\r\n")
    assert it.end is None
    assert it.wake().end == ("application_data", "accept")
    closed = talk(purpose="tls").wake().hear(b"220 mail.example.com ESMTP\r\n")
    closed.conversation.receive_eof(closed.now, reset=False)
    assert closed.end == ("close", "accept")


def test_more_bytes_than_the_budget() -> None:
    """An endless stream of frames ends at 1 MiB, whatever the deadline."""
    it = talk(protocol="http/protobuf").wake()
    it.hear(SETTINGS)
    frame = (16384).to_bytes(3, "big") + b"\xfa\0\0\0\0\0" + bytes(16384)
    sent = 0
    while it.end is None:
        it.hear(frame)
        sent += len(frame)
        assert sent < 2 * BYTE_BUDGET
    assert it.end == ("budget", "export")
    assert sent > BYTE_BUDGET * 0.9


def test_depth_tls_confirms_after_data_and_a_quiet_time() -> None:
    """SETTINGS alone do not: the refusal may be right behind them."""
    it = talk(purpose="tls").wake()
    assert (it.end, it.conversation.wake_at) == (None, None)
    it.later(0.2).hear(SETTINGS)
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
    """As grpc-core refuses: FIN without a word."""
    it = talk(purpose="tls").wake().hear(SETTINGS)
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


def test_an_http_400_about_the_certificate_is_an_answer() -> None:
    """Nginx judges above TLS; what its answer means is not decided here."""
    it = talk(server_context(alpn=b"http/1.1"), protocol="http/protobuf").wake()
    http = Http1Server(lambda _request: nginx_refusal(sent=False))
    it.hear(http.receive(it.server.plain))
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


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_in_clear_the_request_goes_at_once(protocol: Protocol) -> None:
    """Without TLS there is no handshake and nothing to wait for; the answer confirms."""
    conversation = clear(protocol)
    output = conversation.take_output()
    assert conversation.take_output() == b""

    def respond(request: Request) -> object:
        return Answers().respond(request, protocol, NOW)

    http = Http2Server(respond) if protocol == "grpc" else Http1Server(respond)  # type: ignore[arg-type]  # as respond() answers
    conversation.receive(http.opening() + http.receive(output), 100.5)
    assert conversation.ending is not None
    assert (conversation.ending.kind, conversation.ending.stage) == ("answered", "export")
    assert (conversation.handshake, conversation.farewell()) == (None, b"")
    assert conversation.durations == {"export": 0.5}


def test_in_clear_a_tls_server_is_garbage() -> None:
    """Its alert is neither HTTP/2 nor HTTP/1.1."""
    for protocol in ("grpc", "http/protobuf"):
        conversation = clear(protocol)  # type: ignore[arg-type]  # the loop widens it to str
        conversation.receive(b"\x15\x03\x01\x00\x02\x02\x46" + bytes(9), 100.0)
        assert conversation.ending is not None
        assert (conversation.ending.kind, conversation.ending.stage) == ("garbage", "export")


def test_in_clear_a_close_or_silence_is_at_export() -> None:
    """There is no other stage."""
    closed, silent = clear("grpc"), clear("grpc")
    closed.receive_eof(100.0, reset=True)
    silent.expire(105.0)
    assert closed.ending is not None
    assert silent.ending is not None
    assert (closed.ending.kind, closed.ending.stage) == ("reset", "export")
    assert (silent.ending.kind, silent.ending.stage) == ("timeout", "export")


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
