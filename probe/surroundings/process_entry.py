"""Enters what procfs has of one process (proc(5)), and notices when that process is another one.

The directory of a process, once opened, never stands for a later process of the same number.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from probe.model.surroundings import RunningProcess
from probe.surroundings.file_view import ViewError

_ENDED: Final = frozenset({errno.ENOENT, errno.ESRCH})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_STAT_SIZE: Final = 4096
_START_TICKS: Final = 19
"""The place of field 22 behind the command, which ends with the last `)`."""


class ProcessEndedError(ViewError):
    """The process has ended; another one may have its number."""


class NoRightError(ViewError):
    """The probe lacks a right to look into a process."""


class ProcessEntry:
    """The directory of one process in procfs."""

    def __init__(self, process: RunningProcess, descriptor: int) -> None:
        """Take the directory's descriptor, which stays the caller's."""
        self.process = process
        self._descriptor = descriptor

    def open(self, name: str, flags: int) -> int:
        """Open an entry like `root` or `ns/net`, which is followed.

        Raises:
            ProcessEndedError: where the process has ended.
            NoRightError: where the probe may not.
            OSError: for another reason.
        """
        try:
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=self._descriptor)
        except OSError as error:
            raise self._explain(error, entry=name) from None

    def read(self, name: str, limit: int = _STAT_SIZE) -> bytes:
        """Return the beginning of an entry; raises as `open` does."""
        descriptor = self.open(name, os.O_RDONLY)
        try:
            with os.fdopen(descriptor, "rb") as opened:
                return opened.read(limit)
        except OSError as error:
            raise self._explain(error, entry=name) from None

    def identify(self, name: str) -> tuple[int, int]:
        """Return device and inode of what an entry leads to; raises as `open` does."""
        try:
            found = os.stat(name, dir_fd=self._descriptor)
        except OSError as error:
            raise self._explain(error, entry=name) from None
        return found.st_dev, found.st_ino

    def check_alive(self) -> None:
        """Do nothing while it runs.

        Raises:
            ProcessEndedError: where it has ended, whether or not its number is used again.
        """
        try:
            descriptor = os.open("stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
            with os.fdopen(descriptor, "rb") as opened:
                state, ticks = _read_state(opened.read(_STAT_SIZE))
        except OSError as error:
            if error.errno not in _ENDED:
                raise
            state, ticks = "", -1
        if state in {"", "Z", "X"} or ticks != self.process.start_ticks:
            raise ProcessEndedError(f"{self.process.name} has ended")

    def _explain(self, error: OSError, *, entry: str) -> OSError | ViewError:
        name = self.process.name
        if error.errno in _ENDED:
            try:
                self.check_alive()
            except ProcessEndedError as ended:
                return ended
            return ViewError(f"/proc of this machine does not show {entry} of {name}")
        if error.errno in _FORBIDDEN:
            return NoRightError(
                f"the probe may not look into {name}: it needs the same user and groups as that "
                "process, or CAP_SYS_PTRACE"
            )
        return error


@contextmanager
def enter_process(process: RunningProcess) -> Iterator[ProcessEntry]:
    """Open the directory of `process`, and check that it is this process's.

    Raises:
        ProcessEndedError: where it has ended, whether or not its number is used again.
        OSError: where the probe lacks descriptors.
    """
    try:
        descriptor = os.open(f"/proc/{process.pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessEndedError(f"{process.name} has ended") from None
    try:
        entry = ProcessEntry(process, descriptor)
        entry.check_alive()
        yield entry
    finally:
        os.close(descriptor)


def identify_file(path: str) -> tuple[int, int]:
    """Return device and inode of what a path of this process leads to."""
    found = os.stat(path)  # noqa: PTH116 - as the entry's
    return found.st_dev, found.st_ino


def _read_state(raw: bytes) -> tuple[str, int]:
    """Return the state and the start ticks of /proc/PID/stat."""
    fields = raw.rpartition(b")")[2].split()
    with suppress(ValueError, IndexError):
        return fields[0].decode("ascii", "replace"), int(fields[_START_TICKS])
    return "", -1
