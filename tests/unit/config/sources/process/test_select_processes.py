"""A text names the processes that have it on their command line, and have exporters."""

from pathlib import Path

from probe.config.sources.process.select_processes import find_processes, identify_processes
from tests.support.proc_tree import ProcTree

JAVA = ("java", "-jar", "app.jar")


def test_every_match_counts_but_the_probe(tmp_path: Path) -> None:
    """Two instances are two targets; the text may go over several arguments."""
    tree = ProcTree(tmp_path)
    tree.add(10, JAVA)
    tree.add(11, JAVA)
    tree.add(12, ("python", "app.jar"))
    assert find_processes("java -jar app", tree.files) == (10, 11)
    assert find_processes("probe", tree.files) == ()


def test_launchers_are_left_out(tmp_path: Path) -> None:
    """A shell's script and a wrapper have the program's words, and its environment."""
    tree = ProcTree(tmp_path)
    tree.add(10, ("sh", "-c", "java -jar app.jar --now"))
    tree.add(11, JAVA, parent=10)
    tree.add(20, ("timeout", "5", *JAVA))
    tree.add(21, JAVA, parent=20)
    tree.add(30, ("bash", "-c", "java -jar app.jar $MORE"))
    tree.add(31, ("env", *JAVA, "x"), parent=30)
    tree.add(32, (*JAVA, "x"), parent=31)
    assert find_processes("java -jar", tree.files) == (11, 21, 32)


def test_a_shell_alone_is_a_match(tmp_path: Path) -> None:
    """There is nothing better."""
    tree = ProcTree(tmp_path)
    tree.add(10, ("sh", "-c", "java -jar app.jar"))
    assert find_processes("java", tree.files) == (10,)


def test_workers_count_once_where_they_have_the_same_rights(tmp_path: Path) -> None:
    """A worker of another user may not read what its master could."""
    tree = ProcTree(tmp_path)
    tree.add(10, ("gunicorn", "app"), uid=0)
    tree.add(11, ("gunicorn", "app"), uid=0, parent=10)
    tree.add(12, ("gunicorn", "app"), uid=33, parent=10)
    tree.add(13, ("gunicorn", "app"), uid=33, parent=10)
    assert find_processes("gunicorn", tree.files) == (10, 12, 13)


def test_a_worker_with_a_title_of_its_own_is_the_same_program(tmp_path: Path) -> None:
    """It has the executable and the environment of its master."""
    tree = ProcTree(tmp_path)
    tree.add(10, ("gunicorn: master",), {"A": "1"})
    tree.add(11, ("gunicorn: worker",), {"A": "1"}, parent=10)
    tree.add(12, ("gunicorn: worker",), {"A": "2"}, parent=10)
    assert find_processes("gunicorn", tree.files) == (10, 12)


def test_zombies_and_kernel_threads_are_no_match(tmp_path: Path) -> None:
    """They have nothing to be read."""
    tree = ProcTree(tmp_path)
    tree.add(10, JAVA, state="Z")
    tree.add(11, JAVA, flags=0x200000)
    assert find_processes("java", tree.files) == ()


def test_a_process_that_executes_another_program_is_another_one(tmp_path: Path) -> None:
    """Its number and its start stay the same."""
    tree = ProcTree(tmp_path)
    tree.add(10, ("sh", "-c", "exec java"))
    before = identify_processes([10, 99], tree.files)
    (tmp_path / "10" / "cmdline").write_bytes(b"java\0")
    assert len(before) == 1
    assert identify_processes([10], tree.files) != before
