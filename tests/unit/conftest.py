"""Backends on loopback that the tests of several rooms ask for."""

from collections.abc import AsyncIterator

import pytest

from probe.demo.backend import Backend
from tests.unit.demo_pki import PKI
from tests.unit.loopback_client import Start, backends


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
