"""What a test run says at its end of the stacks that it could not start."""

import pytest

from tests.lab.stacks_not_run import TESTS, not_run


def skipped(file: str, reason: str) -> pytest.TestReport:
    """Return the report of a test in `file` that was skipped for `reason`."""
    return pytest.TestReport(
        nodeid=f"{file}::test_it",
        location=(file, 1, "test_it"),
        keywords={},
        outcome="skipped",
        longrepr=(file, 1, f"Skipped: {reason}"),
        when="call",
    )


def test_a_stack_is_named_with_what_it_lacks() -> None:
    """The reader learns what to install."""
    report = skipped(TESTS, "nginx-http: not installed: nginx")
    assert list(not_run([report])) == ["lab: not run here: nginx-http (not installed: nginx)"]


def test_other_skipped_tests_are_not_named() -> None:
    """Neither those of other files nor those whose reason has another form."""
    reports = [
        skipped("tests/unit/test_x.py", "nginx-http: not installed: nginx"),
        skipped(TESTS, "unconditional skip"),
    ]
    assert not list(not_run(reports))
