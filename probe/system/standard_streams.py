"""The process's standard streams: a closed one, a reader who has gone, progress for who watches."""

import atexit
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO, cast

from probe.system.bounded_stderr import BoundedStderr

LAST_LINES: Final = 0.5
"""Seconds that the end of the process waits at most until all is written."""
_NAMES: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed_streams() -> None:
    """Open those that are closed: a socket in their place would get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(_NAMES):
        pass
    os.close(descriptor)
    for number, (name, mode) in enumerate(_NAMES):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def buffer_stdout() -> None:
    """Put a buffer before a stdout that has none (PYTHONUNBUFFERED, python -u).

    A pipe takes 64 KiB at a time, and without a buffer nobody asks how much it took: the rest of
    a long document would be lost silently. What its encoding lacks is written as an escape.
    """
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper) and stdout.errors == "strict":
        stdout.reconfigure(errors="backslashreplace")
    if isinstance(stdout, io.TextIOWrapper) and isinstance(stdout.buffer, io.RawIOBase):
        encoding, errors = stdout.encoding, stdout.errors
        buffered = io.BufferedWriter(stdout.detach())
        sys.stdout = io.TextIOWrapper(buffered, encoding, errors, line_buffering=True)


def install_bounded_stderr(mask: Callable[[str], str] = str) -> None:
    """Put a `BoundedStderr` in the place of the process's standard error, until its end.

    `mask` is put over all that is written there.
    A stream without a descriptor, as a program has that runs the command line within itself, stays.
    """
    stream = sys.stderr
    try:
        descriptor = stream.fileno()
    except OSError:
        return
    bounded = BoundedStderr(descriptor, encoding=stream.encoding, mask=mask)
    stream.flush()
    os.register_at_fork(after_in_child=bounded.reset_after_fork)
    atexit.register(bounded.finish, LAST_LINES)
    sys.stderr = cast("TextIO", bounded)
    # The interpreter goes back to this one when it ends, and would wait for a reader there.
    setattr(sys, "__stderr__", bounded)  # noqa: B010  (typeshed has it as a constant)


def count_dropped_lines() -> int:
    """Return how many lines the process's standard error has lost so far."""
    stream = sys.stderr
    return stream.lines_dropped if isinstance(stream, BoundedStderr) else 0


@contextmanager
def ignore_broken_pipe() -> Iterator[None]:
    """Let `mtls-probe check | head` end as the check ended: nobody reads the rest."""
    try:
        yield
    except BrokenPipeError:
        discard_stdout()


def discard_stdout() -> None:
    """Write no more: what is still buffered would fail again when the interpreter ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
