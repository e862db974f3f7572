"""Nothing that a peer or a file supplies can act on a terminal, a log or a page."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.text.safe_text import LIMIT, safe_text

ANYTHING = st.one_of(
    st.binary(max_size=600),
    st.text(st.characters(exclude_categories=()), max_size=600),
    st.text(st.characters(categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=300),
)
VISIBLE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=LIMIT)


@settings(max_examples=200)
@given(ANYTHING, st.integers(1, 300))
def test_what_comes_out_is_one_short_printable_line(raw: str | bytes, limit: int) -> None:
    """Whatever goes in: no control, bidi or line break, no lone surrogate, and within the limit."""
    shown = safe_text(raw, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()


@settings(max_examples=100)
@given(ANYTHING)
def test_twice_is_once(raw: str | bytes) -> None:
    """What has passed the gate passes it again unchanged."""
    assert safe_text(safe_text(raw)) == safe_text(raw)


@settings(max_examples=100)
@given(VISIBLE)
def test_what_can_be_shown_is_not_touched(text: str) -> None:
    """Letters, digits, signs and spaces of every script; bytes are read as UTF-8."""
    assert safe_text(text) == text
    assert safe_text(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("", ""),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\r\nb\tc\0", "a\\x0d\\x0ab\\x09c\\x00"),
        ("\x9b2J", "\\x9b2J"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("a\u2028b\u2029c\u200bd\ufeff", "a\\u2028b\\u2029c\\u200bd\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\ue000\U000f0000", "\\ue000\\U000f0000"),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        ("日本語 ✓", "日本語 ✓"),
    ],
)
def test_what_cannot_be_shown_stands_as_its_escape(raw: str | bytes, shown: str) -> None:
    """So that two different inputs stay visibly different."""
    assert safe_text(raw) == shown


def test_a_cut_is_marked() -> None:
    """At the limit nothing is cut; one beyond it, an ellipsis says so, escapes counted."""
    assert safe_text("x" * LIMIT) == "x" * LIMIT
    assert safe_text("x" * (LIMIT + 1)) == "x" * (LIMIT - 1) + "…"
    assert safe_text("\x00" * 100) == ("\\x00" * 100)[: LIMIT - 1] + "…"
    assert safe_text("x" * 10_000_000, 5) == "xxxx…"
