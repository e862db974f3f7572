"""How a TLS connection ends, and what passes until then."""

import gc
import weakref

import pytest
from OpenSSL import SSL

from probe.model.evidence import Alert
from probe.tls.client import TlsClient
from tests.support.memory_peer import (
    VERSIONS,
    Version,
    handshake,
    receive,
    server_context,
    settings_of,
)
from tests.support.tls_records import STRANGER, record


@pytest.mark.parametrize("version", VERSIONS)
def test_close_notify_is_distinguished_from_the_end_of_file(version: Version) -> None:
    """Both end the connection; only one is an orderly end (RFC 8446 §6.1)."""
    orderly, server = handshake(server_context(version))
    assert receive(orderly, server.say(b"bye") + server.close()) == b"bye"
    abrupt, _ = handshake(server_context(version))
    abrupt.receive_eof()

    assert (orderly.state, orderly.close_notify) == ("closed", True)
    assert (abrupt.state, abrupt.close_notify) == ("closed", False)
    assert orderly.alerts == (
        Alert(direction="received", level="warning", number=0, name="close_notify"),
    )


def test_close_notify_instead_of_a_handshake_is_a_close() -> None:
    """The server closed; nothing failed."""
    client = TlsClient(settings_of())
    client.start()
    client.receive(record(0x15, b"\x01\x00"))
    assert (client.state, client.close_notify, client.complete) == ("closed", True, False)


def test_our_shutdown_reaches_the_server() -> None:
    """The server reads a close_notify, and an unfinished handshake has none to send."""
    client, server = handshake(server_context())
    client.close()
    server.receive(client.take_output())
    assert server.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN

    unfinished = TlsClient(settings_of())
    unfinished.start()
    unfinished.take_output()
    unfinished.close()
    assert unfinished.take_output() == b""


def test_an_ended_connection_hears_and_says_nothing() -> None:
    """After the end, bytes are ignored, and a write neither raises nor reopens it."""
    client, server = handshake(server_context())
    more = server.say(b"more")
    client.receive_eof()
    assert receive(client, more) == b""
    assert client.state == "closed"

    refused, _ = handshake(server_context(), settings_of(STRANGER))
    refused.write(b"hello")
    refused.close()
    refused.receive_eof()
    assert refused.state == "failed"


@pytest.mark.parametrize("size", [1, 16384, 18432, 200_000])
def test_data_of_any_size_passes_both_ways(size: int) -> None:
    """What is longer than one record, or than the buffer, comes whole."""
    client, server = handshake(server_context())
    data = bytes(range(251)) * (size // 251 + 1)
    assert receive(client, server.say(data)) == data
    client.write(data)
    server.receive(client.take_output())
    assert client.take_output() == b""
    assert server.plain == data


def test_a_connection_needs_no_garbage_collector() -> None:
    """The callbacks hold no reference to it: it goes when its owner lets go."""
    gc.disable()
    try:
        client, _ = handshake(server_context(), settings_of(STRANGER))
        link = weakref.ref(client._link)
        log = weakref.ref(client._log)
        assert client.handshake is not None
        del client
        assert link() is None
        assert log() is None
    finally:
        gc.enable()
