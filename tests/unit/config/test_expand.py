"""References in a configuration expand as the Collector's confmap expands them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.expand import Expansion, expand, find_reference
from probe.config.location import Location
from probe.config.yaml_document import Document, Expanded, Place
from probe.text.description import describe_value

FILES = {
    "/token": "s3cret\n",
    "/list": "[1, 2]",
    "/pem": "-----BEGIN X-----\nMII\n-----END X-----\n",
}


def read(name: str) -> str:
    """Return a file of `FILES`."""
    if name not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[name]


def run(value: Any, environ: Mapping[str, str] | None = None) -> Expansion:
    """Expand `value`."""
    at = Location(Document("f.yml", value, Place(1)))
    return expand(value, at, environ=environ or {}, read_file=read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Bearer ${env:TOKEN}", "Bearer abc"),
        ("${TOKEN}", "abc"),
        ("${env:NOT_SET:-fallback}", "fallback"),
        ("${env:EMPTY:-fallback}x", "x"),
        ("a${yaml:b}c", "abc"),
        ("a ${file:/list}", "a [1, 2]"),
        ("${file:/pem}", FILES["/pem"]),
        ("${env:${env:NAME}}", "abc"),
        ("${env:INDIRECT}", "abc"),
        ("no ${ end", "no ${ end"),
        ("no start }", "no start }"),
        ("$TOKEN", "$TOKEN"),
        ("cost$$", "cost$"),
        ("${env:BROKEN}", "a: b: c"),
    ],
)
def test_text_expands(text: str, expected: str) -> None:
    """A reference gives text, and everything else stays as it is."""
    environ = {
        "TOKEN": "abc",
        "EMPTY": "",
        "NAME": "TOKEN",
        "INDIRECT": "${env:TOKEN}",
        "BROKEN": "a: b: c",
    }
    assert run(text, environ).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$${env:X}", "${env:X}"),
        ("$$${env:X}", "$v"),
        ("$$$${env:X}", "$${env:X}"),
        ("$${env:X} ${env:X}", "$v v"),
    ],
)
def test_an_odd_number_of_dollars_escapes(text: str, expected: str) -> None:
    """`$` before `${` escapes it; the last case is confmap's own replace-all."""
    assert run(text, {"X": "v"}).value == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("0123", 123), ("true", True), ("[a, b]", ["a", "b"]), ("{a: 1}", {"a": 1}), ("", None)],
)
def test_a_whole_value_is_read_as_yaml(raw: str, expected: object) -> None:
    """A value that is one reference keeps both what YAML reads and the exact text."""
    assert run("${env:X}", {"X": raw}).value == Expanded(expected, raw)


def test_a_whole_value_that_is_text_is_exact() -> None:
    """A token's line break and quotes stay, as configtls needs them for a PEM."""
    assert run("${env:X}", {"X": '"quoted"\n'}).value == '"quoted"\n'


def test_references_within_a_referenced_mapping_expand() -> None:
    """What a reference gives is expanded again, wherever the references stand in it."""
    value = run("${env:X}", {"X": "a: ${env:Y}", "Y": "deep"}).value
    assert value == Expanded({"a": "deep"}, "a: deep")


def test_lists_and_mappings_expand_and_keys_do_not() -> None:
    """Values expand at every depth; a key is never a reference."""
    value = {"${env:X}": ["${env:X}", {"a": "b${env:X}"}, 5]}
    assert run(value, {"X": "v"}).value == {"${env:X}": ["v", {"a": "bv"}, 5]}


def test_an_unset_variable_is_empty_and_warned_about() -> None:
    """The Collector warns and goes on; so do we, and the warning says where."""
    result = run({"a": ["x${env:NOT_SET}"]})
    assert result.value == {"a": ["x"]}
    assert result.warnings == ("a[0]: the variable NOT_SET is not set and expands to nothing",)


def test_a_set_variable_is_not_warned_about() -> None:
    """An empty variable is set."""
    assert run("x${env:X}", {"X": ""}).warnings == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${https://x}", "${https://x}"),
        ("${NAME:-default}", "${NAME:-default}"),
        ("${env:1X}", "1X"),
        ("${env:}", ""),
        ("${file:/missing}", "/missing"),
        ("${env:A$B}", "${env:A$B}"),
        ("${env:LATIN1}", "LATIN1"),
    ],
)
def test_what_cannot_expand_is_an_error_with_its_facts(text: str, found: str) -> None:
    """The error says where the reference stands and shows it."""
    with pytest.raises(ConfigurationError) as caught:
        run({"a": [text]}, {"LATIN1": b"\xe9".decode("utf-8", "surrogateescape")})
    assert caught.value.key == "a[0]"
    assert caught.value.found == describe_value(found, caught.value.allowed)


@pytest.mark.parametrize(
    "raw", ["${env:X}", "${env:X}${env:X}", "- ${env:X}", "a: ${env:X}", "- - - - ${env:X}"]
)
def test_references_without_end_are_an_error(raw: str) -> None:
    """A variable that leads back to itself is refused, not followed."""
    with pytest.raises(ConfigurationError):
        run("${env:X}", {"X": raw})


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("${a}", "${a}"),
        ("${a${b}}", "${b}"),
        ("$${a}${b}", "${b}"),
        ("}${a}", "${a}"),
        ("${a", None),
        ("", None),
    ],
)
def test_the_innermost_reference_comes_first(text: str, reference: str | None) -> None:
    """The same order as confmap's findURI."""
    assert find_reference(text) == reference


pieces = st.sampled_from(
    [
        "$",
        "$$",
        "${",
        "}",
        "env:",
        "file:",
        "yaml:",
        "A",
        "B",
        ":-",
        "/token",
        "[",
        "- ",
        ": ",
        "\n",
    ]
)
texts = st.lists(pieces, max_size=14).map("".join) | st.text(max_size=30)


@settings(max_examples=300, deadline=None)
@given(text=texts, first=texts, second=texts)
def test_expansion_is_total(text: str, first: str, second: str) -> None:
    """Any text and any environment give a value or an ConfigurationError."""
    with suppress(ConfigurationError):
        assert set(run({"k": text}, {"A": first, "B": second}).value) == {"k"}
