"""The console that every output for people writes to: colour on a terminal alone, no surprises."""

import errno
import os
from typing import Final, NoReturn, TextIO

from rich.console import Console

_PIPE_WIDTH: Final = 140


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Let the caller decide what a reader who has gone means; rich would exit."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console_for(stream: TextIO) -> Console:
    """Return a console on `stream`; NO_COLOR is honoured, FORCE_COLOR puts none into a pipe."""
    terminal = stream.isatty()
    return _Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else _PIPE_WIDTH,
        highlight=False,
        emoji=False,
    )
