"""A session says what an exporter sent, at TLS 1.2 and 1.3, however far it came."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from probe.backend.ca_list_policy import CaListPolicy
from probe.backend.exporter_session import MAX_HANDSHAKE, ExporterSession
from probe.backend.listener_files import ListenerFiles
from probe.model.exporter_connection import ExporterConnection
from tests.support.listening import Client, diagnose, make_files, make_grpc_request, make_settings
from tests.support.loopback_client import (
    CLIENT_CA,
    OTHER_CA,
    SERVER_CA,
    client_context,
)
from tests.support.pki import Issued
from tests.unit.backend.test_export_content import make_spans
from tests.unit.tls.test_client_hello import HELLO

VERSIONS = ("1.2", "1.3")
CLIENT = CLIENT_CA.issue("exporter")
STRANGER = OTHER_CA.issue("exporter")
BODY = make_spans().SerializeToString()
HTTP = (
    b"POST /v1/traces?token=secret HTTP/1.1\r\nHost: a\r\nUser-Agent: OTel\r\n"
    b"Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ListenerFiles:
    """The listener's files."""
    return make_files(tmp_path_factory.mktemp("listen"))


def begin(files: ListenerFiles, number: int = 1, **options: object) -> ExporterSession:
    """Return a session."""
    return ExporterSession(make_settings(files, **options), number, "192.0.2.7:5000")  # type: ignore[arg-type]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_export_over_grpc_is_confirmed(files: ListenerFiles, version: str) -> None:
    """What was offered, presented, asked for and answered is described."""
    session = begin(files)
    client = Client(session, client_context(CLIENT, version))
    connection = client.run(make_grpc_request(BODY))
    assert connection.server_name == "localhost"
    assert (connection.version, connection.chosen_alpn) == (version, "h2")
    assert connection.certificate == "presented"
    assert connection.chain[0].subject.text == "CN=exporter"
    assert connection.named_cas == ("CN=client CA",)
    request = connection.requests[0]
    assert (request.signal, request.items, request.services) == ("traces", 3, ("checkout",))
    assert (request.answer, request.taken) == ("gRPC 0", True)
    found = diagnose(files, session)
    assert (found.outcome, found.stage) == ("confirmed", "export")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("alpn", [(), (b"http/1.1",)])
def test_an_export_over_http_is_confirmed(
    files: ListenerFiles, version: str, alpn: tuple[bytes, ...]
) -> None:
    """On the same port; without ALPN the first bytes decide."""
    session = begin(files)
    client = Client(session, client_context(CLIENT, version), alpn=alpn)
    request = client.run(HTTP).requests[0]
    assert (request.over, request.path, request.items) == ("http/1.1", "/v1/traces", 3)
    assert client.plain.startswith(b"HTTP/1.1 200 ")
    assert diagnose(files, session).outcome == "confirmed"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stranger_is_refused_as_a_collector_refuses_it(
    files: ListenerFiles, version: str
) -> None:
    """The alert is Go's, the cause that of `inspect --receiver`."""
    session = begin(files)
    client = Client(session, client_context(STRANGER, version))
    connection = client.run()
    assert client.failed
    assert (connection.end, connection.alerts[-1].number) == ("refused", 48)
    found = diagnose(files, session)
    assert (found.cause, found.stage, found.certain) == ("client_ca_untrusted", "accept", True)
    assert "the exporter presents CN=exporter, issued by CN=another CA" in found.facts[0]


def make_client(**options: object) -> Issued:
    """Return a client's certificate of the right CA."""
    return CLIENT_CA.issue("exporter", **options)  # type: ignore[arg-type]


