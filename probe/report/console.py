"""The console for every output for people, and the layout of findings.

Colour is for terminals only, and never with NO_COLOR. No text is read as markup.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH: Final = 140
_NARROWEST: Final = 30


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


def break_sentence(sentence: str, console: Console, indent: int) -> Iterator[str]:
    """Yield `sentence` as lines that fit behind `indent` columns; rich would not indent what it wraps.

    In a pipe it is one line: a reader there searches.
    """
    if not console.is_terminal:
        yield sentence
        return
    width = max(console.width - indent, _NARROWEST)
    line, *words = sentence.split(" ")
    for word in words:
        # A word is never broken: people copy paths. Some characters are two columns wide.
        if cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = word
        else:
            line += f" {word}"
    yield line
