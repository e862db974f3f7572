"""Keeps garbage collection short: what stays is taken out of it while it grows, in small portions.

A collection looks at every object that it knows, and holds the event loop meanwhile: of ten thousand
targets for a tenth of a second and more. Attempts leave no cycles behind, so what is known of targets
is freed without it.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PORTION: Final = 200
"""Targets that become known until the next collection: one of some milliseconds."""


def collect_and_exempt() -> None:
    """Collect garbage once, and take what is left out of all later collections."""
    gc.collect()
    gc.freeze()


class Exemption:
    """Exempts what is kept of targets, as they become known."""

    def __init__(self) -> None:
        """Begin with none."""
        self._new = 0

    def note_target(self) -> None:
        """Note that a target has its first result, which stays in memory with it."""
        self._new += 1
        if self._new % PORTION == 0:
            collect_and_exempt()


@contextmanager
def no_collections() -> Iterator[None]:
    """Collect nothing meanwhile: reading thousands of targets makes objects that are gone at its end."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