NOW = datetime.now(UTC)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("client", "cause", "alert"),
    [
        (make_client(not_after=NOW - timedelta(hours=1)), "client_cert_expired", 45),
        (make_client(not_before=NOW + timedelta(days=1)), "client_cert_not_yet_valid", 45),
        (make_client(usages=("serverAuth",)), "client_cert_wrong_usage", 42),
        (make_client(signature_hash="sha1"), "client_cert_weak", 48),
    ],
)
def test_a_faulty_certificate_is_named(
    files: ListenerFiles, version: str, client: Issued, cause: str, alert: int
) -> None:
    """Dates, usage and strength, with the alert that Go sends."""
    session = begin(files)
    connection = Client(session, client_context(client, version)).run()
    found = diagnose(files, session)
    assert found.cause == cause
    assert connection.alerts[-1].number in {alert, 42}
    if alert == 45:  # dates are written for people
        assert re.search(r" (on|before) 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", found.facts[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_may_be_withheld(files: ListenerFiles, version: str) -> None:
    """Where CAs are named it is open; the next connection is asked without them, and decides."""
    policy = CaListPolicy()
    first = begin(files, 1, policy=policy)
    seen = Client(first, client_context(None, version)).run()
    assert (seen.certificate, seen.end) == ("none", "refused")
    found = diagnose(files, first)
    assert (found.cause, found.certain, found.also) == (
        "client_cert_not_sent", False, ("client_ca_untrusted",),
    )  # fmt: skip
    second = begin(files, 2, policy=policy)
    client = Client(second, client_context(STRANGER, version))
    seen = client.run()
    assert client.connection.get_client_ca_list() == []
    assert (seen.named_cas, seen.withheld_before) == ((), 1)
    found = diagnose(files, second)
    assert (found.cause, found.certain) == ("client_ca_untrusted", True)
    third = begin(files, 3, policy=policy)
    seen = Client(third, client_context(None, version)).run()
    assert (seen.named_cas, seen.presented_later) == (("CN=client CA",), 2)
    assert diagnose(files, third).cause == "client_ca_untrusted"


@pytest.mark.parametrize("version", VERSIONS)
def test_none_without_the_list_is_none(files: ListenerFiles, version: str) -> None:
    """With --no-ca-hints nothing is withheld: the cause is certain."""
    session = begin(files, policy=CaListPolicy(always_without=True))
    Client(session, client_context(None, version)).run()
    found = diagnose(files, session)
    assert (found.cause, found.certain) == ("client_cert_not_sent", True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", [None, STRANGER])
def test_any_may_be_accepted(files: ListenerFiles, version: str, client: Issued | None) -> None:
    """With --accept-any the request is seen, and the cause is named all the same."""
    session = begin(files, accept_any=True)
    peer = Client(session, client_context(client, version))
    connection = peer.run(make_grpc_request(BODY))
    assert connection.requests[0].items == 3
    found = diagnose(files, session)
    assert found.outcome == "failed"
    assert found.cause == ("client_cert_not_sent" if client is None else "client_ca_untrusted")
    assert any("--accept-any accepted it" in fact for fact in found.facts)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_exporter_that_refuses_the_backend(tmp_path: Path, version: str) -> None:
    """Its alert is reported with its meaning, and a fault that our own files show with it."""
    ended = SERVER_CA.issue("b", usages=("serverAuth",), not_after=NOW - timedelta(days=1))
    files = make_files(tmp_path, ended)
    assert [one.cause for one in files.remarks] == ["server_cert_expired"]
    session = begin(files)
    connection = Client(session, client_context(CLIENT, version), verify=lambda _: False).run()
    assert connection.end == "alert"
    assert connection.alerts[-1].direction == "received"
    found = diagnose(files, session)
    # This client looks for a trusted CA before it looks at dates.
    assert (found.cause, found.also[0]) == ("server_ca_untrusted", "server_cert_expired")
    assert "the exporter sent alert" in found.facts[0]


def test_an_old_version_is_refused(files: ListenerFiles) -> None:
    """TLS 1.1 alone has nothing in common with a Collector."""
    session = begin(files)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_min_proto_version(SSL.TLS1_1_VERSION)
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    connection = Client(session, context).run()
    assert connection.alerts[-1].number == 70
    assert diagnose(files, session).cause == "protocol_version_mismatch"


def test_an_unknown_application_protocol_is_refused(files: ListenerFiles) -> None:
    """As by Go: alert no_application_protocol."""
    session = begin(files)
    connection = Client(session, client_context(CLIENT, "1.3"), alpn=(b"spdy/1",)).run()
    assert connection.alerts[-1].number == 120
    assert diagnose(files, session).cause == "alpn_mismatch"


def test_plaintext_is_answered_and_named(files: ListenerFiles) -> None:
    """An exporter without TLS reads what Go's servers answer."""
    session = begin(files)
    session.receive(HTTP)
    assert session.take_output().startswith(b"HTTP/1.0 400 ")
    found = diagnose(files, session)
    assert (found.cause, found.certain) == ("tls_off", True)
    assert "secret" not in repr(session.describe())


@pytest.mark.parametrize("how", ["timeout", "reset", "close"])
def test_a_handshake_that_stops(files: ListenerFiles, how: str) -> None:
    """What came before is described; silence after our certificate leaves causes open."""
    session = begin(files)
    session.receive(HELLO)
    assert session.take_output()
    session.end(how)  # type: ignore[arg-type]
    connection = session.describe()
    assert (connection.end, connection.server_name) == (how, "backend.example")
    found = diagnose(files, session)
    assert (found.outcome, found.certain) == ("failed", False)
    assert found.cause in {"tls_timeout", "connection_reset", "connection_closed"} | {
        "server_name_mismatch"
    }


def test_a_scan_is_no_failure(files: ListenerFiles) -> None:
    """A connection without a byte is a health check: nobody is blamed."""
    session = begin(files)
    session.end("close")
    assert diagnose(files, session).outcome == "unconfirmed"


def test_a_long_handshake_is_bounded(files: ListenerFiles) -> None:
    """Records without end, within a handshake, end it."""
    session = begin(files)
    session.receive(HELLO)
    for _ in range(MAX_HANDSHAKE // 6 + 10):
        session.receive(b"\x14\x03\x03\x00\x01\x01")  # ignored by TLS 1.3
        if session.state == "ended":
            break
    assert session.state == "ended"


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=200), max_size=6), st.booleans())
def test_any_bytes_end_or_wait(files: ListenerFiles, parts: list[bytes], hello: bool) -> None:
    """Nothing that a client sends raises, before and within a handshake."""
    session = begin(files)
    if hello:
        session.receive(HELLO)
    for part in parts:
        session.receive(part)
        session.take_output()
    session.end("close")
    assert isinstance(session.describe(), ExporterConnection)
    assert diagnose(files, session).outcome in {"failed", "unconfirmed"}


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([(b"h2",), (b"http/1.1",), ()]))
def test_any_request_is_answered_or_ends(
    files: ListenerFiles, data: bytes, alpn: tuple[bytes, ...]
) -> None:
    """Nor after it."""
    session = begin(files)
    Client(session, client_context(CLIENT, "1.3"), alpn=alpn).run(data)
    assert isinstance(session.describe(), ExporterConnection)


