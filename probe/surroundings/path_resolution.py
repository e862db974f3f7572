"""Follows a path below another process's root, one name at a time, and never leaves that root.

An absolute link belongs to that root, and `..` above it stays there (path_resolution(7)). Links of
procfs lead elsewhere for each process that follows them, and are not followed. Opens nothing but
directories and what was seen to be a regular file: no device is set going, and no FIFO waited for.
"""

import errno
import os
import stat
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol, Self

from probe.surroundings.file_view import IrregularFileError, ViewError
from probe.surroundings.linux_calls import (
    FUSE_SUPER_MAGIC,
    PROC_SUPER_MAGIC,
    read_file_system_type,
)
from probe.text.safe_text import safe_text

MOST_LINKS: Final = 40
"""As many as Linux follows in one path (path_resolution(7))."""
MOST_STEPS: Final = 4096
DEEPEST: Final = 128
"""Directories above a file; each takes a descriptor meanwhile."""
_KERNEL_FILES: Final = frozenset({
    PROC_SUPER_MAGIC, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x27E0EB, 0x63677270,
    0xCAFE4A11, 0x62656570, 0xDE5E81E4, 0xF97CFF8C, 0x1CD1, 0x19800202, 0x6165676C,
})  # fmt: skip
"""File systems whose files are the kernel's answers: proc, sys, debug, trace, security, cgroup, bpf,
config, efivar, selinux, devpts, mqueue, pstore (<linux/magic.h>). Reading one may block or act."""

Status = os.stat_result


class AccessRights(Protocol):
    """Whose access is judged."""

    def open(self, name: str, flags: int, folder: int, found: Status, *, search: bool) -> int:
        """Open `name` in `folder`, as whoever is judged.

        Args:
            name: one name, without a slash.
            flags: of open(2).
            folder: a descriptor of the directory.
            found: of the directory where `search`, else of the file: what the right is needed for.
            search: whether the directory is only searched.

        Raises:
            OSError: as that reader gets it.
            ViewError: where that reader may, and the probe may not.
        """


class ClosedFolderError(PermissionError):
    """A directory on the way may not be entered."""

    def __init__(self, folder: str) -> None:
        """Carry its path, as it is below the root."""
        super().__init__(errno.EACCES, os.strerror(errno.EACCES))
        self.folder = folder


class AbsentError(OSError):
    """A name on the way does not exist, or is another thing than a directory."""

    def __init__(self, number: int, path: str, *, is_last: bool) -> None:
        """Carry the path of what is missing, and whether nothing was to follow it."""
        super().__init__(number, os.strerror(number))
        self.missing = path
        self.is_last = is_last


@dataclass(slots=True)
class _Step:
    """A directory that the resolution stands in."""

    name: str
    descriptor: int
    found: Status


