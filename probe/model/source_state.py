"""What is known of each source of targets: whether it could be read, and why not. Plain data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceState:
    """One item of `sources`, or the environment, as it was read last."""

    source: str
    """Its name, as it may be shown: `environment`, `file_sd:/etc/targets/*.yaml`."""
    up: bool
    """Whether it was read, all of it became targets, and the settings of one at least can be used."""
    targets: int = 0
    """How many targets come from it, those included that an earlier reading gave."""
    error: str | None = None
    """What is wrong, in one or more lines that are safe to show; None where it is up."""


@dataclass(frozen=True, slots=True)
class SourcesShown:
    """What pages and JSON say of the sources of targets."""

    states: tuple[SourceState, ...] = ()
    nothing_to_probe: str = ""
    """Why there is nothing to probe, and what to do; empty where there is something."""


def sources_down(states: tuple[SourceState, ...]) -> tuple[SourceState, ...]:
    """Return those of `states` that are not up."""
    return tuple(state for state in states if not state.up)
