"""The events of a TLS connection, in the order in which its owner has to see them."""

from probe.tls.client import TlsClient
from probe.tls.events import (
    ApplicationData,
    Closed,
    Event,
    Failed,
    HandshakeComplete,
    NotTls,
)
from tests.support.memory_peer import MemoryServer, handshake, server_context, settings_of
from tests.support.tls_records import STRANGER


def events_of(client: TlsClient) -> list[Event]:
    """Return the events that wait, and leave none."""
    return list(iter(client.next_event, None))


def test_a_session_from_its_handshake_to_its_end() -> None:
    """Data that comes in one segment with the end of the connection is seen before it."""
    client, server = TlsClient(settings_of()), MemoryServer(server_context())
    client.start()
    client.receive(server.receive(client.take_output()))
    assert events_of(client) == [HandshakeComplete()]

    tickets = server.receive(client.take_output())
    client.receive(tickets + server.say(b"bye") + server.close())
    assert events_of(client) == [ApplicationData(b"bye"), Closed()]


def test_an_alert_and_a_failure_of_our_library_are_distinguished() -> None:
    """A refusal by the server; and records that make no sense."""
    refused, server = handshake(server_context(), settings_of(STRANGER))
    assert server.failed
    assert refused.state == "failed"
    odd = TlsClient(settings_of())
    odd.start()
    odd.receive(b"\x16\x03\x03\x00\x04nope")

    assert events_of(odd) == [Failed(alert_received=False)]
    unread, server = TlsClient(settings_of(STRANGER)), MemoryServer(server_context("1.2"))
    unread.start()
    while output := unread.take_output():
        unread.receive(server.receive(output))
    assert events_of(unread) == [Failed(alert_received=True)]


def test_what_is_not_tls_ends_the_connection() -> None:
    """Its first bytes are recorded; what comes after them is ignored."""
    client = TlsClient(settings_of())
    client.start()
    client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client.receive(b"more")

    assert events_of(client) == [NotTls()]
    assert bytes.fromhex(client.handshake.first_bytes) == b"HTTP/1.1 400 Bad Request\r\n\r\n"
