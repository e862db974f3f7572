"""`check --wait`: the sources are waited for first, within the same time as the targets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from probe.cli.load_configuration import report_warnings

if TYPE_CHECKING:
    from probe.config.configuration import Configuration
    from probe.config.loader import ConfigurationLoader

PAUSE: Final = 1.0
"""Seconds between two readings."""


def loaded_within(loading: ConfigurationLoader, limit: float) -> tuple[Configuration, float]:
    """Return what `loading` reads, and the seconds of `limit` that are left then.

    It is read again for as long as a source is down or there is nothing to probe, and time is
    left: a list that a server does not have yet, or a file that is written by another container.
    An environment that names no file cannot change, and is not waited for.
    Warnings go to stderr, once.

    Raises:
        ConfigurationError: where it has an error.
    """
    loaded, left = asyncio.run(_load(loading, limit))
    report_warnings(loaded)
    return loaded, left


async def _load(loading: ConfigurationLoader, limit: float) -> tuple[Configuration, float]:
    end = time.monotonic() + limit
    while True:
        loaded = await loading.load()
        missing = loaded.nothing_to_probe or not all(each.up for each in loaded.source_states)
        left = end - time.monotonic()
        if not missing or left < PAUSE or not loaded.files:
            return loaded, max(left, 0.0)
        await asyncio.sleep(PAUSE)
