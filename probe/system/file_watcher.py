"""Watches files by their fingerprints, so that a rename, a rewrite and a `..data` swap are all seen.

The fingerprint alone decides what has changed. Notifications of the directories only say when to
look; a slow poll stays, for they miss what a network file system or an overflow swallows, and a
quick one where a directory cannot be watched.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from probe.system.directory_watcher import DirectoryWatcher, Notifications, map_watched_places
from probe.system.file_fingerprint import Fingerprint, read_fingerprint

SLOW: Final = 5.0
"""Seconds between two looks at everything."""
QUICK: Final = 0.5
"""Seconds between two looks at what cannot be watched; more than `AT_ONCE` files take longer in
proportion."""
AT_ONCE: Final = 500
_Result = TypeVar("_Result")

PAUSE: Final = 0.1
"""Seconds between a notification and the look."""


async def watch_files(
    paths: Callable[[], Iterable[str]],
    changed: Callable[[frozenset[str]], Awaitable[None]],
    *,
    version: Callable[[], object] = lambda: None,
    notifications: Notifications | None = None,
) -> None:
    """Call `changed` with the paths whose files did, until cancelled.

    Args:
        paths: what to look at, asked before each full look: files may come and go. One that ends
            in "/" is a directory; it changes when an entry comes or goes.
        changed: awaited before the next look.
        version: what `paths` depends on; another one brings a full look within `QUICK` seconds.
        notifications: stands in for watchfiles.watch.
    """
    seen = await _look_at(paths())
    directories = DirectoryWatcher(notifications)
    try:
        while True:
            now = await _wait_for_look(directories, seen, paths, version)
            # A path that is new, or no longer named, is another set of files, not a changed one.
            different = frozenset(path for path in now.keys() & seen if now[path] != seen[path])
            seen = now
            if different:
                await changed(different)
                # What is named anew is seen from here on, and not only from the next look.
                seen = {path: seen.get(path) or read_fingerprint(path) for path in paths()}
    finally:
        directories.stop()


async def _wait_for_look(
    directories: DirectoryWatcher,
    seen: Mapping[str, Fingerprint],
    paths: Callable[[], Iterable[str]],
    version: Callable[[], object],
) -> dict[str, Fingerprint]:
    """Wait until something may have changed, and return how things are then.

    Where the watches are new, all is looked at soon: they may have missed what came before they
    stood.
    """
    places = await _run_aside(len(seen), lambda: map_watched_places(seen))
    new = directories.watch_places(places)
    every = QUICK if new else SLOW
    began = looked = time.monotonic()
    known = version()
    while True:
        notified = await directories.wait_for_changes(QUICK)
        if selected := _select_paths(places, notified):
            # The other files of the same rotation come along; and nobody looks more often.
            await asyncio.sleep(PAUSE)
            return {**seen, **_read_fingerprints(selected)}
        now = time.monotonic()
        if now - began >= every or directories.lost_directory(notified) or version() != known:
            return await _look_at(paths())
        unwatched = directories.find_unwatched(places)
        if unwatched and now - looked >= QUICK * (1 + len(unwatched) // AT_ONCE):
            looked = now
            found = await _look_at(unwatched)
            if any(found[path] != seen[path] for path in found):
                return {**seen, **found}


def _select_paths(places: Mapping[str, Sequence[str]], notified: Iterable[str]) -> frozenset[str]:
    return frozenset(
        path
        for place in notified
        for known in (place, f"{os.path.dirname(place)}/")  # noqa: PTH120 - a Path costs several times as much
        for path in places.get(known, ())
    )


async def _look_at(paths: Iterable[str]) -> dict[str, Fingerprint]:
    listed = tuple(paths)
    return await _run_aside(len(listed), lambda: _read_fingerprints(listed))


async def _run_aside(files: int, work: Callable[[], _Result]) -> _Result:
    """Return what `work` on so many files does; the loop does not wait for many of them."""
    if files <= AT_ONCE:
        return work()
    try:
        return await asyncio.to_thread(work)
    except RuntimeError:  # no further thread can be started
        return work()


def _read_fingerprints(paths: Iterable[str]) -> dict[str, Fingerprint]:
    return {path: read_fingerprint(path) for path in dict.fromkeys(paths)}
