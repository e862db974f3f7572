"""A watch on files under test: what it reported, and when; and systems that report less."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from probe.system.directory_watcher import DirectoryWatcher
from probe.system.file_watcher import QUICK, watch_files
from probe.system.inotify import Inotify


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
    notifications: Callable[[Iterable[str]], Inotify] = Inotify,
    named: Callable[[], list[str]] | None = None,
) -> AsyncIterator[Seen]:
    """Watch `paths` until the end; the watches stand when it begins."""
    seen = Seen()
    known = [str(path) for path in paths]
    directories = DirectoryWatcher(notifications)
    task = asyncio.create_task(
        watch_files(named or (lambda: known), seen.changed, directories=directories)
    )
    await asyncio.sleep(QUICK + 0.3)
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def refused(_: Iterable[str]) -> Inotify:
    """Stand in for a system that has no instance left (inotify_init(2): EMFILE)."""
    raise OSError(24, "Too many open files")


def silent(directories: Iterable[str]) -> Inotify:
    """Stand in for a file system that accepts watches and never reports a change."""
    inotify = Inotify(())
    inotify.watched = frozenset(directories)
    return inotify
