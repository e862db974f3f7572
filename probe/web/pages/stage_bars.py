"""How long each stage of an attempt took, as bars on one common scale, with the numbers: pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.model.evidence import STAGES, Evidence, Stage
from probe.text.time_format import format_stage_time

WIDTH: Final = 100.0
_LEAST: Final = 0.6
"""A stage of microseconds would be no bar at all."""

MEANINGS: Final[dict[Stage, str]] = {
    "load": "reading the credential files",
    "resolve": "looking up the name",
    "connect": "the TCP connection",
    "handshake": "TLS, as far as the client sees it",
    "accept": "the backend's judgement of the certificate",
    "export": "the answer to the request",
}


@dataclass(frozen=True, slots=True)
class StageBar:
    """One stage: `x` and `width` of its bar, and `words` for its duration."""

    stage: str
    meaning: str
    x: float
    width: float
    words: str


def stage_bars(evidence: Evidence) -> tuple[StageBar, ...]:
    """Return the stages of an attempt in order, each beginning where the one before ended."""
    return tuple(_bars(evidence))


def _bars(evidence: Evidence) -> Iterator[StageBar]:
    total = sum(evidence.durations.values()) or 1.0
    begun = 0.0
    for stage in STAGES:
        seconds = evidence.durations.get(stage)
        if seconds is None:
            yield StageBar(stage, MEANINGS[stage], 0.0, 0.0, "not reached")
            continue
        width = max(seconds / total * WIDTH, _LEAST)
        x = min(begun / total * WIDTH, WIDTH - width)
        yield StageBar(
            stage, MEANINGS[stage], round(x, 2), round(width, 2), format_stage_time(seconds)
        )
        begun += seconds
