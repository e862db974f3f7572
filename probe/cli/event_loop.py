"""How a command runs what is asynchronous, and how it says that it cannot listen."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from probe.system.own_limits import raise_descriptor_limit
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from probe.config.configuration import WebSettings

_T = TypeVar("_T")


def in_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """Run `main` to its end in a loop of its own, with as many descriptors as there may be."""
    import asyncio

    import uvloop

    raise_descriptor_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@contextmanager
def listening_on(web: WebSettings) -> Iterator[None]:
    """Turn a failure to listen into a message that names the address.

    Raises:
        click.ClickException: instead of the OSError.
    """
    try:
        yield
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        where = safe_text(f"{web.host}:{web.port}")
        raise click.ClickException(f"cannot listen on {where}: {reason or error}") from None
