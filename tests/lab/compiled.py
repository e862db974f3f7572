"""Builds the lab's own small server programs once each, and keeps them outside the tree.

What is built is named by a hash of the source and of the compiler's version, so that a change of
either brings a new one.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.builds import built_once

BUILD_TIMEOUT: Final = 300.0
"""Seconds; Go may have to compile its standard library first."""


def compiled(source: Path, *, version: Sequence[str], compiler: Sequence[str]) -> Path:
    """Return the folder that holds what `compiler` made of `source`; it is run there.

    `version` is the command that prints the compiler's version. Concurrent callers wait for one
    build.

    Raises:
        AssertionError: with the compiler's output, where it fails.
    """

    def build(folder: Path) -> Path:
        made = folder / "made"
        made.mkdir()
        _run([*compiler, str(source.resolve())], cwd=made)
        return made

    digest = hashlib.sha256(_run(version) + source.read_bytes()).hexdigest()[:16]
    return built_once(f"{source.stem}-{digest}", build)


def go_server(source: Path) -> Path:
    """Return the program that Go makes of one file, which needs nothing but its standard library.

    Raises:
        AssertionError: with Go's output, where it fails.
    """
    version = ("go", "env", "GOVERSION")
    build = ("env", "CGO_ENABLED=0", "GOWORK=off", "go", "build", "-o", "server")
    return compiled(source, version=version, compiler=build) / "server"


def _run(command: Sequence[str], cwd: Path | None = None) -> bytes:
    ended = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout.decode(errors='replace')}"
    return ended.stdout
