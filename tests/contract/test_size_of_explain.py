"""`explain` is a table and a small engine: what libraries print is data, never code."""

from typing import Final

from tests.contract.imports import ROOT

MOST_LINES: Final = 1200
"""Of the engine, its command and its output together."""
OUTSIDE: Final = (
    "probe/cli/explain_command.py",
    "probe/report/explanation.py",
    "probe/report/message_table.py",
)


def test_the_engine_stays_small() -> None:
    """A text that needs a line of code is a rule for every text, or belongs into the table."""
    files = [*(ROOT / "probe/messages").glob("*.py"), *(ROOT / each for each in OUTSIDE)]
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)

    assert lines <= MOST_LINES
