"""YAML becomes plain values whose lines are known, or an error with a line."""

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config import yaml_document
from probe.config.errors import ConfigurationError
from probe.config.yaml_document import MAX_BYTES, MAX_DEPTH, parse_yaml

SAMPLE = """\
# a comment
targets:
  - name: one
    tls:
      ca_file: /a
  - name: two
    labels: {team: x}
web:
  listen: ":1"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("targets",), 2),
        (("targets", 0), 3),
        (("targets", 0, "tls"), 4),
        (("targets", 0, "tls", "ca_file"), 5),
        (("targets", 1, "labels", "team"), 7),
        (("targets", 0, "missing"), 3),
        (("targets", 9), 2),
        (("web", "listen"), 9),
    ],
)
def test_every_key_has_its_line(path: tuple[str | int, ...], line: int) -> None:
    """The line is that of the key; a key that is not there has its parent's."""
    assert parse_yaml(SAMPLE).line(path) == line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("true", True),
        ("yes", "yes"),
        ("on", "on"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("12:30:45", "12:30:45"),
        ("2026-11-22", "2026-11-22"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!float 5", 5.0),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
        ("[a:1, https://b:2]", ["a:1", "https://b:2"]),
        ("{a: b:1, c: [::1]}", {"a": "b:1", "c": ["::1"]}),
        ("5: x", {"5": "x"}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    """The core schema: no yes and no, no sexagesimals, no dates; keys are text."""
    result = parse_yaml(text).value
    assert result == value
    assert type(result) is type(value)


def test_anchors_and_merges_work() -> None:
    """`<<` fills up what the mapping does not set itself, as the Collector's parser does."""
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}]}\nd: *a\n"
    document = parse_yaml(text)
    assert document.value["b"] == {"x": 1, "y": 3}
    assert document.value["c"] == {"x": 1, "y": 2, "z": 4}
    assert document.value["d"] == {"x": 1, "y": 2}
    assert document.line(("d",)) == 4
    assert document.line(("d", "x")) == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: [", (2, 3), "is not YAML"),
        ("a: 1\nb: c: d", (2,), "is not YAML"),
        ("a: 1\n\tb: 2", (2,), "is not YAML"),
        ("a: 1\nb: 'x", (2,), "is not YAML"),
        ("a: 1\nb: \x07", (2,), "a character that YAML does not allow"),
        ("a: 1\nb: \ud800", (2,), "a character that YAML does not allow"),
        ("a: 1\n---\nb: 2", (2,), "a second document"),
        ('a: "\\ud800"', (1,), ""),
        ("a: *nothing", (1,), "an alias of nothing"),
        ("a: &a [*a]", (1,), "an alias of nothing"),
        ("a: !!python/name:os.system x", (1,), "a tag that is not known"),
        ("a: !!int x", (1,), "does not fit its tag"),
        ("? [a]\n: b", (1,), "a key must be text"),
        ("a: 1\n<<: 5", (2,), "<< takes a mapping"),
    ],
)
def test_what_is_not_yaml_has_its_line(text: str, line: tuple[int, ...], reason: str) -> None:
    """Each fault is named with the line on which it stands."""
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml(text, "f.yml")
    assert reason in caught.value.reason
    assert caught.value.line in line
    assert caught.value.file == "f.yml"


def test_a_key_set_twice_is_an_error() -> None:
    """The second line is shown and the first is named."""
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml("t:\n  - tls:\n      insecure: true\n      insecure: false\n")
    assert caught.value.key == "t[0].tls.insecure"
    assert caught.value.line == 4
    assert "line 3" in caught.value.reason


def test_bytes_that_are_no_utf8_have_their_line() -> None:
    """A Latin-1 file is named as such, not misread."""
    with pytest.raises(ConfigurationError, match="UTF-8") as caught:
        parse_yaml(b"a: 1\nb: \xe9\n")
    assert caught.value.line == 2


def test_size_and_depth_are_bounded() -> None:
    """A file that is too large or too deep is refused at once; one just below is not."""
    with pytest.raises(ConfigurationError, match="larger"):
        parse_yaml(b"#" * (MAX_BYTES + 1))
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH).value
    with pytest.raises(ConfigurationError, match="deeper"):
        parse_yaml("[" * 100_000)


def test_aliases_cannot_multiply_without_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten lists of ten aliases each are a billion values in a few lines: refused; two are not."""
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    bomb += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    with pytest.raises(ConfigurationError, match="aliases"):
        parse_yaml(bomb)
    assert parse_yaml("\n".join(bomb.splitlines()[:2])).value
    monkeypatch.setattr(yaml_document, "MAX_ALIASED", 109)
    with pytest.raises(ConfigurationError, match="aliases"):
        parse_yaml("\n".join(bomb.splitlines()[:2]))


pieces = st.sampled_from(
    [
        "a",
        "5",
        ": ",
        "- ",
        "\n",
        "  ",
        "&a ",
        "*a",
        *"[]{},'\"|#~%\t",
        "<<",
        "!!int ",
        "? ",
        "---\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=24).map("".join) | st.text(max_size=40))
def test_any_text_is_a_document_or_an_error(text: str) -> None:
    """Nothing else ever comes out, and a line lies within the text."""
    with suppress(ConfigurationError):
        assert 1 <= parse_yaml(text).line(()) <= text.count("\n") + text.count("\r") + 4


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_document_or_an_error(raw: bytes) -> None:
    """A binary file in the configuration's place is an error, not a crash."""
    with suppress(ConfigurationError):
        assert parse_yaml(raw, "f").file == "f"
