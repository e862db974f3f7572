"""Times of day, durations and ages: the same words wherever they are written."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.text.time_format import (
    DAY,
    format_age,
    format_duration,
    format_stage_time,
    format_time,
    rfc3339,
)

NUMBERS = st.floats() | st.integers(-(10**20), 10**20).map(float)


@settings(max_examples=200, deadline=None)
@given(NUMBERS)
def test_times_and_durations_are_written_of_any_number(number: float) -> None:
    """Not even a time beyond the calendar, an infinity or no number at all raises."""
    assert format_time(number)
    assert format_duration(number)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "less than a second"),
        (1, "1 second"),
        (119, "1 minute"),
        (-7200, "2 hours"),
        (59 * DAY, "59 days"),
        (inf, "more time than can be counted"),
    ],
)
def test_a_duration_is_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    """Its sign is what the sentence around it says."""
    assert format_duration(seconds) == words


def test_ages_and_stages_are_short() -> None:
    """They stand in tables."""
    assert [format_age(one) for one in (-1, 13, 300, 7200, 10 * DAY)] == [
        "0 s", "13 s", "5 min", "2 h", "10 d",
    ]  # fmt: skip  # one row
    assert [format_stage_time(one) for one in (0.00001, 0.0002, 0.014, 5)] == [
        "below 0.1 ms", "0.2 ms", "14 ms", "5.00 s",
    ]  # fmt: skip  # one row


def test_rfc_3339_has_a_limit_where_the_calendar_has_one() -> None:
    """In UTC, in whole seconds or with milliseconds."""
    assert rfc3339(1_795_341_600.25) == "2026-11-22T10:00:00Z"
    assert rfc3339(1_795_341_600.25, "milliseconds") == "2026-11-22T10:00:00.250Z"
    assert rfc3339(-inf) == "0001-01-01T00:00:00Z"
    assert rfc3339(1e300) == "9999-12-31T23:59:59Z"


@settings(max_examples=50)
@given(st.floats(allow_nan=False))
def test_any_time_is_shown(seconds: float) -> None:
    """Dates beyond what RFC 3339 can say are its limits, never an error."""
    shown = rfc3339(seconds)

    assert len(shown) == len("2026-01-01T00:00:00Z")
    assert shown.endswith("Z")


def test_a_year_has_four_digits() -> None:
    """As ISO 8601 writes it; a certificate may name any year from 1 on."""
    assert format_time(-62_135_596_800.0) == "0001-01-01 00:00:00 UTC"
    assert format_time(253_402_300_799.0) == "9999-12-31 23:59:59 UTC"
