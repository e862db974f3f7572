"""A request encoded once per target, whose ids and times each attempt fills in. Pure.

What is filled in has one width wherever it stands: raw in protobuf, hex in a header that HPACK
neither compresses nor indexes.
"""

from dataclasses import replace
from typing import Final

from probe.model.trace_context import TraceContext
from probe.otlp.request import Request

# Each stands in an encoded request exactly where it is meant: chance has no hand in 128 bits, and
# none of the eight bytes of a time can be mistaken for text.
TRACE_ID: Final = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")
SPAN_ID: Final = bytes.fromhex("8e7d6c5b4a39281f")
PARENT_SPAN_ID: Final = bytes.fromhex("9f8e7d6c5b4a3928")
TIME: Final = 0xF1F2F3F4F5F6F7F8
_TIME_BYTES: Final = TIME.to_bytes(8, "little")

_CONTEXT: Final = TraceContext(
    trace_id="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    span_id="",
    export_span_id="f18293a4b5c6d7e8",
    sampled=True,
    threshold="7f6e5d4c3b2a19",
)
CONTEXT_FIELDS: Final = (
    ("traceparent", _CONTEXT.traceparent.encode()),
    ("tracestate", _CONTEXT.tracestate.encode()),
)


def with_item(
    template: Request, at: float, trace_id: bytes, span_id: bytes, parent: bytes = b""
) -> Request:
    """Fill in the item that a canary's request holds.

    Args:
        template: the request.
        at: when the attempt begins, epoch seconds.
        trace_id: 16 bytes, the trace that the item belongs to.
        span_id: 8 bytes.
        parent: 8 bytes, where the template has a place for them.
    """
    time = max(int(at * 1e9), 0).to_bytes(8, "little")

    def filled(template: bytes) -> bytes:
        with_ids = template.replace(TRACE_ID, trace_id).replace(SPAN_ID, span_id)
        return with_ids.replace(_TIME_BYTES, time).replace(PARENT_SPAN_ID, parent)

    return replace(template, h2=filled(template.h2), http1=filled(template.http1))


def with_context(template: Request, context: TraceContext) -> Request:
    """Fill in the W3C Trace Context headers of a request that was built with `CONTEXT_FIELDS`."""
    traceparent, tracestate = context.traceparent.encode(), context.tracestate.encode()

    def filled(template: bytes) -> bytes:
        (_, parent), (_, state) = CONTEXT_FIELDS
        return template.replace(parent, traceparent).replace(state, tracestate)

    return replace(template, h2=filled(template.h2), http1=filled(template.http1))
