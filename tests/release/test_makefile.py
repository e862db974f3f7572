"""`make` on a machine that lacks something: it says what, and what to install or write."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT
from tests.faults.name_server import rights_cannot_be_dropped, without_root_rights
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

TOOLS: Final = ("sh", "make", "echo", "test", "rm", "touch")
NEEDS_RIGHTS: Final = pytest.mark.skipif(
    bool(rights_cannot_be_dropped()), reason=rights_cannot_be_dropped()
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone, as far as making the environment needs it."""
    if shutil.which("make") is None:
        missing("not installed: make")
    folder = tmp_path / "a clone"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def link_tools(folder: Path, **programs: str) -> str:
    """Make a PATH that has the shell's tools, and scripts as `programs` say."""
    only = folder / "only"
    only.mkdir()
    for name in TOOLS:
        (only / name).symlink_to(shutil.which(name) or missing(f"not installed: {name}"))
    for name, script in programs.items():
        (only / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (only / name).chmod(0o755)
    return str(only)


def make_environment(
    tree: Path, *assigned: str, before: tuple[str, ...] = (), **variables: str
) -> str:
    """Ask make for the environment, which it cannot make; return what it says."""
    ended = subprocess.run(
        [*before, "make", *assigned, ".venv/bin/python"],
        cwd=tree, env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stdout
    assert not (tree / ".venv").exists()
    return ended.stderr


def test_no_python(tree: Path, tmp_path: Path) -> None:
    """What to install, by the name of its package."""
    said = make_environment(tree, PATH=link_tools(tmp_path))
    assert "no Python found: install Python 3.11 or newer" in said
    assert "apt install python3 python3-venv" in said


def test_a_python_that_is_too_old(tree: Path, tmp_path: Path) -> None:
    """Which one was found, how old it is, and how to name another."""
    old = 'case "$1$2" in --version) echo Python 3.9.2;; -cpass) ;; *) exit 1;; esac'
    said = make_environment(tree, PATH=link_tools(tmp_path, python3=old))
    assert "python3 is Python 3.9.2, and mtls-probe needs Python 3.11 or newer" in said
    assert "make PYTHON=/path/to/python3.11" in said


def test_a_newer_one_beside_an_old_one_is_found(tree: Path, tmp_path: Path) -> None:
    """As where the system's own is old: the first that is new enough is taken."""
    path = link_tools(tmp_path, python3="exit 1", **{"python3.13": f'exec "{sys.executable}" "$@"'})
    ended = subprocess.run(
        ["make", "-n", ".venv/bin/python"],
        cwd=tree, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "python3.13 -m venv" in ended.stdout


def test_a_python_that_is_named_and_is_not_there(tree: Path) -> None:
    """The name as it was given, and what to write."""
    said = make_environment(tree, "PYTHON=/no/such/python")
    assert "/no/such/python does not run" in said


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_no_module_venv(tree: Path, tmp_path: Path, module: str) -> None:
    """As Debian's Python is without its package; nothing half-made is left."""
    (tmp_path / f"{module}.py").write_text("raise ImportError(__name__)\n", encoding="utf-8")
    said = make_environment(tree, f"PYTHON={sys.executable}", PYTHONPATH=str(tmp_path))
    assert "has no module venv, or none for pip" in said
    assert "apt install python3-venv" in said


@NEEDS_RIGHTS
def test_a_clone_that_cannot_be_written_to(tree: Path) -> None:
    """Somebody else's folder, or one that is mounted read-only."""
    tree.chmod(0o555)
    said = make_environment(tree, f"PYTHON={sys.executable}", before=tuple(without_root_rights()))
    assert f"{tree} cannot be written to" in said
    assert "pipx install" in said
