"""A server of wrong dates is asked for its clock: one bare HEAD, and the ending stays."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from probe.attempt.otlp_session import DATE_TIMEOUT, OtlpSession, Purpose
from probe.backend.answers import Request, Response
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from probe.model.target import Endpoint, Protocol, Secret, Target, TlsSettings
from probe.otlp.request import build_request
from probe.tls.settings import ClientSettings
from tests.support.loopback_client import OTHER_CA, SERVER_CA
from tests.support.memory_peer import VERSIONS, MemoryServer, Version, server_context, settings_of
from tests.support.pki import Issued
from tests.support.sessions import SETTINGS, STRANGER, TOKEN, Talk, Unticketed

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
EXPIRED = SERVER_CA.issue("backend", usages=("serverAuth",), not_after=NOW - DAY)
EARLY = SERVER_CA.issue("backend", usages=("serverAuth",), not_before=NOW + DAY)
ELSEWHERE = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
"""What the server's Date says."""


def target(protocol: Protocol) -> Target:
    """Return a target whose every setting that could leave is easy to find."""
    return Target(
        name="t",
        endpoint=Endpoint("localhost", 4317, "/own/path"),
        protocol=protocol,
        headers=(("authorization", Secret(f"Bearer {TOKEN}")), ("host", Secret("tenant.example"))),
        tls=TlsSettings(server_name_override="override.example"),
    )


def talk(
    server: Issued = EXPIRED,
    *,
    version: Version = "1.3",
    alpn: bytes | None = b"http/1.1",
    settings: ClientSettings | None = None,
    protocol: Protocol = "http/protobuf",
    purpose: Purpose = "export",
) -> Talk:
    """Return a conversation with a server of `server`'s dates, after the handshake."""
    conversation = OtlpSession(
        Unticketed(settings or settings_of()),
        build_request(target(protocol), "mtls-probe/test"),
        purpose=purpose,
        needs_h2=protocol == "grpc",
        quiet=0.05,
    )
    return Talk(
        conversation, MemoryServer(server_context(version, server=server, alpn=alpn))
    ).start()


def asked(it: Talk, alpn: bytes | None) -> Request:
    """Return the request that a real server reads, and let it answer."""
    received: list[Request] = []

    def respond(request: Request) -> Response:
        received.append(request)
        date = ELSEWHERE.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Response(404, (("date", date),), b"" if alpn == b"h2" else b"not here")

    http = Http2Server(respond) if alpn == b"h2" else Http1Server(respond)
    it.receive(http.opening() + http.receive(it.server.plain))
    (request,) = received
    return request


UNVERIFIED = ("unverified", "handshake")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("alpn", [b"h2", b"http/1.1", None])
@pytest.mark.parametrize("server", [EXPIRED, EARLY], ids=["expired", "early"])
@pytest.mark.parametrize("purpose", ["export", "tls"])
def test_a_bare_head_reads_the_date(
    version: Version, alpn: bytes | None, server: Issued, purpose: Purpose
) -> None:
    """The answer gives the server's clock, and does not count as an answer to an attempt."""
    it = talk(server, version=version, alpn=alpn, purpose=purpose)
    assert it.end is None
    assert it.conversation.wake_at == it.now + DATE_TIMEOUT

    request = asked(it, alpn)

    assert (request.method, request.path) == ("HEAD", "/")
    assert it.end == UNVERIFIED
    assert it.conversation.answer is None
    assert it.conversation.dated_answer is not None
    assert it.conversation.dated_answer.date == ELSEWHERE.timestamp()


@pytest.mark.parametrize("alpn", [b"h2", b"http/1.1", None])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_nothing_of_the_target_leaves(alpn: bytes | None, protocol: Protocol) -> None:
    """No header, no path, no override, no second request: not later, and not at the close."""
    it = talk(alpn=alpn, protocol=protocol)
    request = asked(it, alpn)
    it.conversation.wake(it.now + 1)
    it.conversation.expire(it.now + 2)
    it.server.receive(it.conversation.take_output() + it.conversation.close())

    fields = {name for name in request.headers if not name.startswith(":")}
    assert fields <= {"host", "user-agent"}
    for secret in (TOKEN, "authorization", "tenant", "override", "/own", "Export", "protobuf"):
        assert secret.lower().encode() not in it.server.plain.lower()
    assert it.server.plain.count(b"HEAD") <= 1


