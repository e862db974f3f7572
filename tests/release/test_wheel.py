"""The wheel, installed into a clean environment of each Python that it is for, is the product."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from probe import __version__
from tests.contract.imports import ROOT
from tests.support.required_tools import missing
from tools.release.build import build_all
from tools.release.repository import Repository
from tools.shared_files import COMPLETIONS, MAN_PAGE

pytestmark = pytest.mark.slow

VERSIONS: Final = ("3.11", "3.12", "3.13", "3.14")
INSTALLS: Final = re.compile(r"^(?:pip|pipx|uv|python3?|docker|helm|kubectl|make|#)\b|^$")
"""What a paste begins with that gets the product, in place of which the wheel is installed."""
A_PROGRAM: Final = "from probe import __version__\nreveal_type(__version__)\n"


def find_interpreter(version: str) -> str | None:
    """Return a Python of `version`: on the path, or one that pyenv has installed."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    for candidate in (*map(str, found), shutil.which(f"python{version}")):
        if candidate:
            ended = subprocess.run(
                (candidate, "-c", "import ensurepip, sys; print(sys.version)"),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if ended.returncode == 0 and ended.stdout.startswith(f"{version}."):
                return candidate
    return None


def run(*command: str | Path, **options: object) -> str:
    """Run a command that has to work; return what it prints."""
    outside = {**os.environ, "PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=outside, **options
    )  # type: ignore[call-overload]
    assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
    return str(ended.stdout)


@pytest.fixture(scope="module")
def wheel(released: Path) -> Path:
    """The wheel of a release."""
    (found,) = (
        path for path in build_all(Repository(released), __version__) if path.suffix == ".whl"
    )
    return found


@pytest.fixture(scope="module", params=VERSIONS)
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The environment of a user who has nothing else: its bin/."""
    python = find_interpreter(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param}")
    home = tmp_path_factory.mktemp("installed")
    run(python, "-m", "venv", home)
    run(home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    yield home / "bin"
    shutil.rmtree(home)


def test_it_is_whole(installed: Path, tmp_path: Path) -> None:
    """Its version, what it needs, its licence, completions, man page and an example that works."""
    assert run(installed / "mtls-probe", "--version").strip().endswith(__version__)
    assert "No broken requirements" in run(installed / "python", "-m", "pip", "check")
    share = installed.parent / "share"
    for path in (*COMPLETIONS.values(), MAN_PAGE):
        assert (share / path).is_file(), path
    held = run(installed / "python", "-m", "pip", "show", "--files", "mtls-probe")
    assert "Author: mtls-probe authors" in held
    assert "licenses/LICENSE" in held
    assert "probe/py.typed" in held
    schema = run(installed / "mtls-probe", "schema", "config")
    assert schema == (share / "mtls-probe" / "mtls-probe.schema.json").read_text(encoding="utf-8")


def test_it_finds_what_is_wrong(installed: Path, tmp_path: Path) -> None:
    """The demo, outside of the repository: exit code 0, each fault that was built in was found."""
    assert "confirmed" in run(installed / "mtls-probe", "demo", "--once", cwd=tmp_path)


def list_pasted() -> tuple[str, ...]:
    """Return the commands of the first paste of README.md that are the product's own."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[0]
    lines = (line.split("  #")[0].strip() for line in first.splitlines())
    return tuple(line for line in lines if not INSTALLS.match(line))


def test_the_readmes_first_paste_works(installed: Path, tmp_path: Path) -> None:
    """As it is typed, with the command on the path."""
    pasted = list_pasted()
    assert pasted, "the first paste has no command of the product"
    for line in pasted:
        words = re.sub("mtls-probe demo(?! --once)", "mtls-probe demo --once", line)
        run("sh", "-c", f'PATH="{installed}:$PATH"; {words}', cwd=tmp_path)


def test_it_is_typed(wheel: Path, tmp_path: Path) -> None:
    """A program that imports it is checked against its types."""
    mypy = shutil.which("mypy") or str(ROOT / ".venv" / "bin" / "mypy")
    if not Path(mypy).exists():
        missing("not installed: mypy")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    program = tmp_path / "program.py"
    program.write_text(A_PROGRAM, encoding="utf-8")
    said = run(
        mypy, "--strict", "--no-incremental", "--follow-imports=silent", program,
        cwd=tmp_path / "site",
    )  # fmt: skip
    assert re.search(r'Revealed type is "(builtins\.)?str"', said)
