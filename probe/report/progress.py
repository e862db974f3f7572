"""The progress line of `check`, on a terminal: how many targets were tried, and which are not well."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from probe.text.safe_text import safe_text

_NAME: Final = 40
"""Characters of a target's name in the progress line."""
_NAMED: Final = 3
"""Targets that it names."""
_USUAL: Final = 80
"""Columns of a terminal that does not say how many it has."""


@contextmanager
def show_progress(total: int, *, shown: bool = True) -> Iterator[Callable[[str, bool], None]]:
    """Yield a line for each attempt: the target's name, and whether it ended as expected.

    One line on stderr, where that is a terminal, says how many targets have been tried, and how
    many of them are not as expected and which; in later rounds, after how many attempts that still
    is so. It is gone at the end.
    """
    stream = sys.stderr
    if not shown or not stream.isatty():
        yield lambda _name, _expected: None
        return
    from rich.text import Text

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
        line = Text(text)
        line.truncate(_width(stream) - 1)
        stream.write(f"\r\x1b[K{line.plain}")
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
