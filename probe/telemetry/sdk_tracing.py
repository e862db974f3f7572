"""Hands traces to OpenTelemetry's SDK, under the ids that the attempts had from the beginning.

The SDK's own generator and sampler are replaced by what was decided before: both run in the thread
that records a trace, and only there.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.semconv.attributes.telemetry_attributes import (
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
)
from opentelemetry.trace import (
    Link,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes
from typing_extensions import override

from probe import __version__
from probe.telemetry.attempt_trace import SpanRecord, TraceRecord

SDK_ATTRIBUTES: Final = {
    TELEMETRY_SDK_NAME: "opentelemetry",
    TELEMETRY_SDK_LANGUAGE: "python",
    TELEMETRY_SDK_VERSION: sdk_version,
}
"""The attributes of every resource about the SDK that made the spans."""

LATEST: Final = 1.8e10
"""Epoch seconds: what 64 bits of nanoseconds hold, with a margin."""

_KINDS: Final = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}


class _PresetSpan(IdGenerator, Sampler):
    """The ids and the state that the next span gets."""

    def __init__(self) -> None:
        self.trace_id = ""
        self.span_id = ""
        self.state = TraceState()
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return int(self.trace_id, 16)

    def generate_span_id(self) -> int:
        return int(self.span_id, 16) if self.span_id else self._random.generate_span_id()

    @override
    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, self.state)

    def get_description(self) -> str:
        return "decided before the attempt"


class Tracing:
    """A tracer of the SDK that takes whole traces."""

    def __init__(self, resource: Mapping[str, str], processor: SpanProcessor) -> None:
        """Give each span `resource`, and hand it to `processor` when it has ended."""
        self._preset = _PresetSpan()
        provider = TracerProvider(
            sampler=self._preset,
            resource=Resource(dict(resource)),
            # The service stops it, and does not wait for ever.
            shutdown_on_exit=False,
            id_generator=self._preset,
        )
        provider.add_span_processor(processor)
        self._tracer: Tracer = provider.get_tracer("mtls-probe", __version__)

    def record(self, trace: TraceRecord) -> None:
        """Give the SDK one trace."""
        preset = self._preset
        preset.trace_id = trace.trace_id
        preset.state = TraceState([("ot", trace.trace_state)])
        root = self._record_span(trace.root, Context())
        for child in trace.children:
            self._record_span(child, root)

    def _record_span(self, record: SpanRecord, parent: Context) -> Context:
        self._preset.span_id = record.span_id
        span = self._tracer.start_span(
            record.name,
            parent,
            _KINDS[record.kind],
            record.attributes,
            start_time=_nanoseconds(record.start),
        )
        for event in record.events:
            span.add_event(event.name, event.attributes, _nanoseconds(event.at))
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, record.error))
        span.end(_nanoseconds(record.end))
        return set_span_in_context(span, parent)


def _nanoseconds(seconds: float) -> int:
    return int(min(max(seconds, 0.0), LATEST) * 1e9)
