"""Names, at the end of a test run, the stacks of the lab that this machine lacks a program for.

tests/conftest.py imports the hook, which reads the reasons of tests/lab/test_stacks.py.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

TESTS: Final = "tests/lab/test_stacks.py"
_REASON: Final = re.compile(r"Skipped: ([^:]+): (.+)", re.DOTALL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each stack that was not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    for line in sorted(set(not_run(skipped))):
        terminalreporter.write_line(line)


def not_run(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> Iterator[str]:
    """Yield what each skipped test of the stacks did not run, and why."""
    for report in skipped:
        if TESTS not in report.nodeid or not isinstance(report.longrepr, tuple):
            continue
        reason = _REASON.fullmatch(report.longrepr[2])
        if reason is not None:
            yield f"lab: not run here: {reason[1]} ({reason[2]})"
