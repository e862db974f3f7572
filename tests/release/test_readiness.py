"""Whether a tree can be released, and what is said where it cannot."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from probe import __version__
from tests.release.conftest import copy_repository, make_git
from tools.release.readiness import list_obstacles
from tools.release.repository import Repository
from tools.release.version import VersionError, open_version, read_section, read_version

SOME: Final = (
    "pyproject.toml", "probe/__init__.py", "CHANGELOG.md", "LICENSE", "README.md", "requirements",
    "tools/release",
)  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that a release looks at, in a version of their own that nothing has released."""
    copied = copy_repository(tmp_path, *SOME)
    open_version(copied, "9.8.7", "2026-01-02")
    make_git(copied)("commit", "--all", "--quiet", "--message", "9.8.7")
    return copied


def obstacles(tree: Path) -> list[str]:
    """Return what keeps `tree` from being released."""
    return list(list_obstacles(Repository(tree)))


def test_a_tree_that_is_ready(tree: Path) -> None:
    """Nothing is said, also where the version's tag is this commit's."""
    assert obstacles(tree) == []
    Repository(tree).write_tag("9.8.7", read_section(tree, "9.8.7"))
    assert obstacles(tree) == []
    assert "### Added" in make_git(tree)("for-each-ref", "--format=%(contents)", "refs/tags/v9.8.7")


def test_changes_that_are_not_committed(tree: Path) -> None:
    """They would not be in what is built."""
    (tree / "README.md").write_text("x", encoding="utf-8")
    (only,) = obstacles(tree)
    assert only.startswith("the tree has changes that are not committed (README.md)")


def test_a_version_without_a_section(tree: Path) -> None:
    """Nobody would know what is new; the command that writes it is named."""
    package = tree / "probe" / "__init__.py"
    package.write_text(package.read_text("utf-8").replace("9.8.7", "9.8.8"), encoding="utf-8")
    make_git(tree)("commit", "--all", "--quiet", "--message", "9.8.8")
    (only,) = obstacles(tree)
    assert only.endswith("make release VERSION=9.8.8 writes it")


def test_a_version_that_is_released(tree: Path) -> None:
    """The same version twice would be two things of one name."""
    git = make_git(tree)
    git("tag", "v9.8.7")
    git("commit", "--quiet", "--allow-empty", "--message", "later")
    (only,) = obstacles(tree)
    assert only.startswith("v9.8.7 is released already")


def test_metadata_that_is_not_complete(tree: Path) -> None:
    """What an index shows is there before the version is."""
    project = tree / "pyproject.toml"
    text = "".join(
        line for line in project.read_text("utf-8").splitlines(True) if "authors" not in line
    )
    project.write_text(text, encoding="utf-8")
    (tree / "LICENSE").unlink()
    make_git(tree)("commit", "--all", "--quiet", "--message", "less")
    assert obstacles(tree) == [
        "pyproject.toml lacks authors under [project]",
        "pyproject.toml names LICENSE, which is not there",
    ]


def test_a_version_is_opened_once(tree: Path) -> None:
    """It gets what was unreleased, under its day; a second time there is nothing to get."""
    assert read_version(tree) == "9.8.7"
    text = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]\n\n## [9.8.7] - 2026-01-02\n" in text
    with pytest.raises(VersionError, match="has a section for"):
        open_version(tree, "9.8.7", "2026-01-02")
    with pytest.raises(VersionError, match="nothing under"):
        open_version(tree, "9.8.8", "2026-01-02")
    with pytest.raises(VersionError, match="not a version"):
        open_version(tree, "v9", "2026-01-02")


def test_the_command_says_what_is_in_the_way(tree: Path) -> None:
    """`make release` ends with 1 and builds nothing; with VERSION it only writes."""
    (tree / "README.md").write_text("x", encoding="utf-8")
    command = (sys.executable, "-m", "tools.release")
    ended = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "not releasable: the tree has changes" in ended.stderr
    assert not (tree / "dist").exists()
    wrong = (*command, "--version", "next")
    ended = subprocess.run(wrong, cwd=tree, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("make release: next is not a version: write one like 1.2.3")


def test_this_trees_version_is_one() -> None:
    """The version that the product prints is the one that is released."""
    assert read_version(Path(__file__).parents[2]) == __version__
