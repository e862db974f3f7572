"""Whatever is pasted, `explain` gives sound candidates, and soon."""

import json
import time
from typing import Final

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.cli.main import cli
from probe.diagnosis.catalogue import CATALOGUE
from probe.messages.explain import MOST_CANDIDATES, Candidate
from probe.messages.paste import LONGEST
from probe.report.message_table import load_message_table
from tests.support.explanations import explain

SLOWEST: Final = 1.0
"""Seconds for the most hostile paste, on a busy machine."""
KNOWN: Final = sorted(
    {row.text for rows in load_message_table().by_word.values() for row, _ in rows}
)
PIECES: Final = st.sampled_from([*KNOWN, "alert", "remote error:", "\n", "{", "0A000418"])
BIG: Final = 1024 * 1024
HOSTILE: Final = {
    "one huge line": "x" * BIG,
    "one line of many words": "tls " * (BIG // 4),
    "many short lines": "a\n" * (BIG // 2),
    "nothing but breaks": "\n" * BIG,
    "escape sequences": "\x1b[31m" * (BIG // 5),
    "escape sequences that never end": "\x1b]0;title" * (BIG // 10),
    "deep JSON": '{"a":' * (BIG // 5),
    "deep lists": "[" * BIG,
    "a record in each line": '{"msg":"x509: certificate"}\n' * (BIG // 28),
    "JSON that is never closed": '{"msg":"' + "\\" * BIG,
    "escaped quotes": '\\"' * (BIG // 2),
    "escaped breaks": "\\n" * (BIG // 2),
    "NULs": "\x00" * BIG,
    "lone surrogates": "\ud800" * BIG,
    "combining marks": "a" + "\u0301" * BIG,
    "slashes": "/" * BIG,
    "a path": "/a" * (BIG // 2),
    "dots": "a." * (BIG // 2),
    "hyphens": "a-" * (BIG // 2),
    "colons": "a:1" * (BIG // 3),
    "blanks": " " * BIG,
    "quotes": '"' * BIG,
    "entities": "&quot;" * (BIG // 6),
    "times": "2026-11-27T19:58:39Z " * (BIG // 21),
    "frames": "at a.b(c.java:1)\n" * (BIG // 17),
    "causes": "Caused by: x\n" * (BIG // 13),
    "nested causes": "---> " * (BIG // 5),
    "the widest lines": ("w" * 80 + "\n") * (BIG // 81),
    "a row's rarest word": "certificate authority unknown " * (BIG // 30),
    "camel case": "aB" * (BIG // 2),
    "an alert in every line": "remote error: tls: bad certificate\n" * (BIG // 35),
    "packed errors": "error:0A000418:" * (BIG // 15),
    "urls": "https://a.b/c " * (BIG // 14),
    "fields": 'name="' * (BIG // 6),
}


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=30).map(" ".join)))
def test_any_text_gives_sound_candidates(text: str) -> None:
    """Whatever is pasted: no error, known causes, scores from 0 to 1 and falling, no repetition."""
    candidates = explain(text)

    assert len(candidates) <= MOST_CANDIDATES
    assert len({candidate.cause for candidate in candidates}) == len(candidates)
    assert all(isinstance(candidate, Candidate) for candidate in candidates)
    assert all(candidate.cause in CATALOGUE for candidate in candidates)
    assert all(0 < candidate.score <= 1 for candidate in candidates)
    assert all(candidate.why for candidate in candidates)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert explain(text) == candidates


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_paste_is_read_in_a_second(kind: str) -> None:
    """A mebibyte of whatever might make an expression or a parser slow takes no second."""
    explain("warm")
    started = time.process_time()

    explain(HOSTILE[kind])

    assert time.process_time() - started < SLOWEST


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.text(min_size=1, max_size=12), PIECES)
def test_hostile_repetition_is_quick(noise: str, piece: str) -> None:
    """A paste made to be slow, longer than is read, takes no time to speak of."""
    text = f"{piece} {noise}" * (LONGEST // (len(piece) + len(noise)) + 1)
    started = time.process_time()

    explain(text)

    assert time.process_time() - started < SLOWEST


def test_what_lies_beyond_the_cap_is_not_read() -> None:
    """A paste of any length costs as much as the longest that is read."""
    assert explain(" " * LONGEST + "remote error: tls: bad certificate") == ()
    assert explain(" " * (LONGEST - 100) + "remote error: tls: bad certificate") != ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_stdin_may_be_utf_16(encoding: str) -> None:
    """PowerShell writes UTF-16 into files and pipes, with and without a byte order mark."""
    text = "remote error: tls: unknown certificate authority\r\n"

    ran = CliRunner().invoke(cli, ["explain", "-", "--output", "json"], text.encode(encoding))

    assert json.loads(ran.stdout)["candidates"][0]["cause"] == "client_ca_untrusted"


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-16"))))  # fmt: skip
def test_nothing_raw_is_printed(raw: bytes) -> None:
    """Bytes of any kind are read, and no control character of theirs reaches the terminal."""
    ran = CliRunner().invoke(cli, ["explain", "-"], b"tls: " + raw)

    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    assert all(char == "\n" or char.isprintable() for char in ran.output)
