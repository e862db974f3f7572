"""Every scenario of the lab; importing this fills tests.lab.scenario.SCENARIOS."""

from importlib import import_module
from pkgutil import iter_modules

__all__ = [import_module(found.name).__name__ for found in iter_modules(__path__, f"{__name__}.")]
