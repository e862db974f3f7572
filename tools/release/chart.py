"""Packs the Helm chart as `helm package` does, with the version and the image that a release knows."""

import gzip
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

CHART: Final = Path("config", "helm", "mtls-probe")

_PRERELEASE: Final = re.compile(r"(?<=\d)(a|b|rc)(\d+)")
_VERSIONS: Final = re.compile(r"^(version|appVersion): .*$", re.MULTILINE)
_IMAGE: Final = re.compile(r"^(  repository: ).*$", re.MULTILINE)


class ChartError(Exception):
    """The chart lacks a line that a release writes, or leaves out what a release cannot tell."""


def write_chart(tree: Path, version: str, image: str) -> None:
    """Write into the chart of `tree` which version and which image it installs.

    Args:
        tree: A copy of the repository's files.
        version: The release's version, which is the image's tag too.
        image: Where the image is, without a tag; empty: what stands in the tree.

    Raises:
        ChartError: where a line to write is not there exactly once.
    """
    own = {"version": spell_chart_version(version), "appVersion": f'"{version}"'}
    _replace(tree / CHART / "Chart.yaml", _VERSIONS, lambda name: f"{name}: {own[name]}", times=2)
    if image:
        _replace(tree / CHART / "values.yaml", _IMAGE, lambda key: key + image, times=1)


def pack_chart(tree: Path, version: str, aim: Path, epoch: int) -> Path:
    """Pack the chart of `tree` into the folder `aim`, with the time `epoch` for every file.

    Raises:
        ChartError: where .helmignore has a pattern that is not a folder's name.
    """
    package = aim / f"mtls-probe-{spell_chart_version(version)}.tgz"
    left_out = _read_ignored(tree / CHART / ".helmignore")
    files = sorted(
        path
        for path in _list_files(tree / CHART)
        if path.relative_to(tree / CHART).parts[0] not in left_out
    )
    # Helm reads the first file that is called so; its own packages begin with it.
    files.sort(key=lambda path: path.name != "Chart.yaml")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as opened:
        for path in files:
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"mtls-probe/{path.relative_to(tree / CHART).as_posix()}")
            entry.size, entry.mtime, entry.mode = len(content), epoch, 0o644
            opened.addfile(entry, io.BytesIO(content))
    package.write_bytes(gzip.compress(archive.getvalue(), mtime=epoch))
    return package


def spell_chart_version(version: str) -> str:
    """Return a version as Helm reads it (Semantic Versioning 2): 1.2.3rc1 is 1.2.3-rc1 there."""
    return _PRERELEASE.sub(r"-\1\2", version)


def _list_files(folder: Path) -> Iterator[Path]:
    # The chart shares folders with the rest of the repository by links.
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (Path(place, name) for name in names)


def _read_ignored(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    if any(not re.fullmatch(r"\w+/", pattern) for pattern in patterns):
        raise ChartError(f"{path.name} may have names of folders alone, each with a / at its end")
    return frozenset(pattern.removesuffix("/") for pattern in patterns)


def _replace(
    path: Path, pattern: re.Pattern[str], write: Callable[[str], str], *, times: int
) -> None:
    text, found = pattern.subn(lambda match: write(match[1]), path.read_text(encoding="utf-8"))
    if found != times:
        raise ChartError(f"{path.name} must have {times} lines like {pattern.pattern}")
    path.write_text(text, encoding="utf-8")
