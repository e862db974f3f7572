"""Go duration strings become seconds: `time.ParseDuration`, digit by digit, and the units `d` and `w`.

Pure and total. Source: Go 1.26, time/format.go, ParseDuration, leadingInt and leadingFraction; what
it refuses (an unknown unit, no digits, more than 2^63 ns) is refused here, and what it takes has the
same value to the nanosecond.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_GO_UNITS: Final = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "\u00b5s": 1_000,  # the micro sign
        "\u03bcs": 1_000,  # the Greek letter mu
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    }
)
"""Nanoseconds of each unit that Go knows."""
_UNITS: Final = MappingProxyType({**_GO_UNITS, "d": 86_400_000_000_000, "w": 604_800_000_000_000})
"""The same, with days of 24 hours and weeks of 7 days."""

_PART: Final = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)")
_SHOWN: Final = 20
_MOST: Final = 1 << 63
_MOST_DIGITS: Final = 19
"""Those of 2^63."""


def seconds(text: str) -> float:
    """Return the duration that `text` says, like `30s`, `1h30m` or `2w`, in seconds.

    Raises:
        ValueError: with the reason, where Go would refuse `text` even if it knew `d` and `w`.
    """
    return _parse(text, _UNITS) / 1e9


def go_seconds(text: str) -> float:
    """Return what Go makes of `text`, in seconds: for what a Collector or another Go program reads.

    Raises:
        ValueError: with the reason, where Go refuses `text`.
    """
    return _parse(text, _GO_UNITS) / 1e9


def _parse(text: str, units: Mapping[str, int]) -> int:
    unsigned = text[1:] if text[:1] in {"-", "+"} else text
    if unsigned == "0":
        return 0
    if not unsigned:
        raise ValueError(_explain_form(units))
    total = at = 0
    while at < len(unsigned):
        part = _PART.match(unsigned, at)
        assert part is not None  # each of its parts may be empty
        total += _parse_part(part, units)
        if total > _MOST:
            raise ValueError(_TOO_LONG)
        at = part.end()
    if text.startswith("-"):
        return -total
    if total == _MOST:
        raise ValueError(_TOO_LONG)
    return total


_TOO_LONG: Final = "is longer than 292 years, the longest duration"


def _explain_form(units: Mapping[str, int]) -> str:
    examples = "30s, 500ms or 1h30m" if units is _GO_UNITS else "30s, 500ms, 1h30m or 2d"
    return f"must be a duration, like {examples}"


def _parse_part(part: re.Match[str], units: Mapping[str, int]) -> int:
    """Return the nanoseconds of one number with its unit."""
    whole, fraction, unit = part.groups(default="")
    if not (whole or fraction[1:]):
        raise ValueError(_explain_form(units))
    if not unit:
        number = f"{whole}{fraction}"
        shown = number if len(number) <= _SHOWN else f"{number[:_SHOWN]}…"
        raise ValueError(f"a duration needs its unit, like {shown}s")
    if unit not in units:
        raise ValueError(_explain_form(units))
    digits = whole.lstrip("0")
    if len(digits) > _MOST_DIGITS:
        raise ValueError(_TOO_LONG)
    found = int(digits or "0") * units[unit]
    # More than this, and Go's sum of 64 bits might come round.
    if found > _MOST:
        raise ValueError(_TOO_LONG)
    return found + _parse_fraction(fraction[1:], units[unit])


def _parse_fraction(digits: str, unit: int) -> int:
    """Return the nanoseconds of the digits after the point, computed in floats as Go does."""
    value, scale = 0, 1.0
    for digit in digits:
        if value > (_MOST - 1) // 10 or (longer := value * 10 + int(digit)) > _MOST:
            break
        value, scale = longer, scale * 10
    return int(float(value) * (float(unit) / scale))
