"""Streams of documents as kubectl writes and reads them."""

import json

import pytest

from probe.config.sources.manifest import stream
from probe.config.sources.manifest.objects import Problems
from probe.config.sources.manifest.stream import read_stream


def values(raw: bytes) -> tuple[list[object], list[str]]:
    """Return the values of a stream, and its errors."""
    problems = Problems()
    documents = read_stream(raw, "a.yaml", problems)
    return [document.value for document in documents], [str(each) for each in problems.list()]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        (b"---\na: 1\n---\n---\n# only a comment\n---\nb: 2\n---\n", [{"a": 1}, {"b": 2}]),
        (b"--- {a: 1}\n--- # note\nb: 2", [{"a": 1}, {"b": 2}]),
        (b"%YAML 1.2\n---\na: 1\n", [{"a": 1}]),
        (b"a: |\n  ---\n  text\n---\nb: 2", [{"a": "---\ntext\n"}, {"b": 2}]),
        (b"a: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        (b'{"a": 1},\n{"b": 2},\n', [{"a": 1}, {"b": 2}]),
        ("a: 1\n---\nb: é".encode("utf-16"), [{"a": 1}, {"b": "é"}]),
        (b"\xef\xbb\xbfa: 1", [{"a": 1}]),
        (b"", []),
    ],
)
def test_documents(raw: bytes, expected: list[object]) -> None:
    """Each is read by itself."""
    assert values(raw) == (expected, [])


def test_a_broken_document_stops_no_other_and_has_its_line() -> None:
    """Lines are those of the file."""
    found, errors = values(b"a: 1\n---\nb: [\n---\nc: 3\nd: {d: 4, d: 5}\n---\ne: 5")
    assert found == [{"a": 1}, {"e": 5}]
    assert [error.partition(": ")[0] for error in errors] == ["a.yaml:4", "a.yaml:6"]


def test_a_template_is_recognised() -> None:
    """Helm has not rendered it."""
    _, errors = values(b"a: 1\n---\nkind: X\nname: {{ .Values.x }}\n")
    assert "a.yaml:4: holds {{ }}, so it is a template" in errors[0]
    assert "helm template" in errors[0]


def test_what_is_too_large_or_no_text_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is read of it."""
    assert values(b"\xff\xfe\x00")[0] == []
    assert "is not UTF-8" in values(b"a: \xff")[1][0]
    monkeypatch.setattr(stream, "MAX_BYTES", 10)
    assert "is larger than 10 bytes" in values(b"a: 0123456789")[1][0]


def test_the_number_of_documents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is not read, and said so."""
    monkeypatch.setattr(stream, "MOST_DOCUMENTS", 2)
    found, errors = values(b"a: 1\n---\nb: 1\n---\nc: 1\n---\nd: 1")
    assert len(found) == 2
    assert "more than 2 documents" in errors[0]


def test_json_that_nests_without_end_is_an_error() -> None:
    """Neither parser recurses into it."""
    raw = (json.dumps({"a": 1}) + '{"b":' + "[" * 100_000).encode()
    assert values(raw)[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0400", 256),
        ("0644", 420),
        ("0o400", 256),
        ("08", 8),
        ("400", 400),
        ("yes", True),
        ("On", True),
        ("n", False),
        ("OFF", False),
        ("yEs", "yEs"),
        ("true", True),
        ("1.10", 1.1),
        ("text", "text"),
        ("~", None),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_1(text: str, value: object) -> None:
    """As kubectl and Helm read them: a mode of 0400 is octal, and `yes` means true."""
    assert values(f"a: {text}".encode()) == ([{"a": value}], [])
