"""A repository of its own, with the files of this tree as its one commit."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT

WHEN: Final = "2026-01-02T03:04:05+00:00"
_AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": WHEN,
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_COMMITTER_DATE": WHEN,
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip

Git = Callable[..., str]


def make_git(folder: Path) -> Git:
    """Return a function that runs Git in `folder` and returns what it prints."""

    def run(*arguments: str) -> str:
        environment = {**os.environ, **_AUTHOR}
        # The tree may belong to another user, in a container.
        command = ("git", "-C", str(folder), "-c", "safe.directory=*", *arguments)
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout

    return run


def copy_repository(folder: Path, *only: str) -> Path:
    """Copy the files that belong to this tree, or `only` those, into a new repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a repository: only a repository can be released")
    listed = make_git(ROOT)("ls-files", "-z", "--cached", "--others", "--exclude-standard", *only)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    git = make_git(folder)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "All files")
    return folder


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree whose version is ready to be released."""
    from tools.release.version import open_version, read_version

    tree = copy_repository(tmp_path_factory.mktemp("released"))
    if not (tree / "CHANGELOG.md").read_text(encoding="utf-8").count(f"[{read_version(tree)}]"):
        open_version(tree, read_version(tree), "2026-01-02")
        make_git(tree)("commit", "--all", "--quiet", "--message", "The version")
    return tree