def test_what_is_handed_on_is_what_came(files: ListenerFiles) -> None:
    """With --forward nothing is answered here: the bytes are for the backend, and its answer back."""
    session = begin(files, forward="collector:4317")
    client = Client(session, client_context(CLIENT, "1.3"), alpn=(b"http/1.1",))
    client.run(HTTP)
    assert session.take_for_backend() == HTTP
    session.note_forwarded(len(HTTP))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    session.return_from_backend(answer)
    connection = client.run()
    assert client.plain == answer
    assert connection.bytes_received == connection.bytes_forwarded == len(HTTP)
    assert connection.bytes_returned == len(answer)
    assert connection.requests[0].answer == "HTTP 200"
    assert diagnose(files, session).outcome == "confirmed"


def test_an_answer_that_is_an_error_is_no_success(files: ListenerFiles) -> None:
    """A backend that rejects is named with its answer."""
    session = begin(files, forward="collector:4317")
    client = Client(session, client_context(CLIENT, "1.3"), alpn=(b"http/1.1",))
    client.run(HTTP)
    session.return_from_backend(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    found = diagnose(files, session)
    assert (found.cause, found.certain) == ("otlp_unavailable", True)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"POST /api/traces", "otlp_not_served"),
        (b"GET /v1/traces", "otlp_protocol_mismatch"),
    ],
)
def test_a_request_that_is_not_otlps(files: ListenerFiles, line: bytes, cause: str) -> None:
    """A wrong path, or a wrong method, is named."""
    session = begin(files)
    client = Client(session, client_context(CLIENT, "1.3"), alpn=())
    client.run(line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert diagnose(files, session).cause == cause
