"""The server name indication: names go on the wire, addresses never."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.tls.settings import encode_server_name
from tests.support.memory_peer import (
    handshake,
    server_context,
    settings_of,
)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "2001:db8::1"])
def test_an_address_is_never_sent_as_server_name(address: str) -> None:
    """RFC 6066 §3; a host name is."""
    _, without = handshake(server_context(), settings_of(reference=address))
    _, with_name = handshake(server_context(), settings_of(reference="localhost"))

    assert without.complete
    assert without.connection.get_servername() is None
    assert with_name.connection.get_servername() == b"localhost"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("", b""),
        ("10.0.0.1", b""),
        ("fe80::1%eth0", b""),
        ("collector.example.com.", b"collector.example.com"),
        ("bücher.example", b"xn--bcher-kva.example"),
    ],
)
def test_the_server_name_as_it_goes_on_the_wire(name: str, sent: bytes) -> None:
    """A-labels, and no trailing dot."""
    assert encode_server_name(name) == sent


@settings(max_examples=50)
@given(st.text())
def test_any_server_name_can_be_tried(name: str) -> None:
    """A name that is too long for DNS does not raise."""
    sent = encode_server_name(name)
    assert sent.isascii()
    assert not sent.endswith(b".") or not name.isascii()
