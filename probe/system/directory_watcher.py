"""Reports in which directories something has changed, for as long as the system can tell.

The notifications only wake whoever compares fingerprints: they may be lost, come twice, or be about
another file. Where a directory cannot be watched, that is reported, and its files must be polled.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from probe.system.inotify import Inotify
from probe.system.off_loop import run_off_loop

EVERYTHING: Final = ""
"""The place that stands for all of them."""
AT_ONCE: Final = 500
"""Files, or directories, that the event loop asks the system about itself."""
_LINKS: Final = 40
"""As many as Linux follows in one path (path_resolution(7))."""

_Identity = tuple[int, int]
_Result = TypeVar("_Result")


def map_watched_places(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return which of `paths` a change at each place may concern.

    The places are the file itself and every link on the way to it: Kubernetes swaps `..data`, which
    is next to the names that people mount. A path that ends in "/" is a directory whose entries
    matter, and so is its place.
    """
    found: dict[str, list[str]] = {}
    links: dict[str, str] = {}
    for path in paths:
        for place in dict.fromkeys(_follow_links(path, links)):
            found.setdefault(place, []).append(path)
    return found


def _follow_links(path: str, links: dict[str, str]) -> Iterator[str]:
    current = os.path.abspath(path)  # noqa: PTH100 - a Path costs several times as much
    entries = "/" if path.endswith("/") else ""
    yield current + entries
    for _ in range(_LINKS):
        for link in _prefixes(current):
            if link not in links:
                links[link] = _read_link(link)
            if links[link]:
                break
        else:
            return
        yield link
        above, rest = os.path.dirname(link), current[len(link) :].lstrip("/")  # noqa: PTH120 - a Path costs several times as much
        current = os.path.normpath(os.path.join(above, links[link], rest))  # noqa: PTH118 - a Path costs several times as much
        yield current + entries


def _prefixes(path: str) -> Iterator[str]:
    at = path.find("/", 1)
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)
    yield path


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - a Path costs several times as much
    except (OSError, ValueError):
        return ""


class DirectoryWatcher:
    """Watches the directories of places, and says at which of those something has changed."""

    def __init__(self, notifications: Callable[[Iterable[str]], Inotify] = Inotify) -> None:
        """Watch none yet; `notifications` reports what changes."""
        self._notifications = notifications
        self._inotify: Inotify | None = None
        self._identities: dict[str, _Identity] = {}
        """The directories that are there."""
        self._places: Mapping[str, Sequence[str]] = {}
        self._changed: set[str] = set()
        self._notified = asyncio.Event()

    def find_unwatched(self, places: Mapping[str, Iterable[str]]) -> frozenset[str]:
        """Return the paths of `places` of which a change might not be reported."""
        watched = frozenset[str]() if self._inotify is None else self._inotify.watched
        return frozenset(
            path
            for place, paths in places.items()
            if os.path.dirname(place) not in watched  # noqa: PTH120 - a Path costs several times as much
            for path in paths
        )

    async def watch_places(self, places: Mapping[str, Sequence[str]]) -> bool:
        """Watch the directories of `places` as they are now; return whether those are others."""
        self._places = places
        wanted = frozenset(map(os.path.dirname, places))
        there = await run_aside(len(wanted), lambda: _read_identities(wanted))
        if there == self._identities:
            return False
        self.stop()
        self._identities = there
        if there:
            try:
                self._inotify = await run_aside(len(there), lambda: self._notifications(there))
            except OSError:
                return True  # what is not watched is looked at often
            loop = asyncio.get_running_loop()
            loop.add_reader(self._inotify.fileno(), self._take_notifications)
        return True

    async def wait_for_changes(self, seconds: float) -> bool:
        """Return whether there are any, waiting up to `seconds` for one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._notified.wait()
        except TimeoutError:
            return False

    def take_changes(self) -> frozenset[str]:
        """Return the places at which something has changed since the last call."""
        self._notified.clear()
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def report_everything(self) -> None:
        """Report a change of everything: what is to be watched may be something else now."""
        self._changed.add(EVERYTHING)
        self._notified.set()

    def stop(self) -> None:
        """Watch none any more."""
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fileno())
            self._inotify.close()
        self._inotify, self._identities = None, {}

    def _take_notifications(self) -> None:
        assert self._inotify is not None
        for path in self._inotify.read():
            if path in self._identities:
                self.report_everything()  # it is gone
            elif path in self._places or f"{os.path.dirname(path)}/" in self._places:  # noqa: PTH120 - a Path costs several times as much
                self._changed.add(path)
                self._notified.set()


async def run_aside(files: int, work: Callable[[], _Result]) -> _Result:
    """Return what `work` on so many files does; the loop does not wait for many of them."""
    if files <= AT_ONCE:
        return work()
    return await run_off_loop(work)


def _read_identities(paths: Iterable[str]) -> dict[str, _Identity]:
    return {path: found for path in paths if (found := _read_identity(path))}


def _read_identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs several times as much
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
