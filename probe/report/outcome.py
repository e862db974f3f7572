"""How outcomes are ranked and shown, once for terminals, pages and badges. Pure."""

from typing import Final, Literal

from probe.diagnosis.cause import Cause
from probe.model.evidence import TargetFacts
from probe.model.runtime import RUNTIMES
from probe.model.target import Target
from probe.text.safe_text import safe_text
from probe.text.time_format import format_day

Mood = Literal["good", "unsure", "bad"]

TERMINAL_COLOURS: Final[dict[Mood, str]] = {"good": "green", "unsure": "yellow", "bad": "red"}
PAGE_COLOURS: Final[dict[Mood | Literal["pending"], str]] = {
    "good": "#1a6e34",
    "unsure": "#8a5a00",
    "bad": "#b3261e",
    "pending": "#57606a",
}
"""White on each of them has a contrast of 4.5 or more (WCAG 2.2, 1.4.3)."""
MOOD_WORDS: Final[dict[Mood, str]] = {
    "good": "as expected",
    "unsure": "unconfirmed",
    "bad": "not as expected",
}
"""What a colour says, for people who do not see it."""
EXPORTER_NAMES: Final = {runtime.id: runtime.name for runtime in RUNTIMES}

_SEVERITIES: Final = ("critical", "warning", "info")


def describe_expectation(target: Target | TargetFacts) -> str:
    """Return what `target` must end with, as a noun; empty where that is `confirmed` alone."""
    if target.expect_requested:
        return "a backend that insists on a client certificate"
    cause = safe_text(target.expect_cause or "")
    if target.expect_until:
        return f"a success, or {cause} until {format_day(target.expect_until)}"
    return cause


def find_mood(outcome: str, *, expected: bool) -> Mood:
    """Return how an attempt is shown; a backend that accepts what it must refuse is bad."""
    if expected:
        return "good"
    return "unsure" if outcome == "unconfirmed" else "bad"


def rank_severity(cause: Cause | None) -> int:
    """Return 0 for the causes that must be fixed first; what has no cause comes last."""
    return len(_SEVERITIES) if cause is None else _SEVERITIES.index(cause.severity)
