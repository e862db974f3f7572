"""Builds sdist, wheel, chart, bill of materials, notes and checksums from the files of the last commit.

Whoever builds the same commit gets the same bytes: times are that of the commit, and nothing that
is not committed takes part.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.release.chart import pack_chart, write_chart
from tools.release.repository import Repository
from tools.release.sbom import render_sbom
from tools.release.version import CHANGELOG, read_section

CHECKSUMS: Final = "SHA256SUMS"

_BEFORE_URLS: Final = "[project.scripts]\n"
_RELATIVE_LINK: Final = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")
_RELATIVE_PICTURE: Final = re.compile(
    r"""(?<=\]\()(?!https?:)[^)\s]+\.svg(?=\))|(?<=src=")(?!https?:)[^"]+|(?<=srcset=")(?!https?:)[^"]+"""
)


class BuildError(Exception):
    """What was built is not complete."""


def build_all(
    repository: Repository, version: str, url: str = "", image: str = ""
) -> tuple[Path, ...]:
    """Build everything into dist/ of the tree; return the files.

    Args:
        repository: The tree.
        version: Its version.
        url: The repository's address, which a release knows and the tree does not.
        image: Where the release's container image is, without its tag; for the chart.

    Raises:
        BuildError: where the distributions cannot be built.
        ChartError: where the chart does not name its version or its image.
    """
    aim = repository.root / "dist"
    shutil.rmtree(aim, ignore_errors=True)
    aim.mkdir()
    epoch = repository.read_epoch()
    with TemporaryDirectory() as folder:
        tree = Path(folder) / f"mtls_probe-{version}"
        tree.mkdir()
        repository.export(tree)
        if url:
            _write_addresses(tree, version, url.rstrip("/"))
        _build_distributions(tree, aim, epoch)
        write_chart(tree, version, image)
        pack_chart(tree, version, aim, epoch)
    (aim / f"mtls_probe-{version}.cdx.json").write_text(
        render_sbom(repository.root, version, epoch), encoding="utf-8"
    )
    notes = read_section(repository.root, version)
    (aim / f"mtls_probe-{version}.md").write_text(
        _complete_links(notes, version, url.rstrip("/")) if url else notes, encoding="utf-8"
    )
    files = sorted(aim.iterdir())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (aim / CHECKSUMS).write_text("".join(sums), encoding="utf-8")
    return (*files, aim / CHECKSUMS)


def _build_distributions(tree: Path, aim: Path, epoch: int) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    command = (sys.executable, "-m", "hatchling", "build", "--directory", str(aim))
    # What hatchling says is of interest only where it fails.
    ended = subprocess.run(
        command, cwd=tree, env=environment, check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise BuildError(f"hatchling failed: {ended.stdout}{ended.stderr}")


def _write_addresses(tree: Path, version: str, url: str) -> None:
    """Write what only a release knows: where the project is, and whole links: of its front page, of alerts."""
    project = tree / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    pages = _name_pages(version, url)
    addresses = {
        "Source": url,
        "Documentation": f"{pages}/docs/README.md",
        "Changelog": f"{pages}/{CHANGELOG}",
        "Issues": f"{url}/issues",
    }
    lines = "".join(f'{name} = "{address}"\n' for name, address in addresses.items())
    project.write_text(
        text.replace(_BEFORE_URLS, f"[project.urls]\n{lines}\n{_BEFORE_URLS}", 1), encoding="utf-8"
    )
    # Only a tree that is released has the whole probe next to these tools.
    from probe.alerting.links import CAUSES_PAGE

    for path in filter(Path.is_file, tree.rglob("*")):
        content = path.read_bytes()
        if CAUSES_PAGE.encode() in content:
            path.write_bytes(content.replace(CAUSES_PAGE.encode(), f"{pages}/CAUSES.md#".encode()))
    page = tree / "README.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(_complete_links(text, version, url), encoding="utf-8")


def _complete_links(text: str, version: str, url: str) -> str:
    """Return `text` with whole links in the place of those within the repository."""
    text = _RELATIVE_PICTURE.sub(rf"{url}/raw/v{version}/\g<0>", text)
    return _RELATIVE_LINK.sub(rf"]({_name_pages(version, url)}/\1)", text)


def _name_pages(version: str, url: str) -> str:
    return f"{url}/blob/v{version}"
