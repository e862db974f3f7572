"""Brings what libraries log (asyncio, aiohttp, the SDK) into the probe's own log, masked as it is.

Python would write it to standard error raw, tracebacks included.
"""

import logging

import structlog


class StandardLog(logging.Handler):
    """Hands the records of Python's logging, from WARNING on, to structlog."""

    def __init__(self) -> None:
        """Take warnings and what is worse."""
        super().__init__(logging.WARNING)
        self._log = structlog.get_logger("mtls_probe")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as an event: who says it, and what, with the traceback if any."""
        try:
            write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
            exc_info = record.exc_info if record.exc_info and record.exc_info[0] else None
            write(
                "library_message",
                library=record.name,
                message=record.getMessage(),
                **({"exc_info": exc_info} if exc_info else {}),
            )
        except Exception:  # noqa: BLE001  (as every handler: no message may end what logs it)
            self.handleError(record)


def take_standard_log() -> None:
    """Have the root logger hand its records to structlog, once however often this is called."""
    root = logging.getLogger()
    if not any(isinstance(handler, StandardLog) for handler in root.handlers):
        root.addHandler(StandardLog())
