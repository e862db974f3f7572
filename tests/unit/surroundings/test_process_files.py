"""The files of a process: those below its own root, and no others, with its own rights."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.surroundings import path_resolution
from probe.surroundings.file_view import IrregularFileError, ViewError
from probe.surroundings.process_entry import ProcessEndedError, enter_process
from probe.surroundings.process_files import ProcessFiles
from tests.support.processes import describe_process

pytestmark = pytest.mark.slow


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this user that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as started:
        yield started
        started.kill()


def test_it_reads_what_the_process_would(
    process: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    """Links are followed, relative ones and absolute ones; a relative path has its directory."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    (tmp_path / "relative").symlink_to("real")
    (tmp_path / "absolute").symlink_to(tmp_path / "relative" / "file")
    files = ProcessFiles(describe_process(process.pid, working_directory=str(tmp_path)))

    for path in ("absolute", "./relative/../real/file", str(tmp_path / "absolute")):
        assert files.read(path, 4) == b"cont"
    assert files.read_fingerprint("absolute") == files.read_fingerprint("real/file")
    assert {(entry.name, entry.is_file, entry.is_local_link) for entry in files.list_folder(".")} == {
        ("absolute", True, False), ("real", False, False), ("relative", False, True),
    }  # fmt: skip


def test_nothing_makes_it_wait(process: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """A FIFO, a device, a directory and a socket are named for what they are, and not opened."""
    os.mkfifo(tmp_path / "fifo")
    files = ProcessFiles(describe_process(process.pid))

    began = time.monotonic()
    for path in (str(tmp_path / "fifo"), "/dev/null", "/dev/tty", str(tmp_path)):
        with pytest.raises(IrregularFileError):
            files.read(path, 10)
    assert time.monotonic() - began < 1


def test_links_of_procfs_lead_nowhere(process: "subprocess.Popen[bytes]") -> None:
    """`/proc/self` would be the probe itself there, and `/proc/1/root` the host."""
    files = ProcessFiles(describe_process(process.pid))

    for path in ("/proc/self/environ", f"/proc/{process.pid}/root/etc/passwd", "/dev/fd/0"):
        with pytest.raises(ViewError):
            files.read(path, 10)


def test_loops_and_long_ways_end(process: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """As many links as Linux follows, and no more."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "slow").symlink_to("./" * 1000 + "slow")
    files = ProcessFiles(describe_process(process.pid))

    for name in ("loop", "slow"):
        with pytest.raises(OSError, match="Too many levels"):
            files.read(str(tmp_path / name), 10)


def test_what_procfs_lacks_is_not_taken_for_an_end(process: "subprocess.Popen[bytes]") -> None:
    """A kernel without some entry of /proc still runs the process."""
    with (
        enter_process(describe_process(process.pid)) as entry,
        pytest.raises(ViewError, match="does not show ns/none"),
    ):
        entry.open("ns/none", os.O_RDONLY)


def test_a_process_that_has_ended_has_no_files(process: "subprocess.Popen[bytes]") -> None:
    """That is said, whether it is a zombie, gone, or its number is another process's by now."""
    description = describe_process(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    files = ProcessFiles(description)
    for _ in range(2):
        with pytest.raises(ProcessEndedError, match="has ended"):
            files.read("/etc/passwd", 10)
        process.wait()

    reused = describe_process(os.getpid(), start_ticks=description.start_ticks - 1)
    with pytest.raises(ProcessEndedError, match="has ended"):
        ProcessFiles(reused).read("/etc/passwd", 10)
    assert ProcessFiles(reused).read_fingerprint("/etc/passwd") == (-4,)


def test_what_fuse_hides_from_the_probe_is_not_the_exporters_fault(
    process: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows its files to its owner's processes only, and says EACCES to others, root too."""
    monkeypatch.setattr(path_resolution, "read_file_system_type", lambda _: 0x65735546)
    tmp_path.chmod(0)
    others = describe_process(process.pid, uid=12345, gid=12345, reads_everything=False)

    with pytest.raises(ViewError, match="FUSE"):
        ProcessFiles(others).read(str(tmp_path / "file"), 10)
    tmp_path.chmod(0o700)
