"""What every test run has at its end: the lab's stacks that were not run.

It is here and not in the lab's conftest because the controller of pytest-xdist reads this one only.
"""

from tests.lab.not_run import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
