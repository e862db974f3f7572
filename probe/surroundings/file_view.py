"""`FileView`: the files of the place where an exporter runs, as that exporter would find them.

What the file system answers is an OSError, as the exporter would get it. Where the probe itself
cannot look (a process that has ended, a right that it lacks, content that a manifest does not have)
a `ViewError` says so: nothing is known of the files then.
"""

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe.system.file_fingerprint import Fingerprint, read_fingerprint
from probe.system.own_limits import OwnLimitError

MOST_ENTRIES: Final = 10_000
"""Names that are read of one directory."""


class ViewError(OwnLimitError):
    """The probe cannot see what the exporter sees; `detail` says why, for people."""


class IrregularFileError(OSError):
    """A path leads to something else than a regular file, which might block or never end."""

    def __init__(self, mode: int) -> None:
        """Carry the file's mode (inode(7))."""
        super().__init__(0, "not a regular file")
        self.mode = mode


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What inode(7) says of a file."""

    mode: int
    uid: int
    gid: int
    size: int
    modified: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One name of a directory, as it is when links are followed."""

    name: str
    path: str
    is_file: bool
    size: int = 0
    is_local_link: bool = False
    """A symbolic link to another name of the same directory."""


class FileView(ABC):
    """The files of one place. Its methods may be called from any thread."""

    may_block: bool = False
    """Whether a look may take long: then no event loop waits for it."""

    takes_commands: bool = True
    """Whether somebody can change the files with commands; those of a manifest are written anew."""

    @abstractmethod
    def describe_reader(self) -> str:
        """Say who reads, and with which ids, as a clause: `the probe runs as 0:0`."""

    @property
    @abstractmethod
    def gid(self) -> int:
        """The group id of the reader."""

    @abstractmethod
    def read(self, path: str, limit: int) -> bytes:
        """Return at most `limit` bytes of a regular file.

        Raises:
            OSError: as the reader gets it; an `IrregularFileError` where nothing was opened.
            ViewError: where the probe cannot look.
        """

    @abstractmethod
    def look_at(self, path: str) -> FileStatus:
        """Return the status of what `path` leads to; raises as `read` does."""

    @abstractmethod
    def read_fingerprint(self, path: str) -> Fingerprint:
        """Return what changes whenever the file at `path` does, or why it cannot be had; never raises."""

    @abstractmethod
    def list_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the entries of a directory, sorted by name; raises as `read` does."""

    @abstractmethod
    def find_closed_folder(self, path: str) -> str:
        """Return the first directory on the way to `path` that the reader may not enter."""

    @abstractmethod
    def read_link(self, path: str) -> str:
        """Return where the symbolic link at `path` leads; empty where it is none."""

    @abstractmethod
    def explain_absence(self, path: str) -> str:
        """Return what is known of a file that does not exist, as the end of a sentence, or nothing."""

    def find_root(self) -> str:
        """Return the directory of this host that paths of the view begin at; empty for its own root."""
        return ""


class HostFiles(FileView):
    """The files of this host, as the probe's own process sees them."""

    def describe_reader(self) -> str:
        """Name the probe, which stands in for an exporter of the same user."""
        return f"the probe runs as {os.geteuid()}:{os.getegid()}"

    @property
    def gid(self) -> int:
        """The effective group id of the probe."""
        return os.getegid()

    def read(self, path: str, limit: int) -> bytes:
        """Read, without ever waiting for a FIFO or a device."""
        # Looked at first, because opening a device can set it going; and again once it is open.
        _check_regular(Path(path).stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            _check_regular(os.fstat(descriptor).st_mode)
            return opened.read(limit)

    def look_at(self, path: str) -> FileStatus:
        """Return what stat(2) says."""
        return make_status(os.stat(path))  # noqa: PTH116 - a Path raises on a NUL byte only later

    read_fingerprint = staticmethod(read_fingerprint)
    """What one stat call says; without a step in between, as each attempt asks for each file."""

    def list_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield what scandir(3) finds."""
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda one: one.name)[:MOST_ENTRIES]
        for entry in entries:
            local = entry.is_symlink() and "/" not in os.readlink(entry.path)  # noqa: PTH115 - a string is what scandir gives
            try:
                size = entry.stat().st_size
            except OSError:
                size = 0
            yield FolderEntry(entry.name, entry.path, entry.is_file(), size, local)

    def find_closed_folder(self, path: str) -> str:
        """Ask access(2) of each directory on the way."""
        file = Path(path)
        folders = [*file.absolute().parents][::-1]
        closed = (each for each in folders if not os.access(each, os.X_OK))
        return str(next(closed, file.parent))

    def read_link(self, path: str) -> str:
        """Ask readlink(2)."""
        try:
            return os.readlink(path)  # noqa: PTH115 - a Path normalizes
        except (OSError, ValueError):
            return ""

    def explain_absence(self, path: str) -> str:
        """Name the first directory on the way that does not exist, where it is not the file alone."""
        parent = Path(path).parent
        try:
            if parent.is_dir():
                return ""
            while parent != parent.parent and not parent.parent.is_dir():
                parent = parent.parent
        except OSError:
            return ""
        return f"; nor does the directory {parent}"


HOST_FILES: Final = HostFiles()


def make_status(found: os.stat_result) -> FileStatus:
    """Return what matters of a stat(2)."""
    return FileStatus(found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_mtime)


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise IrregularFileError(mode)
