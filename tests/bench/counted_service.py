"""`mtls-probe run`, which counts the functions it calls and the timers it sets.

The first argument is a file; the totals so far are written there upon SIGUSR1, as two numbers. The
other arguments are the command's own.
"""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop

from probe.cli.main import main

calls = 0
timers = 0


class CountingLoop(uvloop.Loop):  # type: ignore[misc]  # uvloop is untyped
    """The product's loop; each timer counts."""

    def call_later(self, *arguments: Any, **keywords: Any) -> Any:
        """Count, and set it."""
        global timers  # noqa: PLW0603 - one process, one count
        timers += 1
        return super().call_later(*arguments, **keywords)

    def call_at(self, *arguments: Any, **keywords: Any) -> Any:
        """Count, and set it."""
        global timers  # noqa: PLW0603
        timers += 1
        return super().call_at(*arguments, **keywords)


def profile(_frame: FrameType, event: str, _argument: Any) -> None:
    """Count a call of a function of Python or of C."""
    global calls  # noqa: PLW0603
    if event in {"call", "c_call"}:
        calls += 1


def write(_signal: int, _frame: FrameType | None) -> None:
    """Write the totals; a reader sees all of them or none."""
    new = file.with_suffix(".new")
    new.write_text(f"{calls} {timers}", encoding="ascii")
    new.replace(file)


if __name__ == "__main__":
    file = Path(sys.argv.pop(1))
    sys.argv[0] = "mtls-probe"
    uvloop.new_event_loop = CountingLoop
    signal.signal(signal.SIGUSR1, write)
    sys.setprofile(profile)
    # The loop is the main thread's, and so is the profile: helpers of other threads do not count.
    main()
