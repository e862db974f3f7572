"""How log lines look: JSON on stderr for machines, a readable form on a terminal.

In JSON, a field that is also on a span has the span's name: one of OTel's semantic conventions, or one
under `mtls_probe.`; trace_id, span_id and trace_flags are at the top (the specification, "Trace
Context in non-OTLP Log Formats").
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import structlog
from structlog.typing import EventDict, ExcInfo

from probe.system.bounded_stderr import BoundedStderr
from probe.text.safe_text import safe_text

_LINE: Final = 1024
_FIRST: Final = ("timestamp", "level", "event")
_AS_ON_SPANS: Final = frozenset(
    {"certain", "facts", "finding", "outcome", "party", "stage", "target"}
)


def configure_logging(
    *, human: bool, mask: Callable[[str], str] = str, errors_only: bool = False
) -> None:
    """Set structlog up for this process: JSON lines, or where `human` a readable form.

    `mask` hides secrets in every text of a line, an exception's and its traceback included.
    """
    # hpack shows header blocks, and with them header values, at DEBUG.
    logging.getLogger("hpack").setLevel(logging.WARNING)
    render_exception: Any = structlog.processors.ExceptionRenderer(_render_exception)
    form: list[Any] = [_rename_fields, structlog.processors.JSONRenderer()]
    if human:
        render_exception = structlog.processors.format_exc_info
        plain = structlog.dev.plain_traceback
        console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)
        form = [_simplify_for_console, console]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render_exception,
            partial(_mask_event, mask),
            *form,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.ERROR if errors_only else logging.INFO
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    if isinstance(sys.stderr, BoundedStderr):
        sys.stderr.describe_loss = _make_loss_describer(structlog.get_config()["processors"])
    take_standard_log()


def _mask_event(
    mask: Callable[[str], str], _logger: Any, _method: str, event: EventDict
) -> EventDict:
    return {key: _mask_value(value, mask) for key, value in event.items()}


def _mask_value(value: Any, mask: Callable[[str], str]) -> Any:
    """Return `value` with each text in it masked, however deep; of any other object its text."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {_mask_value(key, mask): _mask_value(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask_value(item, mask) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(str(value))


def log_warnings(warnings: Iterable[str]) -> None:
    """Log the warnings about the configuration, a line each."""
    for warning in warnings:
        structlog.get_logger("mtls_probe").warning(
            "config_warning", reason=safe_text(warning, _LINE)
        )


def _render_exception(exc_info: ExcInfo) -> dict[str, str]:
    kind, error, _ = exc_info
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return {
        "exception.type": f"{module}{kind.__qualname__}",
        "exception.message": safe_text(str(error), _LINE),
        "exception.stacktrace": _safe_lines(
            "".join(traceback.format_exception(*exc_info)).rstrip()
        ),
    }


def _safe_lines(text: str) -> str:
    # An exception's text may repeat what a peer sent or a file holds.
    return "\n".join(safe_text(line, _LINE) for line in text.split("\n"))


def _rename_fields(_logger: Any, _method: str, event: EventDict) -> EventDict:
    thrown: Mapping[str, str] = event.pop("exception", None) or {}
    first = {key: event.pop(key) for key in _FIRST if key in event}
    named = {f"mtls_probe.{key}" if key in _AS_ON_SPANS else key: event[key] for key in event}
    return {**first, **named, **thrown}


def _simplify_for_console(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for key in ("span_id", "trace_flags"):
        event.pop(key, None)
    if (text := event.get("exception")) is not None:
        event["exception"] = _safe_lines(text)
    return event


def _make_loss_describer(processors: list[Any]) -> Callable[[int], str]:
    """Return what makes the line with the number of lines that the log has lost."""
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
        """Write the record as an event, with its library, message and traceback."""
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
