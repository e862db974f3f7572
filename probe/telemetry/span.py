"""A span as plain frozen data: what the ledger tells, before an SDK makes it its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span; `at` is epoch seconds."""

    name: str
    at: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One span of an attempt's trace; times are epoch seconds."""

    name: str
    start: float
    end: float
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    error: str | None = None
    """Why its status is Error; None where it is unset."""
    kind: Literal["internal", "client"] = "internal"
    span_id: str = ""
    """Where it was decided before the attempt; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRecord:
    """The trace of one attempt."""

    trace_id: str
    trace_state: str
    root: SpanRecord
    children: tuple[SpanRecord, ...] = field(default=())