@pytest.mark.parametrize(
    ("server", "plan"),
    [
        (OTHER_CA.issue("b", usages=("serverAuth",), not_after=NOW - DAY), settings_of()),
        (EXPIRED, settings_of(reference="collector.example.com")),
        (SERVER_CA.issue("b", usages=("clientAuth",), not_after=NOW - DAY), settings_of()),
        (
            SERVER_CA.issue(
                "b", usages=("serverAuth",), not_after=NOW - DAY, signature_hash="sha1"
            ),
            settings_of(),
        ),
    ],
    ids=["unknown CA", "another name", "another usage", "weak"],
)
def test_a_server_with_another_fault_is_asked_nothing(server: Issued, plan: ClientSettings) -> None:
    """It may be anybody's: the attempt ends with the handshake."""
    it = talk(server, settings=plan)
    assert it.end == UNVERIFIED
    it.server.receive(it.conversation.take_output() + it.conversation.close())
    assert it.server.plain == b""


def test_insecure_skip_verify_asks_for_the_export_itself() -> None:
    """Told not to look at dates, an exporter sends its request, and no HEAD."""
    it = talk(settings=settings_of(skip_verify=True)).wake()
    assert it.server.plain.startswith(b"POST ")


def test_a_handshake_alone_asks_nothing() -> None:
    """The further handshake at TLS 1.2 and those of experiments are not about the clock."""
    it = talk(purpose="handshake")
    assert (it.end, it.server.plain) == (("completed", "handshake"), b"")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_certificate_of_ours_changes_nothing(version: Version) -> None:
    """In TLS 1.3 the alert comes after our question: the server's dates stay the reason.

    In TLS 1.2 it comes within the handshake, and ends it as ever.
    """
    it = talk(version=version, settings=settings_of(STRANGER))
    assert it.end == (UNVERIFIED if version == "1.3" else ("alert", "handshake"))
    assert it.conversation.handshake is not None
    assert [alert.number for alert in it.conversation.handshake.alerts] == [48]


@pytest.mark.parametrize("how", ["silence", "deadline", "close", "reset", "notify", "garbage"])
@pytest.mark.parametrize("alpn", [b"h2", b"http/1.1"])
def test_without_an_answer_it_ends_as_before(how: str, alpn: bytes) -> None:
    """A server that says nothing, leaves, or says nonsense has no Date; no time is lost beyond."""
    it = talk(alpn=alpn)
    match how:
        case "silence":
            it.wake()
        case "deadline":
            it.conversation.expire(it.now + 0.2)
        case "notify":
            it.conversation.receive(it.server.close(), it.now)
        case "garbage":
            it.receive(b"220 mail.example.com ESMTP\r\n\r\n")
        case _:
            it.conversation.receive_eof(it.now, reset=how == "reset")
    assert it.end == UNVERIFIED
    ending = it.conversation.ending
    assert ending is not None
    assert (ending.detail, ending.close_notify) == ("", False)
    assert it.conversation.dated_answer is None or it.conversation.dated_answer.date is None
    assert it.conversation.durations == {"handshake": 0.0}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.binary(min_size=1, max_size=60) | st.just(SETTINGS) | st.just(b"HTTP/1.1 200 OK\r\n"),
        max_size=5,
    ),
    st.sampled_from([b"h2", b"http/1.1"]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_it_says_it_stays_unverified(
    pieces: list[bytes], alpn: bytes, inside: bool, reset: bool
) -> None:
    """Any bytes on the wire or inside TLS lead to the same ending, and no request follows them."""
    it = talk(alpn=alpn)
    for piece in pieces:
        it.conversation.receive(it.server.say(piece) if inside else piece, it.now)
        try:
            it.server.receive(it.conversation.take_output())
        except SSL.Error:
            break
    it.conversation.receive_eof(it.now, reset=reset)
    assert it.end == UNVERIFIED
    assert it.conversation.answer is None
    assert TOKEN.encode() not in it.server.plain
    assert b"POST" not in it.server.plain
