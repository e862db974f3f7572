"""Watches the files of processes, by looking at them now and then.

Notifications would watch the host's files: a link below another root leads elsewhere there. Nothing
here waits in the event loop for a file system that does not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from probe.model.surroundings import RunningProcess
from probe.surroundings.open_view import open_view
from probe.surroundings.process_files import UNSEEN
from probe.system.file_fingerprint import Fingerprint

EVERY: Final = 5.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class WatchedView:
    """Files of one process, and whose they are."""

    name: str
    process: RunningProcess
    paths: tuple[str, ...]


_States = dict[WatchedView, tuple[Fingerprint, ...]]


async def watch_views(
    views: Callable[[], Iterable[WatchedView]],
    changed: Callable[[frozenset[WatchedView]], Awaitable[None]],
    *,
    every: float = EVERY,
) -> None:
    """Call `changed` with those whose files did, until cancelled.

    A process that has ended, or that cannot be looked at, has not changed its files.

    Args:
        views: what to look at, asked before each look.
        changed: awaited before the next look.
        every: seconds between two looks.
    """
    seen: _States = {}
    while True:
        listed = tuple(views())
        now: _States = await asyncio.to_thread(_look_at, listed) if listed else {}
        different = frozenset(
            view for view, states in now.items() if seen.get(view, states) != states
        )
        seen = {view: now.get(view) or seen[view] for view in listed if view in now or view in seen}
        if different:
            await changed(different)
        await asyncio.sleep(every)


def _look_at(views: Iterable[WatchedView]) -> _States:
    found: _States = {}
    for view in views:
        files = open_view(view.process)
        states = tuple(map(files.read_fingerprint, view.paths))
        if not any(state in UNSEEN for state in states):
            found[view] = states
    return found
