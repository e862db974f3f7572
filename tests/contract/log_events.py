"""The log events of the source, and docs/log-events.md, which lists them.

`python -m tests.contract.log_events` writes the page from the table of probe/log/log_events.py.
"""

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from probe.log.log_events import EVENTS
from tests.contract.imports import MODULES, ROOT

PAGE: Final = ROOT / "docs" / "log-events.md"
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
HEAD: Final = """\
# Log events

`mtls-probe run` logs to stderr: JSON lines, or a readable form on a terminal. The name of an event is stable: search for it, or alert on it. Every line has `timestamp`, `level` and `event`. A line about an attempt has `trace_id`, `span_id` and `trace_flags` where the attempt is traced. A line about an exception has `exception.type`, `exception.message` and `exception.stacktrace`.

In JSON the fields `certain`, `facts`, `finding`, `outcome`, `party`, `stage` and `target` have the names that they have on spans: `mtls_probe.target`, and so on.

| event | level | means | fields |
|---|---|---|---|
"""


class LogCall(NamedTuple):
    """One call that logs: where it stands, its event, and the fields that are written out there."""

    place: str
    event: str | None
    """None where it is not written out."""
    fields: frozenset[str]


def log_calls() -> Iterator[LogCall]:
    """Yield every call of a structlog logger in the source."""
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, logger = node.func.attr, ast.unparse(node.func.value)
                if not (logger.endswith(("log", "logger", "get_logger('mtls_probe')"))):
                    continue
                if name not in LEVELS | {"log"}:
                    continue
                event = node.args[1 if name == "log" else 0]
                yield LogCall(
                    f"{module.name}:{node.lineno}",
                    event.value if isinstance(event, ast.Constant) else None,
                    frozenset(_list_fields(node.keywords)),
                )


def _list_fields(keywords: list[ast.keyword]) -> Iterator[str]:
    """Yield the fields of a call: those of a `**{...}`, which a condition may add, included."""
    for keyword in keywords:
        if keyword.arg:
            yield keyword.arg
        else:
            written_out = (node for node in ast.walk(keyword.value) if isinstance(node, ast.Dict))
            for key in (key for each in written_out for key in each.keys):
                # `exc_info` becomes the fields of an exception, which the head of the page names.
                if isinstance(key, ast.Constant) and key.value != "exc_info":
                    yield str(key.value)


def page() -> str:
    """Return docs/log-events.md."""
    rows = [
        f"| `{name}` | {event.level} | {event.meaning} "
        f"| {', '.join(f'`{field}`' for field in event.fields)} |"
        for name, event in sorted(EVENTS.items())
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
