"""Keeps garbage collection short: what stays is taken out of it, in small portions.

A full collection looks at every object that it knows, and holds the event loop meanwhile: of ten
thousand targets for a tenth of a second and more. Attempts leave next to no cycles behind, so what is
known of targets is freed without it.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MOST_SURVIVORS: Final = 8000
"""Objects that the next full collection may look at again: some milliseconds. The attempts under way
have a few thousand; where there are more, most of them stay."""

FULL_AFTER: Final = 1
"""Collections of the middle generation after which a full one may come; after Python's own ten, eighty
thousand objects may have survived."""


@contextmanager
def short_collections() -> Iterator[None]:
    """Collect once, and exempt what survives; later, whenever many objects have survived, them too.

    An exempt object is still freed when nothing refers to it. Only a cycle that lasted until then,
    and ends later, is not.
    """
    gc.collect()
    gc.freeze()
    # A full one is due when a quarter more has survived than at the last one, which must be nothing.
    gc.collect()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_AFTER)
    gc.callbacks.append(_exempt_survivors)
    try:
        yield
    finally:
        gc.callbacks.remove(_exempt_survivors)
        gc.set_threshold(young, middle, old)


def _exempt_survivors(phase: str, info: dict[str, int]) -> None:
    full = phase == "stop" and info["generation"] == 2
    if full and len(gc.get_objects(generation=2)) > MOST_SURVIVORS:
        gc.freeze()


@contextmanager
def no_collections() -> Iterator[None]:
    """Collect nothing meanwhile: reading thousands of targets makes objects that are gone at its end.

    Where many are still there, they stay, and are exempt; reading leaves a hundred in cycles.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MOST_SURVIVORS:
            gc.freeze()
        gc.enable()
