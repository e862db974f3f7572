"""What all tests share: a port that refuses, and the list of the lab's stacks that were not run."""

from collections.abc import Iterator

import pytest

# Here and not in the lab's conftest: the controller of pytest-xdist reads this one only.
from tests.lab.stacks_not_run import pytest_terminal_summary
from tests.support.ports import reserved_port

__all__ = ["pytest_terminal_summary", "refused_port"]


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port of loopback that refuses connections for as long as the test runs."""
    with reserved_port() as port:
        yield port
