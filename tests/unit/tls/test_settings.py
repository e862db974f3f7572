"""What connections share: the server name that goes on the wire, the lists of authorities."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.certificate import Name
from probe.tls import settings as tls_settings
from probe.tls.settings import KeptAuthorities, encode_server_name
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


def test_an_equal_list_of_authorities_is_read_once() -> None:
    """Whichever target's backend sent it; the same bytes of another version are another list."""
    kept, asked = KeptAuthorities(), list[str]()

    def read(text: str) -> Iterator[Name]:
        asked.append(text)
        yield Name(text=text, digest=text)

    first = kept.get(b"list", lambda: read("CN=one"), tls13=True)
    assert kept.get(b"list", lambda: read("CN=two"), tls13=True) is first
    assert kept.get(b"list", lambda: read("CN=old"), tls13=False) != first
    assert kept.get(b"other", lambda: read("CN=other"), tls13=True) != first
    assert asked == ["CN=one", "CN=old", "CN=other"]


def test_lists_of_authorities_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that names others each time fills nothing, and an empty message is never kept."""
    monkeypatch.setattr(tls_settings, "_MOST_LISTS", 2)
    kept, asked = KeptAuthorities(), list[bytes]()

    def ask(message: bytes) -> None:
        def read() -> tuple[Name, ...]:
            asked.append(message)
            return ()

        kept.get(message, read, tls13=True)

    for message in (b"1", b"2", b"3", b"3", b"1", b"", b""):
        ask(message)
    assert asked == [b"1", b"2", b"3", b"1", b"", b""]
