"""What all tests share: a port that refuses, and the rules of the marks `slow` and `serial`."""

from collections.abc import Iterator
from typing import Final

import pytest

# Here and not in the lab's conftest: the controller of pytest-xdist reads this one only.
from tests.lab.stacks_not_run import pytest_terminal_summary
from tests.support.ports import reserved_port
from tests.support.process_guard import ProcessGuard

__all__ = ["pytest_terminal_summary", "refused_port"]

_FAST: Final = ("tests/unit/", "tests/stories/", "tests/contract/")
"""Where a test is fast unless it is marked: what `make test-fast` runs."""
_GUARD: Final = ProcessGuard()


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port of loopback that refuses connections for as long as the test runs."""
    with reserved_port() as port:
        yield port


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """Let fast tests start no process."""
    if item.nodeid.startswith(_FAST) and item.get_closest_marker("slow") is None:
        with _GUARD.on():
            return (yield)
    return (yield)
