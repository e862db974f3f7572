"""Watches files by their fingerprints, so that a rename, a rewrite and a `..data` swap are all seen.

Directories are not asked to tell: their notifications are lost on network file systems and by
overflow, and a stat of each file a second costs next to nothing.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

INTERVAL: Final = 0.5
"""Seconds between two looks at up to `AT_ONCE` files; more files take longer in proportion."""
AT_ONCE: Final = 500

Fingerprint = tuple[int, ...]


async def watch(
    paths: Callable[[], Iterable[str]], changed: Callable[[frozenset[str]], Awaitable[None]]
) -> None:
    """Call `changed` with the paths whose files did, until cancelled.

    Args:
        paths: what to look at, asked before each look: files may come and go.
        changed: awaited before the next look.
    """
    seen = _look(paths())
    while True:
        await asyncio.sleep(INTERVAL * (1 + len(seen) // AT_ONCE))
        now = _look(paths())
        # A path that is new, or no longer named, is another set of files, not a changed one.
        different = {path for path in now.keys() & seen.keys() if now[path] != seen[path]}
        seen = now
        if different:
            await changed(frozenset(different))


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
