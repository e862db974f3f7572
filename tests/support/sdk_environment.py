"""Targets of an SDK's environment."""

from probe.config.sources.sdk.environment import read_environment
from probe.model.target import Target
from tests.support.reported_faults import targets_in

P = "OTEL_EXPORTER_OTLP_"


def targets(**variables: str) -> dict[str, Target]:
    """Return the targets of the environment, by name; names are without their prefix."""
    found = targets_in(read_environment({P + name: value for name, value in variables.items()}))
    return {target.name: target for target in found}


def only(**variables: str) -> Target:
    """Return the one target of the environment."""
    (target,) = targets(**variables).values()
    return target
