"""The files of a running process: below its root, with its rights, from its working directory.

Each look runs on a thread of its own, which takes the process's ids for it and then ends: a file
system that never answers holds that thread, and nothing else.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from probe.model.surroundings import RunningProcess
from probe.surroundings.access_rights import borrow_rights, describe_user
from probe.surroundings.file_view import (
    MOST_ENTRIES,
    FileStatus,
    FileView,
    FolderEntry,
    ViewError,
    make_status,
)
from probe.surroundings.own_thread import call_on_thread
from probe.surroundings.path_resolution import (
    AbsentError,
    AccessRights,
    ClosedFolderError,
    PathResolution,
)
from probe.surroundings.process_entry import ProcessEndedError, enter_process, identify_file
from probe.system.file_fingerprint import Fingerprint
from probe.system.own_limits import OwnLimitError

ENDED: Final[Fingerprint] = (-4,)
HIDDEN: Final[Fingerprint] = (-3,)
UNSEEN: Final = frozenset({ENDED, HIDDEN})
"""In place of a fingerprint: the process has ended, or the probe cannot look."""

_T = TypeVar("_T")


class ProcessFiles(FileView):
    """The files of a `RunningProcess`."""

    may_block = True

    def __init__(self, process: RunningProcess) -> None:
        """Look at nothing yet."""
        self._process = process

    def describe_reader(self) -> str:
        """Name the process, with its ids."""
        process = self._process
        others = sorted(set(process.groups) - {process.gid})
        groups = f" with the groups {', '.join(map(str, others[:8]))}" if others else ""
        return f"{process.name} runs as {process.uid}:{process.gid}{groups}"

    @property
    def gid(self) -> int:
        """The process's group id for files."""
        return self._process.gid

    def read(self, path: str, limit: int) -> bytes:
        """Read what the process would."""
        return self._look(path, lambda resolution: resolution.read(limit))

    def look_at(self, path: str) -> FileStatus:
        """Return the status, with the ids as the probe sees them."""
        return self._look(path, lambda resolution: make_status(resolution.found))

    def read_fingerprint(self, path: str) -> Fingerprint:
        """Return device, inode, size and times; an errno, or one of `UNSEEN`."""
        try:
            return self._look(path, lambda resolution: _make_fingerprint(resolution.found))
        except OSError as error:
            return (error.errno or -1,)
        except ProcessEndedError:
            return ENDED
        except OwnLimitError:
            return HIDDEN

    def list_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield what the process would find there; a name that it cannot reach is listed as none."""
        return iter(self._run(lambda root: root.list_folder(path)))

    def find_closed_folder(self, path: str) -> str:
        """Return the directory at which the process is stopped."""
        try:
            self._look(path, lambda resolution: resolution.path)
        except ClosedFolderError as error:
            return error.folder
        except (OSError, ViewError):
            pass
        return os.path.dirname(path)  # noqa: PTH120 - the path is of another root

    def read_link(self, path: str) -> str:
        """Return where the link leads that the path itself is."""
        try:
            return self._look(path, PathResolution.read_link, follow_last=False)
        except (OSError, ViewError):
            return ""

    def explain_absence(self, path: str) -> str:
        """Name the first directory on the way that does not exist."""
        try:
            self._look(path, lambda resolution: resolution.path)
        except AbsentError as error:
            if not error.is_last:
                return f"; nor does the directory {error.missing}"
        except (OSError, ViewError):
            pass
        return ""

    def find_root(self) -> str:
        """Return `/proc/PID/root` where the process has another root, or other mounts, than the probe."""

        def compare() -> bool:
            with enter_process(self._process) as entry:
                return entry.identify("ns/mnt") == identify_file(
                    "/proc/self/ns/mnt"
                ) and entry.identify("root") == identify_file("/")

        same = call_on_thread(compare, f"the namespaces of {self._process.name}")
        return "" if same else f"/proc/{self._process.pid}/root"

    def _look(
        self, path: str, use: Callable[[PathResolution], _T], *, follow_last: bool = True
    ) -> _T:
        def work(root: "_Root") -> _T:
            with root.resolve_path(path, follow_last=follow_last) as resolution:
                return use(resolution)

        return self._run(work)

    def _run(self, use: Callable[["_Root"], _T]) -> _T:
        def work() -> _T:
            with enter_process(self._process) as entry:
                descriptor = entry.open("root", os.O_PATH | os.O_DIRECTORY)
                try:
                    rights = borrow_rights(describe_user(entry))
                    return use(_Root(self._process, descriptor, rights))
                finally:
                    os.close(descriptor)

        return call_on_thread(work, f"the files of {self._process.name}")


class _Root:
    """The root of a process, on the thread that has its rights."""

    def __init__(self, process: RunningProcess, descriptor: int, rights: AccessRights) -> None:
        self._process = process
        self._descriptor = descriptor
        self._rights = rights

    @contextmanager
    def resolve_path(self, path: str, *, follow_last: bool = True) -> Iterator[PathResolution]:
        """Go to `path`, from the process's working directory where it is relative."""
        with PathResolution(self._descriptor, self._rights) as resolution:
            if not path.startswith("/"):
                resolution.follow(self._process.working_directory)
            resolution.follow(path, follow_last=follow_last)
            yield resolution

    def list_folder(self, path: str) -> list[FolderEntry]:
        """Return the entries of a directory, each as it is when links are followed."""
        with self.resolve_path(path) as resolution:
            names = resolution.read_names(MOST_ENTRIES)
        return [self._describe_entry(name, f"{path.rstrip('/')}/{name}") for name in names]

    def _describe_entry(self, name: str, path: str) -> FolderEntry:
        mode = size = 0
        link = ""
        with suppress(OSError, ViewError):
            with self.resolve_path(path, follow_last=False) as resolution:
                link = resolution.read_link()
                found = resolution.found
            if link:
                with self.resolve_path(path) as resolution:
                    found = resolution.found
            mode, size = found.st_mode, found.st_size
        local = bool(link) and "/" not in link
        return FolderEntry(name, path, stat.S_ISREG(mode), size, local)


def _make_fingerprint(found: os.stat_result) -> Fingerprint:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
