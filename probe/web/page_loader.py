"""Imports what makes a page, and compiles its templates, away from the event loop.

Most processes never show a page, and the first one of its kind would hold the loop for a twentieth of
a second.
"""

from functools import partial
from importlib import import_module

from probe.system.off_loop import run_off_loop


class PageLoader:
    """What has been loaded so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._loaded: set[tuple[str, ...]] = set()

    async def load(self, module: str, *templates: str) -> None:
        """Return once `module` is imported, and `templates` are compiled."""
        if (module, *templates) not in self._loaded:
            await run_off_loop(partial(_load, module, templates))
            self._loaded.add((module, *templates))


def _load(module: str, templates: tuple[str, ...]) -> None:
    import_module(module)
    if templates:
        from probe.web.pages.rendering import compile_template

        for each in templates:
            compile_template(each)
