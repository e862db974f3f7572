"""A process is looked into, or it is said which right is missing."""

from pathlib import Path

import pytest

from probe.config.errors import ConfigurationError
from probe.config.sources.process.proc_files import ProcFiles
from probe.config.sources.process.running import ProcessGoneError, gather_process
from tests.support.proc_tree import ProcTree


class Closed(ProcFiles):
    """A /proc whose kernel shows no environment."""

    def read(self, pid: int, name: str) -> bytes:
        """Refuse what ptrace(2) protects."""
        if name == "environ":
            raise PermissionError(13, "Permission denied")
        return super().read(pid, name)


def explain(tree: ProcTree, pid: int) -> str:
    """Return why a process cannot be looked into."""
    closed = Closed(str(tree.folder))
    closed.own_pid = tree.files.own_pid
    with pytest.raises(ConfigurationError) as error:
        gather_process(pid, closed)
    return str(error.value)


def test_where_an_exporter_runs(tmp_path: Path) -> None:
    """Its ids for files, its directory, and what it is called in short."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["java"], {"A": "1"}, executable="/usr/bin/java", uid=33, capabilities=4)
    view = gather_process(10, tree.files)
    there = view.runs_in
    assert (there.uid, there.gid, there.groups, there.reads_everything) == (33, 33, (33, 7), True)
    assert (there.working_directory, there.command, there.start_ticks) == ("/srv/app", "java", 500)
    assert view.environ == {"A": "1"}


def test_what_is_not_there_and_what_has_ended_is_gone(tmp_path: Path) -> None:
    """Nothing of it stays in force."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["java"], state="Z")
    for pid, words in ((99, "shareProcessNamespace"), (10, "zombie")):
        with pytest.raises(ProcessGoneError, match=words):
            gather_process(pid, tree.files)


@pytest.mark.parametrize(
    ("kind", "words"),
    [({"flags": 0x200000}, "thread of the kernel"), ({"thread_of": 9}, "thread of process 9")],
)
def test_a_thread_is_named(tmp_path: Path, kind: dict[str, int], words: str) -> None:
    """A number may be that of a thread, which /proc does not list but shows."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["java"], **kind)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=words):
        gather_process(10, tree.files)


def test_the_missing_right_is_named(tmp_path: Path) -> None:
    """By the kernel's own order: user, then capabilities, then what /proc does not show."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["java"], uid=33)
    tree.add(11, ["java"], capabilities=0x400)
    tree.add(12, ["java"])
    assert "runs as user 33, the probe as user 1000" in explain(tree, 10)
    assert "capabilities that the probe has not (0x400" in explain(tree, 11)
    assert "PR_SET_DUMPABLE" in explain(tree, 12)
    for pid in (10, 11, 12):
        assert "SYS_PTRACE" in explain(tree, pid)


def test_an_overwritten_environment_is_noticed(tmp_path: Path) -> None:
    """A title stands where variables were."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["gunicorn: master"])
    assert not gather_process(10, tree.files).overwritten
    for written in (b"master [app]\0\0\0\0", b"\0\0\0PATH=/bin\0", b"A=1\0\0\0B=2\0"):
        (tmp_path / "10" / "environ").write_bytes(written)
        assert gather_process(10, tree.files).overwritten, written
    (tmp_path / "10" / "environ").write_bytes(b"A=\0B=2\0")
    assert not gather_process(10, tree.files).overwritten


def test_this_very_process_can_be_read() -> None:
    """The real /proc has what is asked of it."""
    files = ProcFiles()
    view = gather_process(files.own_pid, files)
    assert view.executable.startswith("/")
    assert "python" in view.runs_in.command
    assert view.mapped
    assert files.own_pid in files.list_pids()
