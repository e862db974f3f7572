"""Changes in directories as Linux reports them, through ctypes: Python has no calls of inotify(7)."""

import ctypes
import os
import struct
from collections.abc import Iterable
from io import FileIO
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)

_ATTRIB: Final = 0x4
_CLOSE_WRITE: Final = 0x8
_MOVED: Final = 0x40 | 0x80
_CREATE: Final = 0x100
_DELETE: Final = 0x200
_SELF: Final = 0x400 | 0x800
_ONLY_DIRECTORIES: Final = 0x1000000
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
"""Of <linux/inotify.h>."""
_WATCHED_FOR: Final = (
    _ATTRIB | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _SELF | _ONLY_DIRECTORIES
)
"""Not for each write: a log that grows in the same directory would wake the probe with each line."""
_EVENT: Final = struct.Struct("iIII")
"""Watch, what happened, cookie, and how long the name that follows is."""
_READ: Final = 16 * 1024
"""Bytes that are read at a time: some hundred notifications, a millisecond."""


class Inotify:
    """The watches of some directories, each under all of its names."""

    def __init__(self, directories: Iterable[str]) -> None:
        """Watch those of `directories` that can be watched.

        Raises:
            OSError: where the system has no instance left.
        """
        descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._file = FileIO(descriptor)
        self._names: dict[int, list[str]] = {}
        for directory in directories:
            watch = _libc.inotify_add_watch(descriptor, os.fsencode(directory), _WATCHED_FOR)
            if watch >= 0:
                # The kernel watches an inode once, whatever its names.
                self._names.setdefault(watch, []).append(directory)
        self.watched = frozenset(name for names in self._names.values() for name in names)
        """The directories whose changes are reported."""

    def fileno(self) -> int:
        """Return the descriptor, which can be read once something has changed."""
        return self._file.fileno()

    def read(self) -> frozenset[str]:
        """Return paths that have changed, of the notifications that came first.

        A directory itself is one where it is gone, and each where notifications were lost. There may
        be more: so a storm of them does not hold the event loop up.
        """
        found: set[str] = set()
        events, at = self._file.read(_READ) or b"", 0
        while at < len(events):
            watch, what, _, length = _EVENT.unpack_from(events, at)
            begin, at = at + _EVENT.size, at + _EVENT.size + length
            name = os.fsdecode(events[begin:at].rstrip(b"\0"))
            directories = self._names.get(watch, ())
            if what & _OVERFLOW:
                found |= self.watched
            elif what & (_SELF | _IGNORED):
                found.update(directories)
            elif name:  # what was done to the directory as such (its mode) has none
                found.update(f"{directory.rstrip('/')}/{name}" for directory in directories)
        return frozenset(found)

    def close(self) -> None:
        """Watch nothing any more."""
        self._file.close()
