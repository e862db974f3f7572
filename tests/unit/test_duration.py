"""Durations are Go's, and nothing else is one."""

import pytest

from probe.sources import duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("500ms", 0.5),
        ("1µs", 1e-6),
        ("0", 0),
        ("-1s", -1),
    ],
)
def test_durations_are_gos(text: str, expected: float) -> None:
    """time.ParseDuration reads the same."""
    assert duration.seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "5", "1d", "1y", "1 s", "1h??2m", "s", "1.2.3s", "1S", "٣s", "9" * 60 + "h"]
)
def test_what_go_refuses_is_no_duration(text: str) -> None:
    """Days, blanks and a bare number are none."""
    with pytest.raises(ValueError):
        duration.seconds(text)
