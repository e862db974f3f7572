"""Describes a bug of ours that was met while a configuration or what it names was being read.

What is secret of it is not registered yet then, and Python's messages repeat the value that they are
about (`invalid literal for int() with base 10: '…'`). So no message is shown with what it quotes. Pure.
"""

import traceback
from collections.abc import Iterator
from typing import Final

from probe.text.description import without_quotes
from probe.text.safe_text import safe_text

_HEAD: Final = "Traceback (most recent call last):\n"
_BETWEEN: Final = "\nand because of that, or while it was handled:\n\n"
DEEPEST: Final = 8
"""Exceptions of a chain that are shown, the last ones."""


def describe_bug(error: BaseException) -> str:
    """Return the traceback of `error` and of what led to it, each message without what it quotes."""
    chain = list(_chain_of(error))[:DEEPEST]
    return _BETWEEN.join(map(_one, reversed(chain)))


def _chain_of(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _one(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    frames = "".join(traceback.format_tb(error.__traceback__))
    message = safe_text(without_quotes(str(error)))
    return f"{_HEAD}{frames}{module}{kind.__qualname__}{': ' if message else ''}{message}\n"
