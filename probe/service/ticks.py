"""When a target is due: an interval apart, at its own offset, and each time a little later or earlier.

Offsets are stable: after a restart a target is due at the same place in its interval.
"""

import hashlib
import math
from typing import Final

JITTER: Final = 0.05
LONGEST_JITTER: Final = 1.0
"""A tick moves by at most this share of the interval, and at most this number of seconds."""

_BYTES: Final = 6


class Ticks:
    """The ticks of one target, in seconds since the schedule began; targets never tick in step."""

    __slots__ = ("_interval", "_stride", "offset")

    def __init__(self, name: str, interval: float) -> None:
        """Take the target's name, which decides its offset, and its interval in seconds."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        self._interval = interval
        self._stride = _read_fraction(digest[_BYTES:])
        """By how much the jitter goes on with each tick, as a share of the largest one."""
        self.offset = _read_fraction(digest)
        """The share of an interval by which ticks are after its beginning, from 0 up to 1."""

    def find_next(self, previous: float, now: float) -> float:
        """Return the first tick after `now`, and not right behind an attempt at `previous`."""
        interval = self._interval
        base = self.offset * interval
        jitter = min(JITTER * interval, LONGEST_JITTER)
        after = max(now, previous + interval / 2)
        tick = math.floor((after - base) / interval)
        while (due := base + tick * interval + jitter * (tick * self._stride % 1.0)) <= after:
            tick += 1
        return due


def _read_fraction(digest: bytes) -> float:
    return int.from_bytes(digest[:_BYTES]) / (1 << 8 * _BYTES)
