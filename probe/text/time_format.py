"""How times of day, durations and ages are written for people. Pure.

`format_time` and `format_duration` take any number: evidence may come from anywhere.
"""

import math
from datetime import UTC, datetime
from typing import Final, Literal

DAY: Final = 86400.0

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC).timestamp()
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def rfc3339(seconds: float, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Return epoch seconds as RFC 3339 in UTC; what lies beyond years 1 to 9999 is its limit."""
    within = min(max(seconds, _EARLIEST), _LATEST)
    return datetime.fromtimestamp(within, UTC).replace(tzinfo=None).isoformat("T", timespec) + "Z"


def format_day(timestamp: float) -> str:
    """Return the day of epoch seconds in UTC: `2026-12-24`."""
    return rfc3339(timestamp).partition("T")[0]


def format_time(timestamp: float) -> str:
    """Return epoch seconds as people read a time of day, in UTC."""
    try:
        moment = datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)
    except (OverflowError, OSError, ValueError):
        return f"{timestamp:.0f} seconds after 1970"
    return f"{moment.isoformat(' ', 'seconds')} UTC"


def format_duration(seconds: float) -> str:
    """Return a duration in the largest unit that fits: `59 days`, `3 hours`, `12 seconds`."""
    seconds = abs(seconds)
    if not seconds < math.inf:
        return "more time than can be counted"
    for size, unit in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


def format_age(seconds: float) -> str:
    """Return an age in short: `13 s`, `5 min`, `2 h`, `10 d`."""
    for unit, length in (("d", DAY), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(int(seconds), 0)} s"


def format_stage_time(seconds: float) -> str:
    """Return a short duration as people compare them: `below 0.1 ms`, `14 ms`, `5.00 s`."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds < 0.0001:
        return "below 0.1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
