"""What the tests of several files ask for: backends on loopback, configurations from a text."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.backends import Backend
from tests.support.configuration_texts import Load, One, load_target, load_text
from tests.support.demo_pki import PKI
from tests.support.logging_state import forget_logging
from tests.support.loopback_client import Start, backends


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    """Leave nothing of what a test has configured: the next one has streams of its own."""
    level = logging.getLogger("hpack").level
    yield
    if structlog.is_configured():
        forget_logging()
    logging.getLogger("hpack").setLevel(level)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a backend with the arguments given, and stop it after the test."""
    async with backends() as begin:
        yield begin


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """A backend of the demo's with which nothing is wrong."""
    one = PKI.backend("healthy")
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A function that loads a text as `m.yml` of a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return load_text


@pytest.fixture
def one(load: Load) -> One:
    """A function that returns the target which some lines under `targets` describe."""
    return load_target
