"""Builds each program once and keeps it outside the tree; runs Go and reports its output.

Only the standard library is used: `make collector` comes here.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

GO_TIMEOUT: Final = 1500.0
"""Seconds that a build may take on a slow machine with an empty module cache."""


class NotBuiltError(Exception):
    """A program cannot be built here; the text says why."""


def built_once(name: str, build: Callable[[Path], Path]) -> Path:
    """Return the file or folder `name`; where it is missing, what `build` makes becomes it.

    `build` gets an empty folder and returns what is to be kept of it. Concurrent callers wait for
    one build.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtls-probe"
    base.mkdir(parents=True, exist_ok=True)
    kept = base / name
    if kept.exists():
        return kept
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=base, prefix="build-") as folder:
                build(Path(folder)).replace(kept)
    return kept


def run_go(*arguments: str, where: Path, **settings: str) -> None:
    """Run Go in the folder `where`, with `settings` in its environment.

    Raises:
        NotBuiltError: where Go is missing, fails or takes too long.
    """
    called = f"`{' '.join(['go', *arguments][:3])}`"
    if shutil.which("go") is None:
        raise NotBuiltError(f"Go is not installed, so {called} cannot be run")
    # The folder may lie within someone's repository; Go shall not look for its version there.
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".strip()
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off"}
    try:
        subprocess.run(
            ["go", *arguments],
            cwd=where,
            env={**os.environ, **fixed, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=GO_TIMEOUT,
            check=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        last = "\n".join(error.stdout.splitlines()[-15:])
        raise NotBuiltError(f"{called} failed:\n{last}") from None
    except subprocess.TimeoutExpired:
        raise NotBuiltError(f"{called} took more than {GO_TIMEOUT:.0f} s") from None
