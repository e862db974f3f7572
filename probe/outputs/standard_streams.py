"""The process's standard streams: a closed one, a reader who has gone, progress for who watches."""

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from probe.safe_text import safe_text

_NAME: Final = 40
"""Characters of a target's name in the progress line."""
_NAMES: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def fill_standard_streams() -> None:
    """Open those that are closed: a socket in their place would get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(_NAMES):
        pass
    os.close(descriptor)
    for number, (name, mode) in enumerate(_NAMES):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def write_all_of_it() -> None:
    """Put a buffer before a stdout that has none (PYTHONUNBUFFERED, python -u).

    A pipe takes 64 KiB at a time, and without a buffer nobody asks how much it took: the rest of
    a long document would be lost without a word.
    """
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper) and isinstance(stdout.buffer, io.RawIOBase):
        encoding, errors = stdout.encoding, stdout.errors
        buffered = io.BufferedWriter(stdout.detach())
        sys.stdout = io.TextIOWrapper(buffered, encoding, errors, line_buffering=True)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Let `mtls-probe check | head` end as the check ended: nobody reads the rest."""
    try:
        yield
    except BrokenPipeError:
        give_up_stdout()


def give_up_stdout() -> None:
    """Write no more: what is still buffered would fail again when the interpreter ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


@contextmanager
def progress(total: int, *, shown: bool = True) -> Iterator[Callable[[str, bool], None]]:
    """Yield what is told of each attempt: the target's name, and whether it went as expected.

    One line on stderr, where that is a terminal, says how many targets are as expected, which one
    is not, and how many attempts that took. It is gone at the end.
    """
    stream = sys.stderr
    shown = shown and stream.isatty()
    last: dict[str, bool] = {}
    attempts = 0

    def tell(name: str, expected: bool) -> None:
        nonlocal attempts
        attempts += 1
        last[name] = expected
        if not shown:
            return
        good = sum(last.values())
        text = f"{good} of {total} targets as expected, attempts {attempts}"
        if wrong := [safe_text(each, _NAME) for each, well in last.items() if not well]:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            text += f"; not {wrong[0]}{more}"
        width = shutil.get_terminal_size().columns - 1
        stream.write(f"\r\x1b[K{text[:width]}")
        stream.flush()

    try:
        yield tell
    finally:
        if attempts and shown:
            stream.write("\r\x1b[K")
            stream.flush()
