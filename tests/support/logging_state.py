"""Restores logging as it was before a test configured it."""

import logging
import sys

import structlog
from structlog._config import BoundLoggerLazyProxy

from probe.log.format import StandardLog


def forget_logging() -> None:
    """Leave logging as it was before anybody configured it: other tests have streams of their own."""
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, StandardLog)]:
        root.removeHandler(handler)
    for name, module in list(sys.modules.items()):
        if name.startswith("probe."):
            for held in list(vars(module).values()):
                if isinstance(held, BoundLoggerLazyProxy):
                    # It remembers the stream that it was first used with.
                    vars(held).pop("bind", None)
