"""Spans as the real Collector's file exporter wrote them: lines of OTLP's JSON."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE_EXPORTER: Final = "file"
ERROR: Final = 2
"""STATUS_CODE_ERROR of OTLP."""
KINDS: Final = {1: "internal", 3: "client"}


@dataclass(frozen=True, slots=True)
class Written:
    """One span, with its resource and scope."""

    resource: dict[str, Any]
    scope: str
    trace_id: str
    span_id: str
    parent: str
    name: str
    kind: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, int, dict[str, Any]], ...]
    status: int
    why: str
    trace_state: str


@dataclass(frozen=True, slots=True)
class SpanFile:
    """The file that a Collector writes."""

    path: Path

    @property
    def exporter(self) -> dict[str, object]:
        """The exporter's settings in the Collector's configuration."""
        return {FILE_EXPORTER: {"path": str(self.path), "flush_interval": "100ms"}}

    def spans(self) -> list[Written]:
        """Return all spans so far, except from a line that is still being written."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [
            span for line in lines if line.endswith("\n") for span in _written(json.loads(line))
        ]

    def traces(self) -> dict[str, list[Written]]:
        """Return the spans by trace id."""
        found: dict[str, list[Written]] = {}
        for span in self.spans():
            found.setdefault(span.trace_id, []).append(span)
        return found

    def wait(self, enough: Callable[[list[Written]], bool], seconds: float = 20.0) -> list[Written]:
        """Wait until `enough` accepts the spans, and return them.

        Raises:
            AssertionError: with the names of what there is.
        """
        end = time.monotonic() + seconds
        while True:
            found = self.spans()
            if enough(found):
                return found
            assert time.monotonic() < end, [(span.name, span.status) for span in found]
            time.sleep(0.1)


def _written(document: dict[str, Any]) -> list[Written]:
    return [
        Written(
            resource=_plain(group["resource"].get("attributes", ())),
            scope=f"{scope['scope'].get('name')} {scope['scope'].get('version')}",
            trace_id=span["traceId"],
            span_id=span["spanId"],
            parent=span.get("parentSpanId", ""),
            name=span["name"],
            kind=KINDS[span["kind"]],
            start=int(span["startTimeUnixNano"]),
            end=int(span["endTimeUnixNano"]),
            attributes=_plain(span.get("attributes", ())),
            events=tuple(
                (event["name"], int(event["timeUnixNano"]), _plain(event.get("attributes", ())))
                for event in span.get("events", ())
            ),
            status=span["status"].get("code", 0),
            why=span["status"].get("message", ""),
            trace_state=span.get("traceState", ""),
        )
        for group in document.get("resourceSpans", ())
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    ((kind, found),) = value.items()
    if kind == "intValue":
        return int(found)
    if kind == "arrayValue":
        return [_value(each) for each in found.get("values", ())]
    return found
