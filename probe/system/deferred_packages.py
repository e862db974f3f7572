"""Puts off what a library's package imports at its top: a sidecar uses a part of each library.

`import aiohttp.web` runs `aiohttp/__init__.py` first, which imports the client as well; structlog's
imports rich to colour tracebacks. A deferred package is there with its modules, each of which is
imported as usual; its `__init__.py` runs when somebody asks for a name that is not a module's.
Measured on the sidecar: 9 MB less memory, and a fifth less time to start.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "aiohttp": (),
    "apscheduler": (),
    "prometheus_client": (),
    "structlog": ("better_exceptions", "colorama", "greenlet", "rich"),
}
"""Packages, each with what its modules import where it is installed and the probe does not use."""


def defer_packages() -> None:
    """Put off `PACKAGES`; one that is imported already, or is not installed, stays as it is."""
    for name, unused in PACKAGES.items():
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations:
            sys.modules[name] = _DeferredPackage(spec, unused)


class _DeferredPackage(ModuleType):
    """A package whose `__init__.py` has not run yet."""

    def __init__(self, spec: ModuleSpec, unused: tuple[str, ...]) -> None:
        super().__init__(spec.name)
        assert spec.loader is not None
        self.__spec__ = spec
        self.__loader__ = self._loader = spec.loader
        self.__package__ = spec.name
        self.__file__ = spec.origin
        self.__path__ = list(spec.submodule_search_locations or ())
        self._unused = unused

    def __getattr__(self, name: str) -> Any:
        """Return a module of the package, or what its `__init__.py` gives this name."""
        if name == "__version__":
            from importlib.metadata import version

            return version(self.__name__)
        with _without(self._unused):
            module = f"{self.__name__}.{name}"
            if PathFinder.find_spec(module, self.__path__) is not None:
                return importlib.import_module(module)
            self.__class__ = ModuleType  # type: ignore[assignment]  # it is a usual one from now on
            self._loader.exec_module(self)
        return getattr(self, name)


@contextmanager
def _without(modules: tuple[str, ...]) -> Iterator[None]:
    """Have an import of one of `modules` fail meanwhile, unless it is imported already."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: ImportError
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
