"""Escapes are read wherever they stand, and each character is found again where it came from."""

import html
import json
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.text.escaped_text import read_escapes
from probe.text.secret_register import MASK, SecretRegister

READ: Final = {
    "a%2Fb": "a/b",
    "%C3%BC!": "ü!",
    "%ff%41": "ÿA",
    "100%": None,
    "%zz &c \\d": None,
    "a\\u0026b": "a&b",
    "\\x41\\/\\\\": "A/\\",
    "&lt;&#65;&#x42;&amp;": "<AB&",
    "&#9999999;": "\ufffd",
    "": None,
}


@pytest.mark.parametrize(("text", "read"), READ.items())
def test_each_kind_is_read(text: str, read: str | None) -> None:
    """Percent-encoding, JSON, HTML; what only looks like one stays."""
    found = read_escapes(text)
    assert (None if found is None else found[0]) == read


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Each character has its place, in order, and the last place is the end."""
    found = read_escapes(text)
    if found is not None:
        read, places = found
        assert len(places) == len(read) + 1
        assert places == sorted(places)
        assert places[-1] == len(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_escaped_comes_back(text: str) -> None:
    """Each encoder's output gives the text that it was given."""
    for encoded in (quote(text, safe=""), html.escape(text.replace("\\", "/").replace("%", ""))):
        found = read_escapes(encoded)
        assert (encoded if found is None else found[0]) in {
            text,
            text.replace("\\", "/").replace("%", ""),
        }


@pytest.mark.parametrize("secret", ["Zx&8h<u>9", "a/b&c<d>e&f", "pa'ss(w)0rd!*&"])
def test_a_secret_of_many_special_characters_is_found(secret: str) -> None:
    """No run of it is long enough to be found by itself, however Go's JSON or a browser has it."""
    register = SecretRegister()
    register.add(secret)
    go = json.dumps(secret)[1:-1]
    for char in "&<>":
        go = go.replace(char, f"\\u{ord(char):04x}")
    for echoed in (
        go,
        quote(secret, safe="!'()*"),
        "".join(f"%{byte:02x}" for byte in secret.encode()),
    ):
        assert register.mask(f'{{"message":"no {echoed}"}}') == f'{{"message":"no {MASK}"}}'
