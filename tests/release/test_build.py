"""`make release`: the same commit gives the same bytes, and nothing else takes part."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Final

import pytest

from probe import __version__
from probe.alerting.links import CAUSES_PAGE
from tests.contract.imports import ROOT
from tests.release.conftest import make_git
from tests.support.every_row import every_row
from tools.release.build import build_all
from tools.release.repository import Repository
from tools.shared_files import COMPLETIONS, MAN_PAGE

pytestmark = pytest.mark.slow

URL: Final = "https://forge.example.com/mtls-probe"
IMAGE: Final = "registry.example.com/mtls-probe"


@pytest.fixture(scope="module")
def built(released: Path) -> dict[str, bytes]:
    """The files of a release, by name."""
    return {
        path.name: path.read_bytes()
        for path in build_all(Repository(released), __version__, URL, IMAGE)
    }


@pytest.fixture(scope="module")
def wheel(built: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, opened."""
    path = tmp_path_factory.mktemp("wheel") / f"mtls_probe-{__version__}-py3-none-any.whl"
    path.write_bytes(built[path.name])
    return zipfile.ZipFile(path)


def find(wheel: zipfile.ZipFile, end: str) -> bytes:
    """Return the one file of `wheel` whose name ends so."""
    (name,) = (name for name in wheel.namelist() if name.endswith(end))
    return wheel.read(name)


def test_the_same_commit_gives_the_same_bytes(released: Path, built: dict[str, bytes]) -> None:
    """In another folder, with another umask and clock, and with files lying about that are ignored."""
    other = released.with_name("elsewhere")
    make_git(released)("clone", "--quiet", str(released), str(other))
    (other / "probe" / "__pycache__").mkdir()
    (other / "probe" / "__pycache__" / "stray.pyc").write_bytes(b"x")
    before = os.umask(0o077)
    try:
        again = build_all(Repository(other), __version__, URL, IMAGE)
    finally:
        os.umask(before)
    assert {path.name: path.read_bytes() for path in again} == built


def test_checksums_are_those_of_the_files(built: dict[str, bytes]) -> None:
    """`sha256sum --check SHA256SUMS` works for whoever downloads them."""
    lines = built["SHA256SUMS"].decode().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert sums == {
        name: hashlib.sha256(held).hexdigest()
        for name, held in built.items()
        if name != "SHA256SUMS"
    }
    assert set(sums) == {
        f"mtls_probe-{__version__}-py3-none-any.whl",
        f"mtls_probe-{__version__}.tar.gz",
        f"mtls-probe-{__version__}.tgz",
        f"mtls_probe-{__version__}.cdx.json",
        f"mtls_probe-{__version__}.md",
    }


def test_the_wheel_holds_what_it_promises(wheel: zipfile.ZipFile) -> None:
    """Licence, types, completions, man page, an example and its schema; no test and no tool."""
    assert find(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert find(wheel, "probe/py.typed") == b""
    for path in (*COMPLETIONS.values(), MAN_PAGE):
        held = find(wheel, f".data/data/share/{path}")
        assert held == (ROOT / "config" / "share" / path).read_bytes()
    for name in ("mtls-probe.yml", "mtls-probe.schema.json", "mtls-probe.service"):
        assert find(wheel, f".data/data/share/mtls-probe/{name}")
    tops = {name.split("/")[0] for name in wheel.namelist()}
    own = f"mtls_probe-{__version__}"
    assert tops == {"probe", f"{own}.data", f"{own}.dist-info"}


def test_the_metadata_is_complete(wheel: zipfile.ZipFile) -> None:
    """An index shows who made it, its licence, where it is, and a page whose links lead somewhere."""
    held = message_from_bytes(find(wheel, ".dist-info/METADATA"))
    assert held["Version"] == __version__
    assert held["Author"] == "mtls-probe authors"
    assert held["License-Expression"] == "Apache-2.0"
    assert held["Requires-Python"] == ">=3.11"
    assert f"Source, {URL}" in held.get_all("Project-URL", [])
    assert "Typing :: Typed" in held.get_all("Classifier", [])
    page = str(held.get_payload())
    assert f"]({URL}/blob/v{__version__}/docs/sidecar.md)" in page
    assert f"]({URL}/raw/v{__version__}/docs/pictures/check.svg)" in page
    assert f'src="{URL}/raw/v{__version__}/docs/pictures/' in page
    assert not re.search(r"""(?:\]\(|src="|srcset=")docs/""", page)


def test_links_of_alerts_lead_to_the_catalogue_of_the_version(wheel: zipfile.ZipFile) -> None:
    """The placeholder of the repository is in no file of a release that knows its address."""
    assert f"{URL}/blob/v{__version__}/CAUSES.md#".encode() in find(
        wheel, "probe/alerting/links.py"
    )
    assert not [name for name in wheel.namelist() if CAUSES_PAGE.encode() in wheel.read(name)]


def test_a_tree_alone_knows_no_address() -> None:
    """No address is invented: only a release knows where the project is."""
    assert "urls" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def members(archive: bytes, folder: Path) -> Iterator[str]:
    """Yield the files of a source distribution."""
    path = folder / "sdist.tar.gz"
    path.write_bytes(archive)
    with tarfile.open(path) as opened:
        yield from opened.getnames()


def test_the_source_distribution_can_build_and_test_itself(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    """A distribution's packager needs the tests, the locks and the licence, not our workflows."""
    held = set(members(built[f"mtls_probe-{__version__}.tar.gz"], tmp_path))
    top = f"mtls_probe-{__version__}"
    for name in ("LICENSE", "Makefile", "pyproject.toml", "PKG-INFO", "tests/conftest.py",
                 "requirements/test.txt", "config/share/" + MAN_PAGE):  # fmt: skip
        assert f"{top}/{name}" in held
    assert [name for name in held if name.endswith(".pyc")] == []


def test_the_source_distribution_gives_the_same_wheel(
    built: dict[str, bytes], released: Path, tmp_path: Path
) -> None:
    """Whoever builds from it, as distributions do, gets what was published."""
    list(members(built[f"mtls_probe-{__version__}.tar.gz"], tmp_path))
    with tarfile.open(tmp_path / "sdist.tar.gz") as opened:
        opened.extractall(tmp_path, filter="data")
    epoch = str(Repository(released).read_epoch())
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(
        command,
        cwd=tmp_path / f"mtls_probe-{__version__}",
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        check=True,
        capture_output=True,
    )
    name = f"mtls_probe-{__version__}-py3-none-any.whl"
    assert (tmp_path / name).read_bytes() == built[name]


def test_the_notes_are_the_changelogs_section(built: dict[str, bytes]) -> None:
    """What a forge shows of a release is what the changelog says of it."""
    notes = built[f"mtls_probe-{__version__}.md"].decode()
    assert notes.startswith("###")
    assert "\n## " not in notes
    assert f"]({URL}/blob/v{__version__}/docs/" in notes


@every_row(key=("bomFormat", "specVersion", "serialNumber", "metadata", "components"))
def test_the_bill_of_materials_is_one(key: str, built: dict[str, bytes]) -> None:
    """Its required keys are there, and the product is its subject."""
    document = json.loads(built[f"mtls_probe-{__version__}.cdx.json"])
    assert document[key]
    assert document["metadata"]["component"]["version"] == __version__
    assert document["metadata"]["timestamp"].startswith("2026-01-02T03:04:05")
