"""Reports in which directories something has changed, for as long as the system can tell.

The notifications only wake whoever compares fingerprints: they may be lost, come twice, or be about
another file. Where a directory cannot be watched, that is reported, and its files must be polled.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from probe.system.own_limits import lacks_threads

Notifications = Callable[..., Iterator[AbstractSet[tuple[object, str]]]]
"""watchfiles.watch, or what stands in for it."""

GROUPED: Final = 100
"""Milliseconds for which changes are put together."""
STEP: Final = 20
"""Milliseconds without a further change after which they are reported."""
THREAD_NAME: Final = "directories"
JOIN_STEPS: Final = 100
"""Waits of STEP for a thread that was stopped. They are counted, since a clock goes on while the
process is suspended."""
SPARE_THREADS: Final = 2
"""Threads that must be free for a watch: it starts one, and others may start one meanwhile."""
_LINKS: Final = 40
"""As many as Linux follows in one path (path_resolution(7))."""

_Identity = tuple[int, int]


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


def join_watching_threads() -> None:
    """Wait until no thread watches directories any more; all watchers must have been stopped.

    Python ends daemon threads at its exit by pthread_exit, whose unwinding Rust's code in watchfiles
    does not let pass: glibc then aborts the process ("exception not rethrown").
    """
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            for _ in range(JOIN_STEPS):
                if not thread.is_alive():
                    break
                thread.join(STEP / 1000)


class DirectoryWatcher:
    """Watches the directories of places, and says at which of those something has changed."""

    def __init__(self, notifications: Notifications | None = None) -> None:
        """Watch none yet; `notifications` stands in for watchfiles.watch."""
        self._notifications = notifications
        self._watched: dict[str, _Identity] = {}
        self._names: dict[str, list[str]] = {}
        self._changed: set[str] = set()
        self._notified = asyncio.Event()
        self._stop: threading.Event | None = None
        self._refused = False

    def find_unwatched(self, places: Mapping[str, Iterable[str]]) -> frozenset[str]:
        """Return the paths of `places` of which a change might not be reported."""
        watched = frozenset() if self._refused else self._watched.keys()
        return frozenset(
            path
            for place, paths in places.items()
            if os.path.dirname(place) not in watched  # noqa: PTH120 - a Path costs several times as much
            for path in paths
        )

    def watch_places(self, places: Iterable[str]) -> bool:
        """Watch the directories of `places` as they are now; return whether those are others.

        It takes a moment until the watches stand: what changes meanwhile may not be reported.
        """
        wanted = frozenset(map(os.path.dirname, places))
        there = {path: found for path in wanted if (found := _read_identity(path))}
        if there == self._watched:
            return False
        self.stop()
        self._watched, self._refused = there, False
        by_identity: dict[_Identity, list[str]] = {}
        for path, identity in there.items():
            by_identity.setdefault(identity, []).append(path)
        # The kernel watches an inode once, and reports it by one of its names.
        self._names = {names[0]: names for names in by_identity.values()}
        if there:
            self._stop = threading.Event()
            # A thread of its own, not awatch: that imports much, in the loop's thread.
            thread = threading.Thread(
                target=self._forward_notifications,
                args=(tuple(self._names), self._stop, asyncio.get_running_loop()),
                name=THREAD_NAME,
                daemon=True,
            )
            try:
                thread.start()
            except RuntimeError:
                # No thread is to be had at present: what is not watched is looked at often.
                self._refused = True
        return True

    async def wait_for_changes(self, seconds: float) -> frozenset[str]:
        """Return the paths that notifications were about, waiting up to `seconds` for one."""
        try:
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        except TimeoutError:
            return frozenset()
        self._notified.clear()
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def lost_directory(self, notified: Iterable[str]) -> bool:
        """Return whether one of `notified` is a directory that is watched: it is no longer there."""
        return not self._watched.keys().isdisjoint(notified)

    def stop(self) -> None:
        """Watch none any more; the thread ends within `STEP`."""
        if self._stop is not None:
            self._stop.set()
        self._stop, self._watched = None, {}

    def _forward_notifications(
        self, directories: tuple[str, ...], stop: threading.Event, loop: asyncio.AbstractEventLoop
    ) -> None:
        try:
            for notified in self._read_notifications(directories, stop):
                loop.call_soon_threadsafe(self._take_notification, stop, notified)
        except RuntimeError:
            return  # the loop has ended

    def _read_notifications(
        self, directories: tuple[str, ...], stop: threading.Event
    ) -> Iterator[AbstractSet[str] | None]:
        """Yield the paths of each notification; at last None where there can be no more."""
        # notify, below watchfiles, starts a thread, and ends the whole process where it gets none
        # (INotifyWatcher::drop panics while another panic is under way).
        if lacks_threads(SPARE_THREADS):
            yield None
            return
        try:
            notifications = self._notifications or _load_watchfiles()
            changes = notifications(
                *directories,
                watch_filter=None,
                debounce=GROUPED,
                step=STEP,
                stop_event=stop,
                recursive=False,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )
            for change in changes:
                yield {path for _, path in change}
        except (OSError, MemoryError, RuntimeError):
            # Too many watches, as a rule.
            yield None

    def _take_notification(self, stop: threading.Event, paths: AbstractSet[str] | None) -> None:
        if stop is not self._stop:
            return  # of an earlier set of directories
        if paths is None:
            self._refused = True
        else:
            self._changed.update(name for path in paths for name in self._list_names(path))
        self._notified.set()

    def _list_names(self, path: str) -> Iterator[str]:
        yield path
        above, name = os.path.split(path)
        for other in self._names.get(above, ()):
            yield f"{other.rstrip('/')}/{name}"


def _load_watchfiles() -> Notifications:
    from watchfiles.main import watch

    return watch


def _read_identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs several times as much
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
