"""Builds the Collector of the lab tests once, and keeps the binary outside the tree.

The manifest is `collector/builder.yaml`; its hash is in the binary's name, so that a changed
manifest is built anew. Only the standard library is used: `make collector` runs this file.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

MANIFEST: Final = Path(__file__).parent / "collector" / "builder.yaml"
FILTERING: Final = Path(__file__).parent / "collector" / "filtering.yaml"
"""An earlier release, with the filter processor."""
BUILDER: Final = "go.opentelemetry.io/collector/cmd/builder"
BUILD_TIMEOUT: Final = 1500.0
"""Seconds that a build may take on a slow machine with an empty module cache."""


class CollectorUnavailableError(Exception):
    """The Collector cannot be built here; the text says why."""


def collector_binary(manifest: Path = MANIFEST) -> Path:
    """Return the path of the Collector that `manifest` describes, building it where need be.

    Concurrent callers wait for one build.

    Raises:
        CollectorUnavailableError: where Go is missing or the build fails.
    """
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:16]
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / f"otelcol-{digest}"
    if binary.exists():
        return binary
    with (folder / f"{binary.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _build(manifest, binary)
    return binary


def cache_folder() -> Path:
    """Return the folder, outside the tree, of what the lab has built."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mtls-probe"


def _build(manifest: Path, binary: Path) -> None:
    """Let the builder write the sources, and build them without `go mod tidy`.

    Tidying needs what the tests of every module need, too, and a module proxy may not have that.
    """
    go = shutil.which("go")
    if go is None:
        raise CollectorUnavailableError("Go is not installed, so the Collector cannot be built")
    text = manifest.read_text(encoding="utf-8")
    version = re.search(r"otlpreceiver (v\S+)", text)
    if version is None:
        raise CollectorUnavailableError(f"{manifest} names no otlpreceiver")
    core = [f"go.opentelemetry.io/collector/{part} {version[1]}" for part in ("otelcol", "service")]
    modules = [*re.findall(r"gomod: (\S+ v\S+)", text), *core]
    # The build folder may lie within someone's repository; Go shall not look for its version there.
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".strip()
    environment = {**os.environ, "GOFLAGS": flags, "CGO_ENABLED": "0", "GOWORK": "off"}
    with tempfile.TemporaryDirectory(dir=binary.parent, prefix="build-") as folder:
        sources = Path(folder) / "build"

        def run(where: Path, *arguments: str) -> None:
            _run([go, *arguments], where, environment)

        run(
            Path(folder),
            "run",
            f"{BUILDER}@{version[1]}",
            f"--config={manifest.resolve()}",
            "--skip-get-modules",
            "--skip-compilation",
        )
        if not (sources / "go.mod").exists():  # earlier builders write it all the same
            run(sources, "mod", "init", "example.com/otelcol-lab")
        required = [f"-require={module.replace(' ', '@')}" for module in modules]
        run(sources, "mod", "edit", *required)
        run(sources, "build", "-mod=mod", "-ldflags=-s -w", "-o", "otelcol-lab", ".")
        (sources / "otelcol-lab").replace(binary)


def _run(command: list[str], where: Path, environment: dict[str, str]) -> None:
    try:
        subprocess.run(
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT,
            check=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        last = "\n".join(error.stdout.splitlines()[-15:])
        raise CollectorUnavailableError(f"the Collector's build failed:\n{last}") from None
    except subprocess.TimeoutExpired:
        raise CollectorUnavailableError(
            f"the Collector's build took more than {BUILD_TIMEOUT:.0f} s"
        ) from None


if __name__ == "__main__":
    try:
        for each in (MANIFEST, FILTERING):
            sys.stdout.write(f"{collector_binary(each)}\n")
    except CollectorUnavailableError as error:
        sys.exit(str(error))
