"""How an attempt is shown and what comes first: one judgement for terminal, pages and badge."""

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.report.outcome import (
    EXPORTER_NAMES,
    MOOD_WORDS,
    PAGE_COLOURS,
    TERMINAL_COLOURS,
    find_mood,
    rank_severity,
)


@pytest.mark.parametrize(
    ("outcome", "expected", "mood"),
    [
        ("confirmed", True, "good"),
        ("failed", True, "good"),
        ("failed", False, "bad"),
        ("unconfirmed", False, "unsure"),
        ("confirmed", False, "bad"),
    ],
)
def test_what_is_expected_is_good(outcome: str, expected: bool, mood: str) -> None:
    """A failure that is asked for too; a backend that accepts what it must refuse is bad."""
    assert find_mood(outcome, expected=expected) == mood


def test_every_mood_has_a_colour_and_words() -> None:
    """Colour is never the only sign."""
    assert set(TERMINAL_COLOURS) == set(MOOD_WORDS) == set(PAGE_COLOURS) - {"pending"}


def test_critical_causes_come_first() -> None:
    """What has no cause comes last."""
    ranks = {cause.severity: rank_severity(cause) for cause in CATALOGUE.values()}
    assert ranks["critical"] < ranks["warning"] < rank_severity(None)


def test_exporters_have_names() -> None:
    """For each runtime that a verdict can be about."""
    assert all(EXPORTER_NAMES.values())
