"""A watch on files under test: what it reported, and when; and systems that report less."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from probe.system.directory_watcher import Notifications
from probe.system.file_watcher import QUICK, watch_files


class Seen:
    """What `watch` reported, and when."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.reported: list[frozenset[str]] = []
        self._more = asyncio.Event()

    async def changed(self, paths: frozenset[str]) -> None:
        """Take a report."""
        self.reported.append(paths)
        self._more.set()

    async def next(self, within: float) -> frozenset[str]:
        """Wait for the next change and return it."""
        async with asyncio.timeout(within):
            while not self.reported:
                self._more.clear()
                await self._more.wait()
        return self.reported.pop(0)

    async def nothing(self, seconds: float) -> None:
        """Fail where something is reported within that time."""
        await asyncio.sleep(seconds)
        assert self.reported == []


@asynccontextmanager
async def watching(
    *paths: Path | str,
    notifications: Notifications | None = None,
    named: Callable[[], list[str]] | None = None,
) -> AsyncIterator[Seen]:
    """Watch `paths` until the end; the watches stand when it begins."""
    seen = Seen()
    known = [str(path) for path in paths]
    task = asyncio.create_task(
        watch_files(named or (lambda: known), seen.changed, notifications=notifications)
    )
    await asyncio.sleep(QUICK + 0.3)
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def refused(*_: object, **__: object) -> Iterator[set[tuple[object, str]]]:
    """Stand in for a system that has no watch left (inotify_add_watch(2): ENOSPC)."""
    raise OSError(28, "No space left on device")
    yield set()


def silent(
    *_: object, stop_event: threading.Event, **__: object
) -> Iterator[set[tuple[object, str]]]:
    """Stand in for a file system that accepts watches and never reports a change."""
    stop_event.wait()
    yield set()
