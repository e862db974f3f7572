"""The progress line: how far a check is, and what is wrong, for whoever watches a terminal."""

import io
import os
import sys
import termios
from contextlib import suppress

import pytest
from rich.cells import cell_len

from probe.report.progress import show_progress


def on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, total: int, *reported: tuple[str, bool]
) -> list[str]:
    """Return what a terminal of so many columns got as its progress line, one after another."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with os.fdopen(theirs, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with show_progress(total) as tell:
            for name, expected in reported:
                tell(name, expected)
    parts = []
    # The other end is closed, so that what is still on its way comes before the end (EIO).
    with suppress(OSError):
        while part := os.read(ours, 65536):
            parts.append(part)
    os.close(ours)
    shown = b"".join(parts).decode()
    assert shown.startswith("\r\x1b[K")
    return shown.split("\r\x1b[K")[1:]


def test_progress_says_how_far_and_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """From before the first attempt ends; the line is erased at the end."""
    reported = (("a", True), ("b", False), ("c", False), ("b", True))
    assert on_a_terminal(monkeypatch, 80, 3, *reported) == [
        "0 of 3 tried",
        "1 of 3 tried",
        "2 of 3 tried, 1 not as expected: b",
        "3 of 3 tried, 2 not as expected: b, c",
        "3 of 3 tried, 4 attempts, 1 not as expected: c",
        "",
    ]


def test_progress_names_a_few_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """And counts the others."""
    *_, last, _ = on_a_terminal(monkeypatch, 80, 9, *((name, False) for name in "abcde"))
    assert last == "5 of 9 tried, 5 not as expected: a, b, c and 2 more"


@pytest.mark.parametrize("name", ["漢字" * 30, "x" * 90, "\x1b[2J\n\u202e\udcff" * 9])
def test_progress_stays_one_line_whatever_a_target_is_called(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A line that wrapped could not be erased; a control character would act."""
    for line in on_a_terminal(monkeypatch, 60, 1, (name, False)):
        assert cell_len(line) < 60
        assert line.isprintable()


def test_progress_is_for_who_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to a file; nothing to a terminal where nobody wants it."""
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with show_progress(2) as tell:
        tell("a", False)
    assert file.getvalue() == ""
    monkeypatch.setattr(file, "isatty", lambda: True)
    with show_progress(2, shown=False) as tell:
        tell("a", False)
    assert file.getvalue() == ""
