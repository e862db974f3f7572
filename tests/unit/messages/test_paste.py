"""A paste is cut into messages; what is not evidence is left out."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.messages.paste import read_paste


def words(text: str) -> list[str]:
    """Return the words of each message."""
    return [" ".join(message.words) for message in read_paste(text).messages]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T19:58:39.123Z ERROR [http-nio-1] boom: tls failed",
        "Nov 27 19:58:39 node-a7 otelcol[4242]: boom: tls failed",
        "2026-11-27T19:58:39.123456789Z stderr F boom: tls failed",
        "listener-7f9c-x2x4q  | boom: tls failed",
        json.dumps({"level": "error", "host": "tls-1", "msg": "boom: tls failed"}),
        json.dumps({"log": json.dumps({"msg": "boom: tls failed", "logger": "a.b"}) + "\n"}),
        json.dumps({"error": {"message": "boom: tls failed"}, "pod": "x"}, indent=2),
        "\x1b[31mboom: tls failed\x1b[0m",
        "boom: tls failed\n    at Object.<anonymous> (/srv/app/expired/unknown.js:1:2)",
    ],
)
def test_what_stands_around_a_message_is_left_out(text: str) -> None:
    """Heads of records, names, colours and frames do not belong to the message."""
    assert "boom tls failed" in words(text)


def test_causes_are_deeper_than_what_they_caused() -> None:
    """Java prints the innermost last, Python first."""
    java = read_paste("A: outer\n\tat a.b(C.java:1)\nCaused by: B: inner\n").messages
    python = read_paste(
        "B: inner\n\nThe above exception was the direct cause of the following exception:\n\nA: outer"
    ).messages

    assert [message.depth for message in java] == [0, 1]
    assert python[0].depth > python[1].depth
    assert len({message.record for message in (*java, *python)}) == 1


def test_a_line_that_a_terminal_broke_is_one() -> None:
    """Also within a word, where the width is a usual one or many lines have it."""
    text = "x" * 70 + " certificate signed by unknown authority"

    assert "certificate signed by unknown authority" in words(f"{text[:80]}\n{text[80:]}")[0]


def test_a_path_says_which_file_is_meant() -> None:
    """The name of the file, and nothing else of its path."""
    assert words("open /etc/expired/ca.crt: denied") == ["open cafile denied"]
    assert words("open /etc/expired/client.key: denied") == ["open keyfile denied"]
    assert words("open /etc/expired/data.bin: denied") == ["open denied"]


def test_a_message_knows_its_line() -> None:
    """The line of the paste on which its record begins."""
    text = "2026-01-01 00:00:00 one\n2026-01-01 00:00:01 two\n2026-01-01 00:00:02 three"

    assert [message.line for message in read_paste(text).messages] == [1, 2, 3]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=500))
def test_any_text_is_cut_the_same_way_twice(text: str) -> None:
    """Total and deterministic."""
    assert read_paste(text) == read_paste(text)
