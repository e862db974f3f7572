"""Whether bytes have the shape of an ASN.1 type, read as OpenSSL's decoder reads it."""

from hypothesis import given
from hypothesis import strategies as st

from probe.x509 import templates
from probe.x509.templates import has_shape
from tests.lab.exporters.generators.chain_case import make_case

CERTIFICATE = make_case("usual").chain[0]


def test_a_certificate_has_the_shape_of_one() -> None:
    """Strictly and tolerantly."""
    assert has_shape(CERTIFICATE, templates.CERTIFICATE)
    assert has_shape(CERTIFICATE, templates.CERTIFICATE, strict=True)


def test_only_a_strict_reader_minds_what_stands_behind() -> None:
    """Extensions' values are decoded from their beginning."""
    value = b"\x30\x03\x01\x01\xff"
    assert has_shape(value + b"\0", templates.BASIC_CONSTRAINTS)
    assert not has_shape(value + b"\0", templates.BASIC_CONSTRAINTS, strict=True)


def test_a_sequence_ends_with_its_last_field() -> None:
    """`sequence length mismatch` in OpenSSL."""
    assert not has_shape(b"\x30\x05\x01\x01\xff\x05\x00", templates.BASIC_CONSTRAINTS)


def test_a_name_of_an_unknown_kind_is_refused() -> None:
    """GeneralName has the tags 0 to 8 (RFC 5280 §4.2.1.6)."""
    assert has_shape(b"\x30\x03\x82\x01a", templates.GENERAL_NAMES)
    assert not has_shape(b"\x30\x03\x89\x01a", templates.GENERAL_NAMES)


@given(value=st.binary(max_size=200), strict=st.booleans())
def test_any_bytes_are_answered(value: bytes, strict: bool) -> None:
    """Never an exception, whatever a peer sends."""
    for template in (templates.CERTIFICATE, templates.NAME_CONSTRAINTS, templates.GENERAL_NAMES):
        assert has_shape(value, template, strict=strict) in {True, False}
