"""One test for a whole table of simple rows: a test for each would cost more than the row."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import product
from typing import Any


def every_row(**tables: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test once for all rows; several tables are combined, each row of one with each of all.

    A failure has a note that says with which rows it came. Tests that take time, or whose rows
    fail for reasons of their own, are parametrized instead.
    """
    names = tuple(tables)
    rows = tuple(product(*tables.values()))
    assert rows, "an empty table proves nothing"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(**fixtures: Any) -> None:
            for row in rows:
                try:
                    test(**fixtures, **dict(zip(names, row, strict=True)))
                except Exception as error:
                    said = ", ".join(
                        f"{name} = {each!r:.300}" for name, each in zip(names, row, strict=True)
                    )
                    error.add_note(f"with {said}")
                    raise

        signature = inspect.signature(test)
        left = [each for name, each in signature.parameters.items() if name not in names]
        # What pytest reads to know the fixtures.
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate
