"""Whatever a server sends, the TLS client neither raises nor completes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.tls.client import TlsClient
from tests.support.loopback_client import CLIENT_CA, SERVER, SERVER_CA
from tests.support.memory_peer import (
    VERSIONS,
    MemoryServer,
    Version,
    handshake,
    meet,
    receive,
    server_context,
    settings_of,
)
from tests.support.pki import Authority
from tests.support.tls_records import record


def legacy_versions(flight: bytes) -> set[int]:
    """Return where in `flight` the records' version bytes are."""
    found, start = set(), 0
    while start < len(flight):
        found |= {start + 1, start + 2}
        start += 5 + int.from_bytes(flight[start + 3 : start + 5], "big")
    return found


def test_lists_of_the_server_are_bounded() -> None:
    """A server that sends 60 certificates and names 300 authorities fills no memory."""
    many = [Authority.root("client CA", key=CLIENT_CA.issued.key)] * 300
    context = server_context(chain=[SERVER_CA.certificate] * 60, named=many)
    seen = handshake(context)[0].handshake
    assert (len(seen.server_chain), len(seen.acceptable_cas)) == (32, 256)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=4), st.sampled_from([0x14, 0x15, 0x16, 0x17]))
def test_no_bytes_raise(bodies: list[bytes], content_type: int) -> None:
    """Neither raw bytes nor well-formed records with nonsense in them."""
    client = TlsClient(PLAN)
    client.start()
    client.take_output()
    for body in bodies:
        assert receive(client, record(content_type, body)) == b""
        client.receive(body)
    client.take_output()
    seen = client.handshake
    assert not seen.complete
    assert not seen.server_verified


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VERSIONS), st.integers(0, 4000), st.integers(1, 255))
def test_no_corrupted_flight_raises_or_completes(version: Version, at: int, flip: int) -> None:
    """One byte changed anywhere in the server's first flight keeps the handshake from its end.

    Save in a record's legacy version, which RFC 8446 §5.1 says to ignore.
    """
    client, server = TlsClient(PLAN), MemoryServer(CONTEXTS[version])
    client.start()
    flight = bytearray(server.receive(client.take_output()))
    versions = legacy_versions(flight)
    at %= len(flight)
    flight[at] ^= flip
    client.receive(bytes(flight))
    meet(client, server)

    assert client.handshake.complete is client.complete
    assert at in versions or client.state != "open"


PLAN = settings_of()
CONTEXTS = {version: server_context(version, server=SERVER) for version in VERSIONS}
