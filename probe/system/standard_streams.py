"""The process's standard streams: a closed one, a reader who has gone, progress for who watches."""

import atexit
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO, cast
from unicodedata import east_asian_width

from probe.system.bounded_stderr import BoundedStderr
from probe.text.safe_text import safe_text

LAST_LINES: Final = 0.5
"""Seconds that the end of the process waits at most until all is written."""
_NAME: Final = 40
"""Characters of a target's name in the progress line."""
_NAMED: Final = 3
"""Targets that it names."""
_USUAL: Final = 80
"""Columns of a terminal that does not say how many it has."""
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
    a long document would be lost without a word. What its encoding lacks is written as an escape.
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
    os.register_at_fork(after_in_child=bounded.start_anew)
    atexit.register(bounded.finish, LAST_LINES)
    sys.stderr = cast("TextIO", bounded)
    # The interpreter goes back to this one when it ends, and would wait for a reader there.
    setattr(sys, "__stderr__", bounded)  # noqa: B010  (typeshed has it as a constant)


def lines_dropped() -> int:
    """Return how many lines the process's standard error has lost so far."""
    stream = sys.stderr
    return stream.lines_dropped if isinstance(stream, BoundedStderr) else 0


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

    One line on stderr, where that is a terminal, says how many targets have been tried, and how
    many of them are not as expected and which; in later rounds, after how many attempts that still
    is so. It is gone at the end.
    """
    stream = sys.stderr
    if not shown or not stream.isatty():
        yield lambda _name, _expected: None
        return
    last: dict[str, bool] = {}
    attempts = 0

    def tell(name: str, expected: bool) -> None:
        nonlocal attempts
        attempts += 1
        last[name] = expected
        show()

    def show() -> None:
        wrong = [name for name, well in last.items() if not well]
        text = f"{len(last)} of {total} tried"
        if attempts > total:
            text += f", {attempts} attempts"
        if wrong:
            names = ", ".join(safe_text(name, _NAME) for name in wrong[:_NAMED])
            more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
            text += f", {len(wrong)} not as expected: {names}{more}"
        stream.write(f"\r\x1b[K{_cut(text, _width(stream) - 1)}")
        stream.flush()

    show()
    try:
        yield tell
    finally:
        stream.write("\r\x1b[K")
        stream.flush()


def _width(stream: TextIO) -> int:
    """Return the columns of the terminal behind `stream`; stdout may be a file."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return _USUAL


def _cut(text: str, width: int) -> str:
    """Return what of `text` fits in one line, where some characters are two columns wide."""
    columns = 0
    for number, character in enumerate(text):
        columns += 2 if east_asian_width(character) in "WF" else 1
        if columns > width:
            return text[:number]
    return text
