"""Bytes of which nobody says the encoding become the text that was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.text.decoding import decode_text

TEXT = "remote error: tls: bad certificate, für …\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_usual_encodings_are_recognised(encoding: str) -> None:
    """With and without a mark, as editors, PowerShell and old systems write them."""
    assert decode_text(TEXT.encode(encoding)) == TEXT


def test_a_text_that_is_cut_within_a_character_is_still_utf_8() -> None:
    """The last bytes of a paste that is too long do not make it something else."""
    assert decode_text("für".encode() + "…".encode()[:2]).startswith("für")


def test_a_mark_alone_makes_no_utf_16() -> None:
    """Bytes that begin like a mark and go on as ASCII stay readable."""
    assert "tls: bad" in decode_text(b"\xff\xfe\n tls: bad")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_text(data: bytes) -> None:
    """Whatever is piped in, there is a text of about its length."""
    assert len(decode_text(data)) <= len(data)
