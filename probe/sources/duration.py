"""Go duration strings (`time.ParseDuration`) become seconds."""

import re
from typing import Final

import durationpy

_GO: Final = re.compile(
    r"[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)"
)
_LONGEST: Final = 64


def seconds(text: str) -> float:
    """Return the duration that `text` says, like `30s` or `1h30m`, in seconds.

    Raises:
        ValueError: where Go would refuse `text`, or it is longer than a timedelta can hold.
    """
    # durationpy knows days and years too and skips what it does not know between two units.
    if len(text) > _LONGEST or not _GO.fullmatch(text):
        if text.replace(".", "", 1).isdecimal():
            raise ValueError(f"a duration needs its unit, like {text}s")
        raise ValueError("must be a duration, like 30s, 500ms or 1h30m")
    result: float = durationpy.from_str(text).total_seconds()
    return result
