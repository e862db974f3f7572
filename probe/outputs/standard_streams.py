"""The process's standard streams: a closed one, a reader who has gone, progress for who watches."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

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
def progress(total: int) -> Iterator[Callable[[object], None]]:
    """Yield what counts one more attempt, in one line on stderr where that is a terminal."""
    stream = sys.stderr
    shown = stream.isatty()
    finished = width = 0

    def count(_attempt: object) -> None:
        nonlocal finished, width
        finished += 1
        if shown:
            width = stream.write(f"\rattempts {finished}, targets {total}")
            stream.flush()

    try:
        yield count
    finally:
        if finished and shown:
            stream.write(f"\r{'':{width}}\r")
            stream.flush()