class PathResolution:
    """One path's way below a root; to be closed, in a `with`."""

    def __init__(self, root: int, rights: AccessRights) -> None:
        """Begin at the directory `root`, a descriptor that stays the caller's."""
        self._rights = rights
        self._steps = [_Step("", os.dup(root), os.fstat(root))]
        self._links = self._taken = 0
        self.last = ""
        """The name that the resolution ended at; empty where it ended in a directory it stands in."""
        self.found: Status = self._steps[0].found
        """The status of what the resolution ended at."""

    def __enter__(self) -> Self:
        """Return the resolution."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every directory."""
        while self._steps:
            os.close(self._steps.pop().descriptor)

    @property
    def path(self) -> str:
        """Where the resolution stands, without links."""
        names = [step.name for step in self._steps[1:]]
        return "/" + "/".join((*names, self.last) if self.last else names)

    def follow(self, path: str, *, follow_last: bool = True) -> None:
        """Go along `path`, from the root where it is absolute.

        Raises:
            OSError: as open(2) gives it, with `ClosedFolderError` and `AbsentError` where they say more.
            ViewError: where the way leads through links of procfs, or is longer than any is.
        """
        if path.startswith("/"):
            self._return_to_root()
        names = deque(path.split("/"))
        while names:
            self._taken += 1
            if self._taken > MOST_STEPS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            name = names.popleft()
            if self.last:
                raise AbsentError(errno.ENOTDIR, self.path, is_last=False)
            if not name:
                continue
            if name in {".", ".."}:
                # Both are looked up in the directory, which takes the right to search it.
                os.close(self._open_path(".", is_last=False))
                if name == "..":
                    self._go_up()
                continue
            self._enter(name, names, follow_last=follow_last)
        if not self.last:
            self.found = self._steps[-1].found

    def read(self, limit: int) -> bytes:
        """Return at most `limit` bytes of the regular file that the resolution ended at.

        Raises:
            OSError: as the reader gets it; IrregularFileError where it is none.
            ViewError: where it is one of the kernel's own, or the probe lacks a right.
        """
        if not self.last or not stat.S_ISREG(self.found.st_mode):
            raise IrregularFileError(self.found.st_mode)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        folder = self._steps[-1].descriptor
        descriptor = self._rights.open(self.last, flags, folder, self.found, search=False)
        with os.fdopen(descriptor, "rb") as opened:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise IrregularFileError(mode)
            self._refuse_kernel_file(descriptor)
            return opened.read(limit)

    def read_names(self, most: int) -> list[str]:
        """Return the first names of the directory that the resolution ended at, sorted.

        Raises:
            OSError: where it is none, or may not be read.
        """
        if not stat.S_ISDIR(self.found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        step = self._steps[-1]
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = self._rights.open(".", flags, step.descriptor, step.found, search=False)
        try:
            with os.scandir(descriptor) as entries:
                return sorted(entry.name for entry, _ in zip(entries, range(most), strict=False))
        finally:
            os.close(descriptor)

    def read_link(self) -> str:
        """Return where the link leads that the resolution ended at; empty where it is none."""
        if not self.last or not stat.S_ISLNK(self.found.st_mode):
            return ""
        return os.readlink(self.last, dir_fd=self._steps[-1].descriptor)

    def _enter(self, name: str, names: deque[str], *, follow_last: bool) -> None:
        is_last = not any(names)
        descriptor = self._open_path(name, is_last=is_last)
        kept = False
        try:
            self.found = self._look_at(descriptor)
            mode = self.found.st_mode
            if stat.S_ISLNK(mode) and (follow_last or not is_last):
                self._follow(name, descriptor, names)
            elif stat.S_ISDIR(mode):
                if len(self._steps) > DEEPEST:
                    raise ViewError(f"{safe_text(self.path)} is too deep for the probe")
                self._steps.append(_Step(name, descriptor, self.found))
                kept = True
            else:
                self.last = name
        finally:
            if not kept:
                os.close(descriptor)

    def _open_path(self, name: str, *, is_last: bool) -> int:
        """Return a descriptor of one name where the resolution stands, without following it."""
        here = self._steps[-1]
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return self._rights.open(name, flags, here.descriptor, here.found, search=True)
        except PermissionError:
            self._refuse_fuse(here.descriptor)
            raise ClosedFolderError(self.path) from None
        except (FileNotFoundError, NotADirectoryError) as error:
            path = f"{self.path.rstrip('/')}/{name}"
            raise AbsentError(error.errno or errno.ENOENT, path, is_last=is_last) from None

    def _follow(self, name: str, descriptor: int, names: deque[str]) -> None:
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if read_file_system_type(descriptor) == PROC_SUPER_MAGIC:
            path = safe_text(f"{self.path.rstrip('/')}/{name}")
            raise ViewError(
                f"{path} leads elsewhere for each process that follows it, so that the probe cannot"
            )
        target = os.readlink("", dir_fd=descriptor)
        if target.startswith("/"):
            self._return_to_root()
        names.extendleft(reversed(target.split("/")))

    def _go_up(self) -> None:
        if len(self._steps) > 1:
            os.close(self._steps.pop().descriptor)

    def _return_to_root(self) -> None:
        while len(self._steps) > 1:
            os.close(self._steps.pop().descriptor)
        self.last = ""

    def _look_at(self, descriptor: int) -> Status:
        try:
            return os.fstat(descriptor)
        except PermissionError:
            self._refuse_fuse(descriptor)
            raise

    def _refuse_fuse(self, descriptor: int) -> None:
        """Say that it is the probe that may not look: FUSE asks whose process it is (mount.fuse(8))."""
        if read_file_system_type(descriptor) == FUSE_SUPER_MAGIC:
            raise ViewError(
                f"{safe_text(self.path)} is a FUSE file system, which shows its files to the processes of "
                "the user that has mounted it: run the probe as that user"
            )

    def _refuse_kernel_file(self, descriptor: int) -> None:
        if read_file_system_type(descriptor) in _KERNEL_FILES:
            raise ViewError(f"{safe_text(self.path)} is an answer of the kernel and not a file")
