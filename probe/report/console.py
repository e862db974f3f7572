"""The console for every output for people, and the layout of findings.

Colour is for terminals only, and never with NO_COLOR. No text is read as markup.
"""

import errno
import os
from collections.abc import Iterable
from typing import Final, NoReturn, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH: Final = 140


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Let the caller decide what a reader who has gone means; rich would exit."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def make_console(stream: TextIO) -> Console:
    """Return a console on `stream`; NO_COLOR is honoured, FORCE_COLOR puts none into a pipe."""
    terminal = stream.isatty()
    return _Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else _PIPE_WIDTH,
        highlight=False,
        emoji=False,
    )


def make_table(titles: Iterable[str]) -> Table:
    """Return a table with these titles and no lines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def append_finding(
    text: Text, label: str, style: str, sentence: str, fix: Iterable[str], indent: int = 0
) -> None:
    """Append a finding after its label, and below it the steps that fix it."""
    text.append(f"{' ' * indent}{label}: ", style=style)
    text.append(f"{sentence}\n")
    for step in fix:
        text.append(f"{' ' * (indent + 2)}fix: {step}\n")
