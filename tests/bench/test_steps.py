"""An attempt takes as many steps as it did: counts, which neither load nor the machine changes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from tests.bench.attempts import count_calls, make_target
from tests.bench.backends import serving
from tests.bench.steps import CALLS, COUNTED, LARGEST, SMALLEST, count_system_calls
from tests.support.required_tools import missing

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="counted on Python 3.11"),
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The folder and the port of a backend that accepts."""
    folder = tmp_path_factory.mktemp("backend")
    with serving(folder) as (port, _):
        yield folder, port


def compare(name: str, counted: float) -> None:
    """Hold `counted` against what was recorded."""
    recorded = COUNTED[name]
    assert counted <= recorded * LARGEST, (
        f"{name}: {counted:g} in an attempt, and it was {recorded:g}"
    )
    assert counted >= recorded * SMALLEST, (
        f"{name}: only {counted:g} in an attempt; write that into COUNTED of tests/bench/steps.py"
    )


def test_an_attempt_calls_as_few_functions_as_it_did(backend: tuple[Path, int]) -> None:
    """An attempt that succeeds calls no more functions of Python and C than was recorded."""
    folder, port = backend

    compare("functions called", count_calls(make_target(folder, port, "grpc"), CALLS))


def test_an_attempt_makes_as_few_system_calls_as_it_did(backend: tuple[Path, int]) -> None:
    """An attempt that succeeds makes no more system calls than was recorded."""
    if which("strace") is None:
        missing("strace is not installed")
    folder, port = backend

    compare("system calls", count_system_calls(folder, port, "grpc"))
