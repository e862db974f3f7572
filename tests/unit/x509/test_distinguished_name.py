"""A Name is text that is safe to show, whatever strings it is made of."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from probe.x509.der import SEQUENCE, SET, encode, encode_oid
from probe.x509.distinguished_name import MAX_READ_BYTES, format_name, read_common_name
from probe.x509.parse import make_name

KINDS = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.EMAIL_ADDRESS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def attribute(oid: str, tag: int, value: bytes) -> bytes:
    """Return one relative distinguished name."""
    return encode(SET, encode(SEQUENCE, encode(6, encode_oid(oid)), encode(tag, value)))


@given(st.lists(st.tuples(st.sampled_from(KINDS), TEXTS), max_size=4))
def test_usual_names_are_written_as_cryptography_writes_them(
    parts: list[tuple[x509.ObjectIdentifier, str]],
) -> None:
    """RFC 4514: the last attribute first, special characters escaped."""
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])
    assert format_name(name.public_bytes()) == make_name(name).text


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (0x1E, "Bär".encode("utf-16-be"), "CN=Bär"),
        (0x1C, "Bär".encode("utf-32-be"), "CN=Bär"),
        (0x14, b"B\xe4r", "CN=Bär"),
        (0x0C, b"B\xe4r", "CN=Bär"),
        (0x03, b"\x00\x01", "CN=#0001"),
    ],
)
def test_odd_strings_are_read(tag: int, value: bytes, text: str) -> None:
    """Also those for which a runtime refuses the certificate: it still has a name."""
    assert format_name(encode(SEQUENCE, attribute("2.5.4.3", tag, value))) == text


def test_the_last_common_name_counts() -> None:
    """Of two, the one that Go takes; of none, an empty text."""
    both = [attribute("2.5.4.3", 0x0C, value) for value in (b"one", b"two")]
    assert read_common_name(encode(SEQUENCE, *both)) == "two"
    assert read_common_name(encode(SEQUENCE, attribute("2.5.4.10", 0x0C, b"one"))) == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text(der: bytes) -> None:
    """Nothing raises; a long name is described by its length."""
    format_name(der)
    assert format_name(der + bytes(MAX_READ_BYTES + 1)).startswith("a name of ")
