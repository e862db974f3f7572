"""Reads a configuration with all that its sources name, http_sd's lists included, off the loop.

A list that cannot be fetched keeps its last good answer, as in Prometheus; a configuration that
has an error is no configuration, and whoever has another one keeps that in force.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import aiohttp
import structlog

from probe.sources.configuration import Configuration
from probe.sources.error import ConfigurationError
from probe.sources.http_sd import fetch, shown

Read = Callable[[Mapping[str, bytes]], Configuration]
"""Reads everything but the lists of http_sd, which it is given; raises ConfigurationError."""

log = structlog.get_logger("mtls_probe")


class Loader:
    """Reads the configuration again and again, and remembers the last good lists."""

    def __init__(self, read: Read, *, user_agent: str) -> None:
        """Take how everything else is read."""
        self._read = read
        self._user_agent = user_agent
        self._lists: dict[str, bytes] = {}

    async def load(self) -> Configuration:
        """Read everything and judge it whole.

        Raises:
            ConfigurationError: with where and what.
            OSError: where a file cannot be read for want of descriptors or memory.
        """
        loaded = await asyncio.to_thread(self._read, dict(self._lists))
        if await self.refresh(lists_of(loaded)):
            loaded = await asyncio.to_thread(self._read, dict(self._lists))
        return loaded

    async def load_without_lists(self) -> Configuration:
        """Read everything but the lists of http_sd, for commands that connect nowhere.

        Raises:
            ConfigurationError: with where and what.
        """
        loaded = await asyncio.to_thread(self._read, {})
        left_out = tuple(
            f"{shown(url)}: this command connects nowhere, so the targets of that list are left out"
            for url in lists_of(loaded)
        )
        return replace(loaded, warnings=(*loaded.warnings, *left_out))

    async def refresh(self, urls: Sequence[str]) -> bool:
        """Fetch the lists at `urls`; return whether one is another than before."""
        if not urls:
            return False
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            changed = await asyncio.gather(*(self._fetch(session, url) for url in urls))
        return any(changed)

    async def _fetch(self, session: aiohttp.ClientSession, url: str) -> bool:
        try:
            raw = await fetch(session, url, user_agent=self._user_agent)
        except ConfigurationError as error:
            log.warning("http_sd_failed", reason=str(error), keeps_last=url in self._lists)
            return False
        changed = self._lists.get(url) != raw
        self._lists[url] = raw
        return changed


def lists_of(configuration: Configuration) -> tuple[str, ...]:
    """Return the URLs of its http_sd sources, whole: only `shown` of them is shown."""
    return tuple(source.url.reveal() for source in configuration.sources if source.url is not None)
