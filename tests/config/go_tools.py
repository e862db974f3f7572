"""Builds each program that checks the files in `config/` once, and keeps it outside the tree.

Each has a fixed version, so that a file that passes today passes tomorrow.
"""

import hashlib
from pathlib import Path
from typing import Final

from tests.support.builds import built_once, run_go

KUSTOMIZE: Final = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.22.0"
COMPOSE: Final = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
"""The reference implementation of the Compose specification, which `docker compose` is built on."""
OPERATOR_TYPES: Final = Path(__file__).parent / "operator_types"
GRAFANA_TEMPLATES: Final = Path(__file__).parent / "grafana_templates"


def installed(package: str) -> Path:
    """Return the program that `go install` makes of `package`, a path with its version.

    Raises:
        NotBuiltError: where Go is missing or the build fails.
    """
    return _built(package.encode(), package, Path.cwd())


def built(folder: Path) -> Path:
    """Return the program of the Go module in `folder`.

    Raises:
        NotBuiltError: where Go is missing or the build fails.
    """
    sources = [*sorted(folder.glob("*.go")), folder / "go.mod", folder / "go.sum"]
    return _built(b"".join(file.read_bytes() for file in sources), ".", folder)


def _built(made_of: bytes, package: str, where: Path) -> Path:
    def build(folder: Path) -> Path:
        run_go("install", package, where=where, GOBIN=str(folder))
        [made] = folder.iterdir()
        return made

    return built_once(f"tool-{hashlib.sha256(made_of).hexdigest()[:16]}", build)
