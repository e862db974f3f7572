"""Reads a configuration with all that its sources name, http_sd's lists included, off the loop.

A source that cannot be read keeps what it held before, and says so. A configuration that has an
error itself is not used: the one before it stays in force.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import aiohttp

from probe.config.configuration import Configuration
from probe.config.errors import ConfigurationError
from probe.config.sources.http_sd import fetch, shown

Answers = Mapping[str, bytes | ConfigurationError]
"""What each http_sd URL has answered last, or why it has not."""

Read = Callable[[Answers], Configuration]
"""Reads everything but the lists of http_sd, which it is given; raises ConfigurationError."""


class Loader:
    """Reads the configuration again and again, and remembers the last answers of lists."""

    def __init__(self, read: Read, *, user_agent: str) -> None:
        """Take how everything else is read."""
        self._read = read
        self._user_agent = user_agent
        self._answers: dict[str, bytes | ConfigurationError] = {}

    async def load(self) -> Configuration:
        """Read everything, fetch the lists, and judge it whole.

        Raises:
            ConfigurationError: with where and what.
            OSError: where a file cannot be read for want of descriptors or memory.
        """
        loaded = await self.read()
        if await self.refresh(lists_of(loaded)):
            loaded = await self.read()
        return loaded

    async def read(self) -> Configuration:
        """Read everything with the lists as they were fetched last: no network is waited for.

        Raises:
            ConfigurationError: with where and what.
            OSError: where a file cannot be read for want of descriptors or memory.
        """
        return await asyncio.to_thread(self._read, dict(self._answers))

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
        """Fetch the lists at `urls` and forget others; return whether one is another than before."""
        self._answers = {url: self._answers[url] for url in urls if url in self._answers}
        if not urls:
            return False
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            changed = await asyncio.gather(
                *(self._fetch(session, url) for url in dict.fromkeys(urls))
            )
        return any(changed)

    async def _fetch(self, session: aiohttp.ClientSession, url: str) -> bool:
        answer: bytes | ConfigurationError
        try:
            answer = await fetch(session, url, user_agent=self._user_agent)
        except ConfigurationError as error:
            answer = error
        before = self._answers.get(url)
        self._answers[url] = answer
        return not _same(before, answer)


def _same(before: bytes | ConfigurationError | None, answer: bytes | ConfigurationError) -> bool:
    if isinstance(answer, ConfigurationError):
        return isinstance(before, ConfigurationError) and str(before) == str(answer)
    return before == answer


def lists_of(configuration: Configuration) -> tuple[str, ...]:
    """Return the URLs of its http_sd sources, whole: only `shown` of them is shown."""
    return tuple(source.url.reveal() for source in configuration.sources if source.url is not None)
