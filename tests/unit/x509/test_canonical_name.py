"""Names that OpenSSL takes for equal have equal canonical forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.x509.canonical_name import STRINGS, canonicalize_for_openssl, has_only
from tests.lab.exporters.generators.chain_builder import name

USUAL = name("Example Root")


@pytest.mark.parametrize("other", ["EXAMPLE root", " Example Root ", "Example   Root"])
def test_case_and_spaces_do_not_matter(other: str) -> None:
    """RFC 5280 §7.1, as x509_name_canon does it."""
    assert canonicalize_for_openssl(name(other)) == canonicalize_for_openssl(USUAL)


def test_the_kind_of_string_does_not_matter() -> None:
    """PrintableString and UTF8String of the same characters."""
    assert canonicalize_for_openssl(name("Example Root", 0x13)) == canonicalize_for_openssl(USUAL)


def test_another_name_is_another() -> None:
    """By one letter."""
    assert canonicalize_for_openssl(name("Example Roof")) != canonicalize_for_openssl(USUAL)


def test_a_surrogate_in_a_bmp_string_cannot_be_read() -> None:
    """OpenSSL then refuses the certificate: `illegal characters`."""
    assert (
        canonicalize_for_openssl(b"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02\xd8\x00")
        is None
    )


def test_a_number_is_not_a_string() -> None:
    """OpenSSL takes strings alone in a name: `mstring wrong tag`."""
    assert has_only(STRINGS, USUAL)
    assert not has_only(
        STRINGS, b"\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x02\x03\x01\x02\x03"
    )


@given(st.binary(max_size=100))
def test_any_bytes_are_answered(value: bytes) -> None:
    """Never an exception, whatever a peer sends."""
    assert canonicalize_for_openssl(value) is None or has_only(STRINGS, value) in {True, False}
