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

from probe.system.directory_watcher import (
    AT_ONCE,
    EVERYTHING,
    DirectoryWatcher,
    map_watched_places,
    run_aside,
)
from probe.system.file_fingerprint import Fingerprint, read_fingerprint

SLOW: Final = 5.0
"""Seconds between two looks at everything."""
QUICK: Final = 0.5
"""Seconds between two looks at what cannot be watched; more than `AT_ONCE` files take longer in
proportion."""
PAUSE: Final = 0.2
"""Seconds between a notification and the look."""


async def watch_files(
    paths: Callable[[], Iterable[str]],
    changed: Callable[[frozenset[str]], Awaitable[None]],
    *,
    directories: DirectoryWatcher | None = None,
) -> None:
    """Call `changed` with the paths whose files did, until cancelled.

    Args:
        paths: what to look at, asked before each full look: files may come and go. One that ends
            in "/" is a directory; it changes when an entry comes or goes.
        changed: awaited before the next look.
        directories: says when to look; whoever has it can bring a full look, where `paths` may
            have become others. None: the watch has its own.
    """
    seen = await _look_at(paths())
    directories = directories or DirectoryWatcher()
    try:
        while True:
            now = await _wait_for_look(directories, seen, paths)
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
) -> dict[str, Fingerprint]:
    """Wait until something may have changed, and return how things are then.

    Where the watches are new, all is looked at soon: they have missed what came before they stood.
    """
    places = await run_aside(len(seen), lambda: map_watched_places(seen))
    new = await directories.watch_places(places)
    unwatched = directories.find_unwatched(places)
    every = QUICK * (1 + len(unwatched) // AT_ONCE)
    looked = time.monotonic()
    due = looked + (QUICK if new else SLOW)
    while True:
        left = due - time.monotonic()
        if await directories.wait_for_changes(min(left, every) if unwatched else left):
            # The other files of the same rotation come along; and nobody looks more often.
            await asyncio.sleep(PAUSE)
            changed = directories.take_changes()
            if EVERYTHING in changed:
                return await _look_at(paths())
            return {**seen, **_read_fingerprints(_select_paths(places, changed))}
        now = time.monotonic()
        if now >= due:
            return await _look_at(paths())
        if unwatched and now - looked >= every:
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
    return await run_aside(len(listed), lambda: _read_fingerprints(listed))


def _read_fingerprints(paths: Iterable[str]) -> dict[str, Fingerprint]:
    return {path: read_fingerprint(path) for path in dict.fromkeys(paths)}
