"""The version: where it is written, its section of the changelog, and how a new one is opened."""

import re
from pathlib import Path
from typing import Final

PACKAGE: Final = "probe/__init__.py"
CHANGELOG: Final = "CHANGELOG.md"
VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")

_WRITTEN: Final = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)
_UNRELEASED: Final = "## [Unreleased]\n"


class VersionError(Exception):
    """What keeps a version from being read or opened."""


def read_version(root: Path) -> str:
    """Return the version of the tree.

    Raises:
        VersionError: where it is not one, or not written where it belongs.
    """
    found = _WRITTEN.findall((root / PACKAGE).read_text(encoding="utf-8"))
    if len(found) != 1 or not VERSION.fullmatch(found[0]):
        raise VersionError(f'{PACKAGE} must have one line like __version__ = "1.2.3"')
    return str(found[0])


def read_section(root: Path, version: str) -> str:
    """Return what the changelog says of `version`, without its heading; empty where nothing."""
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$\n"
    match = re.search(rf"{heading}(.*?)(?=^## \[|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() + "\n" if match and match[1].strip() else ""


def open_version(root: Path, version: str, date: str) -> tuple[Path, Path]:
    """Write `version` into the package, and what is unreleased under it; return both files.

    Raises:
        VersionError: where it is not a version, has a section already, or nothing is unreleased.
    """
    if not VERSION.fullmatch(version):
        raise VersionError(f"{version} is not a version: write one like 1.2.3 or 1.2.3rc1")
    package, changelog = root / PACKAGE, root / CHANGELOG
    text = changelog.read_text(encoding="utf-8")
    if f"## [{version}]" in text:
        raise VersionError(f"{CHANGELOG} has a section for {version} already")
    before, unreleased, after = text.partition(_UNRELEASED)
    if not unreleased or not after.split("\n## [")[0].strip():
        raise VersionError(f"{CHANGELOG} has nothing under {_UNRELEASED.strip()}")
    changelog.write_text(
        f"{before}{unreleased}\n## [{version}] - {date}\n{after}", encoding="utf-8"
    )
    source = package.read_text(encoding="utf-8")
    package.write_text(_WRITTEN.sub(f'__version__ = "{version}"', source), encoding="utf-8")
    return package, changelog
