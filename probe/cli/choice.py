"""Values of options of which there is a list: what is nearly one of them is named in the error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


class Choice(click.Choice[str]):
    """One of `choices`; `short` has further ways to write some of them."""

    def __init__(self, choices: Sequence[str], short: Mapping[str, str] | None = None) -> None:
        """Know them."""
        super().__init__(choices)
        self.short = dict(short or {})

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the choice that `value` is, or end with a usage error that has the nearest."""
        return super().convert(self.short.get(value, value), param, ctx)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Say what is allowed, and what was perhaps meant."""
        near = list_nearest(str(value), self.choices)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"{super().get_invalid_choice_message(value, ctx)}{meant}"


def list_nearest(word: str, allowed: Iterable[str]) -> list[str]:
    """Return those of `allowed` that begin with `word`, else at most two that are like it."""
    from difflib import get_close_matches

    allowed = list(allowed)
    word = word[:64].lower()
    begun = [one for one in allowed if word and one.startswith(word)]
    return begun or get_close_matches(word, allowed, n=2)
