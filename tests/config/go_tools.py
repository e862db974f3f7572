"""Builds the programs that judge the files in `config/` once each, and keeps them outside the tree.

Each has a version of its own, so that what is judged today is judged alike tomorrow.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.lab.collector_build import cache_folder

KUSTOMIZE: Final = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
COMPOSE: Final = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
"""The reference implementation of the Compose specification, which `docker compose` is built on."""
OPERATOR_TYPES: Final = Path(__file__).parent / "operator_types"
BUILD_TIMEOUT: Final = 900.0
"""Seconds that a build may take on a slow machine with an empty module cache."""


class ToolUnavailableError(Exception):
    """A program cannot be built here; the text says why."""


def installed(package: str) -> Path:
    """Return the program that `go install` makes of `package`, a path with its version.

    Raises:
        ToolUnavailableError: where Go is missing or the build fails.
    """
    digest = hashlib.sha256(package.encode()).hexdigest()[:16]
    return _built(digest, ["go", "install", package], Path.cwd())


def built(folder: Path) -> Path:
    """Return the program of the Go module in `folder`.

    Raises:
        ToolUnavailableError: where Go is missing or the build fails.
    """
    sources = [*sorted(folder.glob("*.go")), folder / "go.mod", folder / "go.sum"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    return _built(digest, ["go", "install", "."], folder)


def _built(digest: str, command: list[str], folder: Path) -> Path:
    base = cache_folder()
    base.mkdir(parents=True, exist_ok=True)
    program = base / f"tool-{digest}"
    if program.exists():
        return program
    # Concurrent callers wait for one build.
    with program.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=base, prefix="build-") as building:
                _run(command, folder, Path(building))
                [made] = Path(building).iterdir()
                made.replace(program)
    return program


def _run(command: list[str], folder: Path, into: Path) -> None:
    if shutil.which(command[0]) is None:
        raise ToolUnavailableError(f"Go is not installed, so `{' '.join(command)}` cannot be run")
    # The folder may lie within someone's repository; Go shall not look for its version there.
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".strip()
    settings = {"GOBIN": str(into), "CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off"}
    try:
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT,
            check=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        last = "\n".join(error.stdout.splitlines()[-15:])
        raise ToolUnavailableError(f"`{' '.join(command)}` failed:\n{last}") from None
    except subprocess.TimeoutExpired:
        reason = f"`{' '.join(command)}` took more than {BUILD_TIMEOUT:.0f} s"
        raise ToolUnavailableError(reason) from None
