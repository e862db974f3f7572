"""Watches files by their fingerprints, so that a rename, a rewrite and a `..data` swap are all seen.

The fingerprint alone decides what has changed. Notifications of the directories only say when to
look; a slow poll stays, for they miss what a network file system or an overflow swallows, and a
quick one where a directory cannot be watched.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from probe.directories import Directories, Notifications, places_of

SLOW: Final = 5.0
"""Seconds between two looks at everything, where all directories are watched."""
QUICK: Final = 0.5
"""The same where one is not; more than `AT_ONCE` files take longer in proportion."""
AT_ONCE: Final = 500
PAUSE: Final = 0.1
"""Seconds between a notification and the look."""

Fingerprint = tuple[int, ...]


async def watch(
    paths: Callable[[], Iterable[str]],
    changed: Callable[[frozenset[str]], Awaitable[None]],
    *,
    version: Callable[[], object] = lambda: None,
    notifications: Notifications | None = None,
) -> None:
    """Call `changed` with the paths whose files did, until cancelled.

    Args:
        paths: what to look at, asked before each full look: files may come and go.
        changed: awaited before the next look.
        version: what `paths` depends on; another one brings a full look within `QUICK` seconds.
        notifications: stands in for watchfiles.watch.
    """
    seen = _look(paths())
    directories = Directories(notifications)
    try:
        while True:
            places = places_of(seen)
            fresh = directories.follow(places)
            told = await _told(directories, places, len(seen), version, fresh=fresh)
            now = seen | _look(told) if told else _look(paths())
            # A path that is new, or no longer named, is another set of files, not a changed one.
            different = frozenset(path for path in now.keys() & seen if now[path] != seen[path])
            seen = now
            if different:
                await changed(different)
                # What is named anew is seen from here on, and not only from the next look.
                seen = {path: seen.get(path) or _fingerprint(path) for path in paths()}
    finally:
        directories.stop()


async def _told(
    directories: Directories,
    places: Mapping[str, Sequence[str]],
    files: int,
    version: Callable[[], object],
    *,
    fresh: bool,
) -> frozenset[str]:
    """Return the watched paths that may have changed; none: it is time to look at everything.

    Where the watches are `fresh`, that is soon: they may have missed what came before they stood.
    """
    began, known = time.monotonic(), version()
    while version() == known:
        told = await directories.told(QUICK)
        concerned = frozenset(path for place in told for path in places.get(place, ()))
        if concerned:
            # The other files of the same rotation come along; and nobody looks more often.
            await asyncio.sleep(PAUSE)
            return concerned
        every = SLOW if directories.all_watched and not fresh else QUICK * (1 + files // AT_ONCE)
        if time.monotonic() - began >= every or directories.gone(told):
            break
    return frozenset()


def _look(paths: Iterable[str]) -> dict[str, Fingerprint]:
    return {path: _fingerprint(path) for path in dict.fromkeys(paths)}


def _fingerprint(path: str) -> Fingerprint:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs twice as much
    except OSError as error:
        return (error.errno or -1,)
    except ValueError:
        return (-2,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
