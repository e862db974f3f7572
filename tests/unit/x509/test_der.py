"""Elements are read as DER, or as BER, of whatever bytes there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid, encode, encode_oid, read_bit_string, read_integer


@pytest.mark.parametrize(
    ("data", "strict", "tolerant"),
    [
        ("3003020105", "020105", "020105"),
        ("308103020105", None, "020105"),  # 3 in the long form
        ("30820003020105", None, "020105"),
        ("30800201050000", None, "020105"),  # indefinite
        ("3080308000000000", None, "30800000"),
        ("1f8101020105", None, "0105"),  # a tag above 30
        ("3003", None, None),
        ("30850000000003020105", None, "020105"),
        ("30", None, None),
        ("3080020105", None, None),
        ("048000", None, None),  # indefinite and primitive
    ],
)
def test_lengths_are_read_as_the_rules_say(
    data: str, strict: str | None, tolerant: str | None
) -> None:
    """DER has one form of each length, BER several (X.690 §8.1.3, §10.1)."""
    for is_strict, expected in ((True, strict), (False, tolerant)):
        element = Reader(bytes.fromhex(data), strict=is_strict).read_any()
        assert (element and element.content.hex()) == expected


@given(st.lists(st.tuples(st.sampled_from([2, 4, 0x30, 0x80, 0xA3]), st.binary(max_size=300))))
def test_what_is_encoded_is_read_again(elements: list[tuple[int, bytes]]) -> None:
    """Each element is read back in its order, and nothing is left."""
    reader = Reader(b"".join(encode(tag, content) for tag, content in elements))
    assert [(one.tag, one.content) for one in iter(reader.read_any, None)] == elements
    assert reader.is_empty


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, strict: bool) -> None:
    """A reader never raises, and each step goes forward."""
    reader = Reader(data, strict=strict)
    left = len(reader.rest)
    while reader.read_any() is not None:
        assert len(reader.rest) < left
        left = len(reader.rest)


def test_indefinite_lengths_within_each_other_are_bounded() -> None:
    """A hundred thousand of them do not exhaust the stack."""
    assert Reader(b"\x30\x80" * 100_000, strict=False).read_any() is None


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.1.11", "2.5.29.37.0", "2.999.3", "0.39.1"])
def test_an_oid_is_written_and_read(dotted: str) -> None:
    """Dotted text and contents are two forms of one OID."""
    assert decode_oid(encode_oid(dotted)) == dotted


@given(st.binary(max_size=400))
def test_any_oid_has_a_text(content: bytes) -> None:
    """Malformed and endless ones too: their digits."""
    assert decode_oid(content)


def test_numbers_and_bits_are_checked() -> None:
    """The shortest form is demanded on request; unused bits are zero."""
    assert read_integer(b"\x00\x01") is None
    assert read_integer(b"\x00\x01", strict=False) == 1
    assert read_integer(b"\xff") == -1
    assert read_integer(b"") is None
    assert read_bit_string(b"\x01\x01") is None
    assert read_bit_string(b"\x01\x01", strict=False) == (b"\x01", 1)
    assert read_bit_string(b"\x08\x00") is None
    assert read_bit_string(bytes([asn1.BOOLEAN])) is None
