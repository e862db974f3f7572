"""Says what may still be told, so that what repeats without end does not fill a log.

Pure: times are passed in, seconds of any clock.
"""


class TokenBucket:
    """Allows something `burst` times at once, and then once every `every` seconds."""

    __slots__ = ("_at", "_burst", "_every", "_tokens")

    def __init__(self, *, burst: int, every: float) -> None:
        """Start full."""
        self._burst = burst
        self._every = every
        self._tokens = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Return whether it is allowed at `now`, and count it where it is."""
        if self._at is not None:
            # A clock that went back gives nothing.
            gained = max(now - self._at, 0.0) / self._every
            self._tokens = min(self._tokens + gained, self._burst)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
