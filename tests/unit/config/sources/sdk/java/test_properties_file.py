"""A properties file is read as java.util.Properties reads it."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.sdk.java.properties_file import list_properties, read_properties

SPECIAL = string.ascii_letters + " =:\t\f\\\n\r#!é😀\ufeff\x85\u2028\x0b"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a=b", "a", "b"),
        ("a : b", "a", "b"),
        ("a b=c", "a", "b=c"),
        ("a", "a", ""),
        ("  a  =  b  ", "a", "b  "),
        (r"a\=b=c", "a=b", "c"),
        (r"a\ b\:c:d", "a b:c", "d"),
        ("a=b\\\n   c", "a", "bc"),
        ("a=b\\\r\n\tc", "a", "bc"),
        ("a=b\\\\\nc=d", "a", "b\\"),
        ("a=b\\", "a", "b"),
        ("\\\n# no property\na=b", "a", "b"),
        ("a=1\\\n# goes on", "a", "1# goes on"),
        (r"a=\u0041\t\q", "a", "A\tq"),
        (r"a=\ud83d\ude00", "a", "😀"),
        ("a=1\x85b=2", "a", "1\x85b=2"),
        ("\ufeffa=1", "\ufeffa", "1"),
        ("a==b", "a", "=b"),
        ("a=first\na=last", "a", "last"),
    ],
)
def test_each_rule_of_the_format(text: str, key: str, value: str) -> None:
    """Separators, escapes, continuation, comments, repetition."""
    assert read_properties(text.encode())[key] == value


@pytest.mark.parametrize("text", ["# a=b", "! a=b", "  \t# a=b", "", "\n\r\n \f\n", "\\\n\\\n"])
def test_comments_and_blank_lines_hold_nothing(text: str) -> None:
    """A comment does not go on in the next line."""
    assert read_properties(text.encode()) == {}


def test_a_comment_does_not_go_on() -> None:
    """Its backslash is a part of it."""
    assert read_properties(b"# a \\\nb=c") == {"b": "c"}


def test_what_is_not_utf_8_becomes_a_replacement_character() -> None:
    """The agent's reader replaces it; one that reads bytes takes Latin-1."""
    assert read_properties(b"a=\xe9") == {"a": "\ufffd"}
    assert read_properties(b"a=\xe9", "latin-1") == {"a": "é"}


@pytest.mark.parametrize("text", ["ok=1\na=\\u00", "x=1\na\\uzzzz=1"])
def test_java_reads_nothing_of_a_file_with_half_an_escape(text: str) -> None:
    """The error has the line, and none of the values."""
    with pytest.raises(ValueError, match=r"^line 2: \\u is not followed by four") as caught:
        read_properties(text.encode())
    assert "00" not in str(caught.value)


@given(st.dictionaries(st.text(SPECIAL, min_size=1), st.text(SPECIAL)))
def test_what_is_escaped_is_read_back(properties: dict[str, str]) -> None:
    """Every character that means something can be escaped."""

    def escape(text: str) -> str:
        plain = re.sub(r"([ =:\\#!])", r"\\\1", text)
        names = {"\t": r"\t", "\f": r"\f", "\n": r"\n", "\r": r"\r"}
        return "".join(names.get(char, char) for char in plain)

    text = "\n".join(f"{escape(key)}={escape(value)}" for key, value in properties.items())

    assert read_properties(text.encode()) == properties


@given(st.text(SPECIAL + "u0041d83"))
def test_every_text_is_read_or_refused_with_a_line(text: str) -> None:
    """Lines count from 1, in the file's order."""
    try:
        lines = [each.line for each in list_properties(text)]
    except ValueError as error:
        assert re.match(r"line \d+: ", str(error))
    else:
        assert lines == sorted(lines)


@given(st.binary())
def test_any_bytes_are_read(raw: bytes) -> None:
    """What is not text is replaced."""
    try:
        found = read_properties(raw)
    except ValueError:
        return
    "".join((*found, *found.values())).encode()
