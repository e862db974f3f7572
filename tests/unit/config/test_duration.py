"""Durations are Go's, with days and weeks besides, and nothing else is one."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config import duration
from tests.lab.compiled import go_server
from tests.support.required_tools import missing

GO = Path(__file__).parent / "go" / "parse_duration.go"
SEED = 20261127
TEXTS = 20_000
PIECES = (
    *("ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w", "y", "S", "é"),
    *("-", "+", ".", " ", "0", "1", "9", "00", "5.", ".5", "1.5", "0.9999999999999999999999"),
    *("9223372036854775807", "9223372036854775808", "9223372036854775809", "2562047", "2562048"),
    *("106751", "106752", "1h", "30m", "3s", "foo", "٣", "\x00", "99999999999999999999999999"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("500ms", 0.5),
        ("1µs", 1e-6),
        ("0", 0),
        ("-1s", -1),
        ("1d", 86400),
        ("2w3d", 17 * 86400),
        ("0.5d", 43200),
    ],
)
def test_a_duration_is_gos_or_has_days_and_weeks(text: str, expected: float) -> None:
    """A day has 24 hours and a week 7 days."""
    assert duration.seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "1y", "1 s", "1h??2m", "s", "1.2.3s", "1S", "٣s", "9" * 60 + "h", "-", "+", "."),
        *("5s foo 3s", "foo 3s", "5s foo", "5s,3s", "1h 30m", "--1s", "15251w", ".s", "5s\n"),
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    """Nothing is skipped: neither blanks nor words between two units."""
    with pytest.raises(ValueError):
        duration.seconds(text)


@pytest.mark.parametrize("text", ["1d", "1w", "1h2d"])
def test_what_a_go_program_reads_has_neither_days_nor_weeks(text: str) -> None:
    """A Collector refuses them, whatever the probe's own file may say."""
    assert duration.seconds(text) > 0
    with pytest.raises(ValueError):
        duration.go_seconds(text)


@pytest.mark.slow
def test_every_duration_is_what_go_makes_of_it() -> None:
    """`time.ParseDuration` itself is asked for twenty thousand texts, near ones and wild ones."""
    if shutil.which("go") is None:
        missing("Go is not installed")
    chosen = random.Random(SEED)
    texts = ["".join(chosen.choices(PIECES, k=chosen.randint(0, 6))) for _ in range(TEXTS)]
    asked = "".join(f"{json.dumps(text)}\n" for text in texts)
    ran = subprocess.run([go_server(GO)], input=asked, capture_output=True, text=True, check=True)
    answers = ran.stdout.splitlines()
    assert len(answers) == TEXTS
    taken = 0
    for text, answer in zip(texts, answers, strict=True):
        if answer == "refused":
            with pytest.raises(ValueError):
                duration.go_seconds(text)
        else:
            taken += 1
            assert duration.go_seconds(text) == int(answer) / 1e9, text
    assert taken > TEXTS / 50, f"seed {SEED} brings too few durations to compare"


@given(st.text(max_size=20) | st.from_regex(r"[0-9.]{0,8}(d|w|h|m|s|ms)", fullmatch=True))
def test_any_text_is_a_duration_or_refused_with_a_reason(text: str) -> None:
    """Where Go takes a text it means the same here, days and weeks or not."""
    try:
        found = duration.go_seconds(text)
    except ValueError as error:
        assert str(error)
    else:
        assert duration.seconds(text) == found
