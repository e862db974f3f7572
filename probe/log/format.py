"""How log lines look: JSON on stderr for machines, a readable form on a terminal.

In JSON what also stands on a span has its name there: one of OTel's semantic conventions, or one
under `mtls_probe.`; trace_id, span_id and trace_flags are at the top (the specification, "Trace
Context in non-OTLP Log Formats").
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.typing import EventDict, ExcInfo

from probe.system.bounded_stderr import BoundedStderr
from probe.text.safe_text import safe_text

Mask = Callable[[str], str]

_LINE: Final = 1024
_FIRST: Final = ("timestamp", "level", "event")
_AS_ON_SPANS: Final = frozenset(
    {"certain", "facts", "finding", "outcome", "party", "stage", "target"}
)


def _unmasked(text: str) -> str:
    return text


def configure_logging(*, human: bool, mask: Mask = _unmasked) -> None:
    """Set structlog up for this process: JSON lines, or where `human` a readable form.

    `mask` is put over every text of a line, an exception's and its traceback included.
    """
    # hpack shows header blocks, and with them header values, at DEBUG.
    logging.getLogger("hpack").setLevel(logging.WARNING)
    form: list[Any]
    if human:
        form = [
            structlog.processors.format_exc_info,
            _for_people,
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    else:
        form = [
            structlog.processors.ExceptionRenderer(_exception),
            _named,
            structlog.processors.JSONRenderer(),
        ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *form[:1],
            partial(_without_secrets, mask),
            *form[1:],
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    if isinstance(sys.stderr, BoundedStderr):
        sys.stderr.describe_loss = _loss_described_by(structlog.get_config()["processors"])
    take_standard_log()


def _without_secrets(mask: Mask, _logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: _masked(value, mask) for key, value in event.items()}


def _masked(value: Any, mask: Mask) -> Any:
    """Return `value`, each text in it masked, however deep; what is no plain value is its text."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {_masked(key, mask): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, mask) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(str(value))


def log_warnings(warnings: Iterable[str]) -> None:
    """Log the warnings about the configuration, a line each."""
    for warning in warnings:
        structlog.get_logger("mtls_probe").warning(
            "config_warning", reason=safe_text(warning, _LINE)
        )


def _exception(exc_info: ExcInfo) -> dict[str, str]:
    kind, error, where = exc_info
    return {
        "exception.type": _qualified(kind),
        "exception.message": safe_text(str(error), _LINE),
        "exception.stacktrace": _safe_lines(_stacktrace(kind, error, where)),
    }


def _qualified(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _stacktrace(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> str:
    return "".join(traceback.format_exception(kind, error, where)).rstrip("\n")


def _safe_lines(text: str) -> str:
    # An exception's text may repeat what a peer sent or a file holds.
    return "\n".join(safe_text(line, _LINE) for line in text.split("\n"))


def _named(_logger: Any, _method: str, event: EventDict) -> EventDict:
    thrown: Mapping[str, str] = event.pop("exception", None) or {}
    first = {key: event.pop(key) for key in _FIRST if key in event}
    named = {f"mtls_probe.{key}" if key in _AS_ON_SPANS else key: event[key] for key in event}
    return {**first, **named, **thrown}


def _for_people(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for key in ("span_id", "trace_flags"):
        event.pop(key, None)
    if (text := event.get("exception")) is not None:
        event["exception"] = _safe_lines(text)
    return event


def _loss_described_by(processors: list[Any]) -> Callable[[int], str]:
    """Return what makes the line that says how many lines the log has lost."""
    logger = structlog.wrap_logger(
        structlog.ReturnLogger(), processors, wrapper_class=structlog.BoundLogger
    )

    def describe(lines: int) -> str:
        return f"{logger.warning('log_lines_dropped', lines=lines)}\n"

    return describe


class StandardLog(logging.Handler):
    """Hands what libraries log from WARNING on (asyncio, aiohttp, the SDK) to structlog.

    Python would write it to standard error raw and unmasked, tracebacks included.
    """

    def __init__(self) -> None:
        """Take warnings and what is worse."""
        super().__init__(logging.WARNING)
        self._log = structlog.get_logger("mtls_probe")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as an event: who says it, and what, with the traceback if any."""
        try:
            exc_info = record.exc_info if record.exc_info and record.exc_info[0] else None
            self._log.log(
                logging.ERROR if record.levelno >= logging.ERROR else logging.WARNING,
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
