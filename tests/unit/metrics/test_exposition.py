"""The exposition formats: numbers, escaping, and which format a scraper gets."""

from math import inf, nan
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.ledger.ledger import Ledger
from probe.metrics.exposition import Family, format_labels, format_number, wants_openmetrics
from probe.metrics.scrape import Metrics

PROMETHEUS: Final = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What Prometheus 3 sends."""


def test_labels_are_escaped_and_safe() -> None:
    """Quotes and backslashes are escaped; a line break never gets as far as that."""
    assert format_labels([("a", 'x"y'), ("b", "c\\d"), ("e", "f\ng")]) == (
        'a="x\\"y",b="c\\\\d",e="f\\\\x0ag"'
    )


def test_metadata_differ_by_format() -> None:
    """OpenMetrics drops the suffix of a family's name, the text format knows no info."""
    info, counter = Family("a_info", "info", "A."), Family("b_total", "counter", "B.")

    assert info.metadata(openmetrics=False) == b"# HELP a_info A.\n# TYPE a_info gauge\n"
    assert info.metadata(openmetrics=True) == b"# HELP a A.\n# TYPE a info\n"
    assert counter.metadata(openmetrics=False) == b"# HELP b_total B.\n# TYPE b_total counter\n"
    assert counter.metadata(openmetrics=True) == b"# HELP b B.\n# TYPE b counter\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1_795_341_600.0, "1795341600"),
        (1_795_341_600.123, "1795341600.123"),
        (253_402_300_799.0, "253402300799"),
        (-1.5, "-1.5"),
        (0.0004, "0.0004"),
        (5e-05, "5e-05"),
        (1e300, "1e+300"),
        (nan, "NaN"),
        (inf, "+Inf"),
        (-inf, "-Inf"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Times of day and counts are written in full, the rest as Go's ParseFloat reads it."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=0.0.1", True),
        ("application/openmetrics-text; version=2.0.0", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nonsense", False),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1", False),
        (PROMETHEUS, True),
    ],
)
def test_the_format_follows_the_accept_header(accept: str, expected: bool) -> None:
    """OpenMetrics is for those who ask for it and prefer it, as Prometheus does."""
    assert wants_openmetrics(accept) is expected
    _, content_type = Metrics(Ledger(), {}).exposition(accept)
    assert content_type.startswith(
        "application/openmetrics-text; version=1.0.0" if expected else "text/plain; version=0.0.4"
    )


@settings(max_examples=50)
@given(st.text())
def test_any_accept_header_is_read(accept: str) -> None:
    """A scraper's header is never an error."""
    assert wants_openmetrics(accept) in {True, False}
