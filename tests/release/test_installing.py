"""The commands of docs/installing.md work as they are printed, with the wheel of this tree.

The wheel stands in the place of the name in the index, and a folder in the place of /.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from probe import __version__
from tests.contract.imports import ROOT
from tests.support.required_tools import missing
from tools.release.build import build_all
from tools.release.repository import Repository
from tools.shared_files import COMPLETIONS, SHARE

pytestmark = pytest.mark.slow

BIN: Final = Path(sys.executable).parent
PAGE: Final = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
BY_TOOL, COMPLETING, AS_A_SERVICE, VERIFYING = BLOCKS
NEEDS_SYSTEMD: Final = "systemctl daemon-reload && systemctl enable --now mtls-probe\n"


@pytest.fixture(scope="module")
def dist(released: Path) -> Path:
    """The files of a release."""
    return build_all(Repository(released), __version__)[0].parent


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel among them."""
    (found,) = dist.glob("*.whl")
    return found


def type_block(block: str, home: Path, *paths: Path) -> str:
    """Type `block` into a shell whose user has an empty home; every line has to work."""
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": ":".join((*map(str, paths), str(home / ".local" / "bin"), os.environ["PATH"])),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "USE_EMOJI": "0",
    }
    for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PYTHONPATH", "XDG_DATA_HOME", "XDG_BIN_HOME"):
        environment.pop(name, None)
    command = ("sh", "-euc", block)
    ended = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("line", [line.partition("#")[0].strip() for line in BY_TOOL.splitlines()])
def test_a_tool_installs_the_command(line: str, wheel: Path, tmp_path: Path) -> None:
    """Each of pipx and uv, into an environment of its own; the command is on the path afterwards."""
    if not (BIN / line.split(maxsplit=1)[0]).exists():
        missing(f"not installed: {line.split(maxsplit=1)[0]}")
    here = tmp_path / "tools"
    here.mkdir()
    for tool in ("pipx", "uv"):
        (here / tool).symlink_to(BIN / tool)
    typed = re.sub(r"mtls-probe$", str(wheel), line)
    assert typed != line
    type_block(typed, tmp_path, here)
    assert (tmp_path / ".local" / "bin" / "mtls-probe").exists()
    assert __version__ in type_block("mtls-probe --version", tmp_path)


def test_it_is_installed_with_python_alone(wheel: Path, tmp_path: Path) -> None:
    """README.md's command for who has neither pipx nor make, as it is printed there."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(python3 -m venv [^`]*)`", page)
    typed = line.replace("install .", f"install --quiet {wheel}").replace("python3", sys.executable)
    assert "confirmed" in type_block(f"{typed} --once", tmp_path)


def test_the_command_writes_its_completion(tmp_path: Path) -> None:
    """For each shell what the wheel has too."""
    type_block(COMPLETING, tmp_path, BIN)
    written = {
        "bash": ".local/share/bash-completion/completions/mtls-probe",
        "zsh": ".zfunc/_mtls-probe",
        "fish": ".config/fish/completions/mtls-probe.fish",
    }
    for shell, path in written.items():
        shipped = (SHARE / COMPLETIONS[shell]).read_text(encoding="utf-8")
        assert (tmp_path / path).read_text(encoding="utf-8").strip() == shipped.strip()


def test_the_service_is_installed(wheel: Path, tmp_path: Path) -> None:
    """Every file is where the unit looks for it, and the example is valid there."""
    assert AS_A_SERVICE.endswith(NEEDS_SYSTEMD)
    root = tmp_path / "root"
    for folder in ("usr/local/bin", "etc/systemd/system", "opt"):
        (root / folder).mkdir(parents=True)
    typed = AS_A_SERVICE.removesuffix(NEEDS_SYSTEMD).replace("python3 -m venv", "PYTHON -m venv")
    typed = re.sub(r"(?<=\s)/(opt|etc|usr)/|^/(opt)/", rf"{root}/\1\2/", typed, flags=re.MULTILINE)
    typed = typed.replace("pip install mtls-probe", f"pip install -q {wheel}")
    # The example's targets name files that are not here: what is missing is named, with exit code 1.
    typed = re.sub(r"(validate .*?)  +#", r"\1 || test $? = 1 #", typed)
    said = type_block(typed.replace("PYTHON", sys.executable), tmp_path)
    assert "/etc/otel/tls.crt does not exist" in said
    unit = (root / "etc/systemd/system/mtls-probe.service").read_text(encoding="utf-8")
    for path in re.findall(r"(?:^ExecStart=|--config )(/\S+)", unit, re.MULTILINE):
        assert (root / path[1:]).exists(), path


def test_a_download_can_be_verified(dist: Path, tmp_path: Path) -> None:
    """As printed, in the folder of the files."""
    typed = f"cd {dist}; {VERIFYING}"
    assert "FAILED" not in type_block(typed, tmp_path)
