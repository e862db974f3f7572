"""What keeps the tree from being released, each as a sentence with what to do."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.release.repository import Repository
from tools.release.sbom import SbomError, list_components
from tools.release.version import CHANGELOG, VersionError, read_section, read_version

REQUIRED: Final = (
    "name", "description", "readme", "license", "license-files", "authors", "requires-python",
    "keywords", "classifiers", "dependencies", "scripts",
)  # fmt: skip
"""Of `[project]` in pyproject.toml."""
_SHOWN: Final = 3


def list_obstacles(repository: Repository) -> Iterator[str]:
    """Yield each obstacle."""
    root = repository.root
    if changes := repository.list_changes():
        shown = ", ".join(change[3:] for change in changes[:_SHOWN])
        yield f"the tree has changes that are not committed ({shown}): commit or remove them"
    yield from _find_metadata_lacking(root)
    try:
        version = read_version(root)
    except VersionError as error:
        yield str(error)
        return
    if not read_section(root, version):
        yield (
            f"{CHANGELOG} has no section for {version}, the version of the tree: "
            f"make release VERSION={version} writes it"
        )
    tagged = repository.find_tag(version)
    if tagged is not None and tagged != repository.read_head():
        yield f"v{version} is released already, from {tagged[:12]}: choose another version"
    try:
        list_components(root)
    except SbomError as error:
        yield str(error)


def _find_metadata_lacking(root: Path) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for key in REQUIRED:
        if not project.get(key):
            yield f"pyproject.toml lacks {key} under [project]"
    named = [project.get("readme", ""), *project.get("license-files", ())]
    for name in named:
        if not (root / name).is_file():
            yield f"pyproject.toml names {name}, which is not there"
