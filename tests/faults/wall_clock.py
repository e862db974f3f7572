"""The probe's own wall clock, moved by libfaketime while it runs; its monotonic clock is unchanged."""

import shutil
from functools import cache
from pathlib import Path


@cache
def _library() -> Path | None:
    for folder in sorted(Path("/usr/lib").glob("*/faketime")):
        if (found := folder / "libfaketimeMT.so.1").exists():
            return found
    return None


def unmovable() -> str:
    """Return why the clock cannot be moved here; empty where it can."""
    if shutil.which("env") is None or _library() is None:
        return "libfaketime is not installed"
    return ""


def movable(file: Path) -> list[str]:
    """Return the prefix of a command whose clock follows `file`."""
    set_clock(file, 0)
    return [
        "env",
        f"LD_PRELOAD={_library()}",
        f"FAKETIME_TIMESTAMP_FILE={file}",
        "FAKETIME_CACHE_DURATION=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ]


def set_clock(file: Path, minutes: float) -> None:
    """Move the clock that follows `file` by `minutes` from the machine's."""
    aside = file.with_suffix(".new")
    aside.write_text(f"{60 * minutes:+.0f}\n")
    aside.replace(file)
