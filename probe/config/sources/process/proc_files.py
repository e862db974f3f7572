"""Reads /proc, bounded: the only module of this source that asks the system for anything.

Everything is read in one go, by process number. A process may end, or another one begin with its
number, between any two readings: whoever puts them together compares the start ticks.
"""

import os
import stat
import time
from contextlib import suppress
from typing import BinaryIO, Final

MAX_BYTES: Final = 8 << 20
"""Of one file of /proc: Linux gives a new program at most 6 MiB of arguments and environment."""
MOST_PROCESSES: Final = 100_000
MOST_DESCRIPTORS: Final = 4096


class ProcFiles:
    """The files of /proc.

    Attributes:
        own_pid: The number of this process.
    """

    def __init__(self, root: str = "/proc") -> None:
        """Read below `root`."""
        self._root = root
        self.own_pid = os.getpid()

    def list_pids(self) -> list[int]:
        """Return the numbers of the processes that can be seen, in order.

        Raises:
            OSError: where /proc cannot be listed.
        """
        with os.scandir(self._root) as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdecimal()]
        return sorted(pids)[:MOST_PROCESSES]

    def read(self, pid: int, name: str) -> bytes:
        """Return what a file of a process holds, at most `MAX_BYTES` of it.

        Raises:
            OSError: where it cannot be read, also where the process has ended.
        """
        descriptor = os.open(self._path(pid, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_BYTES)

    def read_link(self, pid: int, name: str) -> str:
        """Return what a link of a process (`exe`, `cwd`) names, as that process sees it.

        Raises:
            OSError: where it cannot be read.
        """
        return os.readlink(self._path(pid, name))  # noqa: PTH115  (bytes need not be text)

    def list_descriptors(self, pid: int) -> dict[int, str]:
        """Return the files that a process has open, by descriptor; empty where it cannot be asked."""
        found: dict[int, str] = {}
        with suppress(OSError), os.scandir(self._path(pid, "fd")) as entries:
            for entry in entries:
                if len(found) >= MOST_DESCRIPTORS:
                    break
                with suppress(OSError, ValueError):
                    target = os.readlink(entry.path)  # noqa: PTH115  (a Path costs several times as much)
                    if target.startswith("/"):
                        found[int(entry.name)] = target
        return found

    def open(self, pid: int, name: str) -> BinaryIO:
        """Open the file behind a link of a process (`exe`, `fd/7`), which is a regular file.

        Raises:
            OSError: where it cannot be opened.
            ValueError: where it is something else.
        """
        path = self._path(pid, name)
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  (a link of /proc)
            raise ValueError("is not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        return os.fdopen(descriptor, "rb")

    def hides_others(self) -> bool:
        """Return whether /proc is mounted so that processes of other users are not shown."""
        with suppress(OSError, ValueError):
            lines = self.read(self.own_pid, "mountinfo").split(b"\n")
            return any(
                b" - proc " in line and b"hidepid=" in line and b"hidepid=0" not in line
                for line in lines
            )
        return False

    @staticmethod
    def start_time(ticks: int) -> float:
        """Return when a process that started after so many ticks since boot began, as epoch seconds."""
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return booted + ticks / os.sysconf("SC_CLK_TCK")

    def _path(self, pid: int, name: str) -> str:
        return f"{self._root}/{pid}/{name}"


def identify_file(file: BinaryIO) -> tuple[int, ...]:
    """Return what tells an open file from others, and from what it held before it was changed."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
