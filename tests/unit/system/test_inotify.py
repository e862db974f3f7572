"""Notifications of the kernel: of what is done to files, by every name of their directory."""

import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from probe.system.inotify import Inotify


@contextmanager
def one_descriptor_less() -> Iterator[None]:
    """Let this process open no further file meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_that_is_written_counts_once_it_is_closed(tmp_path: Path) -> None:
    """A log that stays open and grows wakes nobody."""
    with (tmp_path / "log").open("w") as log, closing(Inotify([str(tmp_path)])) as inotify:
        log.write("line")
        log.flush()
        assert inotify.read() == frozenset()
        log.close()
        assert inotify.read() == {f"{tmp_path}/log"}


def test_a_directory_is_reported_by_all_of_its_names(tmp_path: Path) -> None:
    """The kernel has one watch for them."""
    folder, link = tmp_path / "run", tmp_path / "var_run"
    folder.mkdir()
    link.symlink_to(folder)
    with closing(Inotify([str(folder), str(link)])) as inotify:
        (folder / "a").touch()
        assert inotify.read() == {f"{folder}/a", f"{link}/a"}


def test_a_name_of_any_bytes_is_read(tmp_path: Path) -> None:
    """File names are bytes."""
    with closing(Inotify([str(tmp_path)])) as inotify:
        path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff")
        Path(path).touch()
        assert inotify.read() == {path}


def test_a_directory_that_is_removed_is_reported_itself(tmp_path: Path) -> None:
    """Its watch is gone with it."""
    folder = tmp_path / "etc"
    folder.mkdir()
    with closing(Inotify([str(folder)])) as inotify:
        folder.rmdir()
        assert inotify.read() == {str(folder)}


def test_more_notifications_than_the_kernel_keeps_are_a_change_of_all(tmp_path: Path) -> None:
    """What is lost may have been about any of the directories."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    other = tmp_path / "other"
    other.mkdir()
    names = [tmp_path / "a", tmp_path / "b"]
    with closing(Inotify([str(tmp_path), str(other)])) as inotify:
        # Equal ones in a row are one.
        for number in range(limit // 2 + 10):
            os.close(os.open(names[number % 2], os.O_CREAT | os.O_WRONLY))
            os.utime(names[number % 2])
        portions = list(iter(inotify.read, frozenset()))
        assert str(other) in portions[-1]
        # A storm of them is read in portions, and the event loop acts between two.
        assert len(portions) > limit / 1_000


def test_a_directory_that_cannot_be_watched_is_left_out(tmp_path: Path) -> None:
    """One that is not there, and a file."""
    file = tmp_path / "file"
    file.touch()
    with closing(Inotify([str(tmp_path), str(file), str(tmp_path / "no")])) as inotify:
        assert inotify.watched == {str(tmp_path)}


def test_no_descriptor_is_an_error(tmp_path: Path) -> None:
    """The caller looks at the files itself then."""
    with one_descriptor_less(), pytest.raises(OSError, match="Too many open files"):
        Inotify([str(tmp_path)])
