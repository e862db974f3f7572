"""The registry of verifiers: by runtime, the model that judges a server's certificates."""

from collections.abc import Mapping
from typing import Final

from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import Verifier
from probe.model.runtime import COLLECTOR, GO_BASED

VERIFIERS: Final[Mapping[str, Verifier]] = {
    **dict.fromkeys((runtime.id for runtime in GO_BASED), verify_for_go),
}
"""A runtime that is missing has no model yet."""


def get_verifier(runtime: str) -> Verifier:
    """Return the model of `runtime`; the Collector's where it has none."""
    return VERIFIERS.get(runtime, VERIFIERS[COLLECTOR.id])
