"""Builds the Collector of the lab tests once, and keeps the binary outside the tree.

The manifest is `collector/builder.yaml`; its hash is in the binary's name, so that a changed
manifest is built anew. Only the standard library is used: `make collector` runs this module.
"""

import hashlib
import re
import sys
from pathlib import Path
from typing import Final

from tests.support.builds import NotBuiltError, built_once, run_go

MANIFEST: Final = Path(__file__).parent / "collector" / "builder.yaml"
FILTERING: Final = Path(__file__).parent / "collector" / "filtering.yaml"
"""An earlier release, with the filter processor."""
BUILDER: Final = "go.opentelemetry.io/collector/cmd/builder"


def collector_binary(manifest: Path = MANIFEST) -> Path:
    """Return the path of the Collector that `manifest` describes; build it first where it is missing.

    Raises:
        NotBuiltError: where Go is missing or the build fails.
    """
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:16]
    return built_once(f"otelcol-{digest}", lambda folder: _build(manifest, folder))


def _build(manifest: Path, folder: Path) -> Path:
    """Let the builder write the sources, and build them without `go mod tidy`.

    Tidying needs what the tests of every module need, too, and a module proxy may not have that.
    """
    text = manifest.read_text(encoding="utf-8")
    version = re.search(r"otlpreceiver (v\S+)", text)
    if version is None:
        raise NotBuiltError(f"{manifest} has no otlpreceiver")
    core = [f"go.opentelemetry.io/collector/{part} {version[1]}" for part in ("otelcol", "service")]
    modules = [*re.findall(r"gomod: (\S+ v\S+)", text), *core]
    run_go(
        "run",
        f"{BUILDER}@{version[1]}",
        f"--config={manifest.resolve()}",
        "--skip-get-modules",
        "--skip-compilation",
        where=folder,
    )
    sources = folder / "build"
    if not (sources / "go.mod").exists():  # earlier builders write it all the same
        run_go("mod", "init", "example.com/otelcol-lab", where=sources)
    required = [f"-require={module.replace(' ', '@')}" for module in modules]
    run_go("mod", "edit", *required, where=sources)
    run_go("build", "-mod=mod", "-ldflags=-s -w", "-o", "otelcol-lab", ".", where=sources)
    return sources / "otelcol-lab"


if __name__ == "__main__":
    try:
        for each in (MANIFEST, FILTERING):
            sys.stdout.write(f"{collector_binary(each)}\n")
    except NotBuiltError as error:
        sys.exit(str(error))
