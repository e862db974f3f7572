"""The log of sources: a line when one goes down, changes why, or is up again; not at each reading."""

from collections.abc import Iterable
from typing import Final

import structlog

from probe.model.target import SourceState

log = structlog.get_logger("mtls_probe")

NOTHING: Final = "nothing_to_probe"


class SourceLog:
    """Remembers how each source was, and logs what has changed."""

    def __init__(self) -> None:
        """Know of no source yet."""
        self._before: dict[str, SourceState] = {}
        self._nothing = ""

    def record(self, states: Iterable[SourceState], nothing_to_probe: str) -> None:
        """Log what is otherwise than at the last call.

        Args:
            states: Of all sources, as they were read just now.
            nothing_to_probe: Why there is nothing to probe, or an empty text.
        """
        now = {state.source: state for state in states}
        for name, state in now.items():
            before = self._before.get(name)
            if not state.up and (before is None or before.error != state.error):
                log.error("source_down", source=name, reason=state.error, targets=state.targets)
            elif state.up and before is not None and not before.up:
                log.info("source_up", source=name, targets=state.targets)
        if nothing_to_probe and nothing_to_probe != self._nothing:
            log.error(NOTHING, reason=nothing_to_probe)
        self._before, self._nothing = now, nothing_to_probe
