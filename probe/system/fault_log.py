"""Bounds how often something is reported, and reports bugs of ours that a client's request met.

An exception's message may repeat what a client sent, a credential among it: only its type and the
places in the code are logged.
"""

import asyncio
import math
import re
import time
import traceback
from pathlib import Path
from typing import Any, Final

import structlog

AT_ONCE: Final = 3
EVERY: Final = 60.0
"""Reports that are written at once, and the seconds until one more."""
DEEPEST: Final = 12
"""Places in the code that are shown, the innermost ones."""
_PLAIN: Final = re.compile(r"[A-Za-z ,'-]*")


class TokenBucket:
    """Allows something `burst` times at once, and then once every `every` seconds.

    Pure: times are passed in, seconds of any clock.
    """

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
        # Half a second in ten steps is not half a second, by a last bit.
        if self._tokens < 1 and not math.isclose(self._tokens, 1):
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True


def places_of(error: BaseException) -> list[str]:
    """Return where in the code `error` was raised, innermost last: `file.py:12 function`."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


class FaultLog:
    """Logs our own faults, at a bounded rate."""

    def __init__(self, work: str) -> None:
        """Take what the faulty code was doing, as the log calls it."""
        self._work = work
        self._log = structlog.get_logger("mtls_probe")
        self._bucket = TokenBucket(burst=AT_ONCE, every=EVERY)

    def report(self, error: BaseException | None, work: str = "") -> None:
        """Log `error` by its type and place."""
        if not self._bucket.take(time.monotonic()):
            return
        facts: dict[str, Any] = {}
        if error is not None:
            facts = {"error": type(error).__name__, "places": places_of(error)}
        self._log.error("probe_fault", work=work or self._work, **facts)

    def report_loop(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what nobody else does in the event loop (`loop.set_exception_handler`).

        asyncio's own handler writes the message of the exception and the arguments of the callback,
        which may be bytes that a client sent.
        """
        # What follows the plain words is the representation of a callback with its arguments.
        plain = _PLAIN.match(str(context.get("message", "")))
        self.report(context.get("exception"), plain[0].strip() if plain else "")
