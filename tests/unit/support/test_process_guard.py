"""A fast test that starts a process is found out."""

import asyncio
import subprocess
import sys

import pytest


def test_a_fast_test_starts_no_process() -> None:
    """This one is not marked, so it may not."""
    with pytest.raises(AssertionError, match="is marked slow"):
        subprocess.run([sys.executable, "--version"], check=True)


async def test_neither_does_asyncio_start_one_for_it() -> None:
    """Asyncio's processes are the same ones."""
    with pytest.raises(AssertionError, match="is marked slow"):
        await asyncio.create_subprocess_exec(sys.executable, "--version")


@pytest.mark.slow
def test_a_slow_one_may() -> None:
    """The mark is what it is for."""
    subprocess.run([sys.executable, "--version"], check=True, stdout=subprocess.DEVNULL)
