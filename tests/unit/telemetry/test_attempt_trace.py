"""The trace of an attempt, for every story and for evidence nobody planned."""

import json
from collections.abc import Iterator

import msgspec.structs
from hypothesis import HealthCheck, given, settings
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import tls_attributes
from opentelemetry.trace import SpanKind, StatusCode

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.model.change import Change
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Experiment, Recheck
from probe.model.target import Endpoint, Target
from probe.model.trace_context import TraceContext
from probe.telemetry.attempt_trace import (
    CONNECT,
    EXPORT,
    HANDSHAKE,
    LOOKUP,
    SpanRecord,
    TraceRecord,
    build_trace,
)
from probe.telemetry.sdk_tracing import Tracing
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story
from tests.support.arbitrary_evidence import evidences
from tests.support.every_row import every_row

CONTEXT = TraceContext(
    trace_id="a1" * 16, span_id="b2" * 8, export_span_id="c3" * 8, sampled=True, threshold="c" * 14
)
STAGES = {
    "resolve": LOOKUP,
    "connect": CONNECT,
    "handshake": HANDSHAKE,
    "accept": HANDSHAKE,
    "export": EXPORT,
}
TARGET = Target(name="eu", endpoint=Endpoint("collector.example.com", 4317))


def trace(evidence: Evidence, *, context: TraceContext = CONTEXT) -> TraceRecord:
    """Return the trace of an attempt that left `evidence`."""
    traced = msgspec.structs.replace(evidence, trace=context)
    runtime = TargetRuntime(TARGET)
    runtime.record(traced, diagnose(traced))
    runtime.changed = False
    found = build_trace(runtime, CATALOGUE, "c" * 14)
    assert found is not None
    return found


def every(found: TraceRecord) -> Iterator[SpanRecord]:
    """Yield all spans of a trace."""
    yield found.root
    yield from found.children


def check(found: TraceRecord, evidence: Evidence, diagnosis: Diagnosis) -> None:
    """Assert what holds of every trace."""
    root = found.root
    assert root.attributes.get("error.type") == diagnosis.cause
    assert (root.error is not None) == (diagnosis.outcome == "failed")
    failed = [child for child in found.children if "error.type" in child.attributes]
    assert all(child.attributes["error.type"] == diagnosis.cause for child in failed)
    assert all((child.error is not None) == (child in failed) for child in found.children)
    if diagnosis.cause is not None and failed:
        assert [child.name for child in failed] == [STAGES[evidence.ending.stage]]
    for child in found.children:
        assert child.end <= root.end
        assert child.attributes["mtls_probe.target"] == evidence.target.name
    names = [child.name for child in found.children if not child.name.startswith("experiment")]
    assert names == [name for name in (LOOKUP, CONNECT, HANDSHAKE, EXPORT) if name in names]
    for span in every(found):
        assert all(isinstance(key, str) for key in span.attributes)
        assert all(
            isinstance(value, str | bool | int | float | tuple)
            for value in span.attributes.values()
        )


@every_row(story=STORIES)
def test_every_cause_has_its_trace(story: Story) -> None:
    """error.type is the cause on the root, and on the stage that failed where it was reached."""
    diagnosis = diagnose(story.evidence)
    found = trace(story.evidence)
    check(found, story.evidence, diagnosis)
    stage = story.evidence.ending.stage
    reached = {child.name for child in found.children}
    if diagnosis.cause is not None and STAGES.get(stage) in reached:
        assert any("error.type" in child.attributes for child in found.children)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(evidences)
def test_no_evidence_breaks_the_trace(evidence: Evidence) -> None:
    """Whatever a peer supplied; and the SDK takes all of it."""
    found = trace(evidence)
    check(found, evidence, diagnose(evidence))
    assert len(exported_spans(found)) == 1 + len(found.children)


def exported_spans(found: TraceRecord) -> list[ReadableSpan]:
    """Return the SDK's spans of a trace, as an exporter gets them."""
    exporter = InMemorySpanExporter()
    Tracing({"service.name": "x"}, SimpleSpanProcessor(exporter)).record(found)
    return list(exporter.get_finished_spans())


def test_the_sdk_gets_the_ids_that_were_decided() -> None:
    """The root's and the export's are those that went out; the others are any, each its own."""
    found = trace(BY_NAME["otlp_unavailable"].evidence)
    spans = {span.name: span for span in exported_spans(found)}
    root = spans[found.root.name]
    assert root.context is not None
    assert root.parent is None
    assert f"{root.context.span_id:016x}" == CONTEXT.span_id
    export = spans[EXPORT]
    assert export.context is not None
    assert f"{export.context.span_id:016x}" == CONTEXT.export_span_id
    assert (export.kind, root.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    ids = set()
    for span in spans.values():
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == CONTEXT.trace_id
        assert span.context.trace_state.get("ot") == "th:0"
        ids.add(span.context.span_id)
        if span is not root:
            assert span.parent is not None
            assert span.parent.span_id == root.context.span_id
    assert len(ids) == len(spans)
    assert root.status.status_code is StatusCode.ERROR
    assert json.loads(root.to_json())["attributes"]["error.type"] == "otlp_unavailable"


def test_the_names_are_the_packages() -> None:
    """Constants, not strings: what the conventions rename is renamed with them."""
    handshake = next(
        child for child in trace(BY_NAME["confirmed"].evidence).children if child.name == HANDSHAKE
    )
    named = {value for name, value in vars(tls_attributes).items() if name.startswith("TLS_")}
    assert {name for name in handshake.attributes if name.startswith("tls.")} <= named
    assert handshake.attributes[tls_attributes.TLS_PROTOCOL_VERSION] == "1.3"


def entered(*endings: tuple[Evidence, TraceContext], expect: str | None = None) -> TargetRuntime:
    """Return the state of a target after several attempts."""
    target = Target(name="eu", endpoint=TARGET.endpoint, expect_cause=expect)
    ledger = Ledger([target])
    for evidence, context in endings:
        facts = msgspec.structs.replace(evidence.target, expect_cause=expect)
        traced = msgspec.structs.replace(evidence, trace=context, target=facts)
        ledger.record(target, traced, diagnose(traced))
    state = ledger.find("eu")
    assert state is not None
    return state


UNSAMPLED = msgspec.structs.replace(CONTEXT, sampled=False)
GOOD, BAD = BY_NAME["confirmed"].evidence, BY_NAME["client_ca_untrusted"].evidence


def test_every_failure_and_every_change_is_recorded() -> None:
    """Whatever the head decided; a success that is nothing new only where it was drawn."""

    def recorded(*endings: Evidence, context: TraceContext = UNSAMPLED) -> TraceRecord | None:
        return build_trace(entered(*((each, context) for each in endings)), CATALOGUE, "c" * 14)

    assert recorded(GOOD) is not None
    assert recorded(GOOD, GOOD) is None
    assert recorded(GOOD, BAD) is not None
    assert recorded(BAD, BAD) is not None
    assert recorded(BAD, GOOD) is not None
    drawn = recorded(GOOD, GOOD, context=CONTEXT)
    assert drawn is not None
    # Only one that was drawn stands for others too.
    assert drawn.trace_state == "th:" + "c" * 14
    assert [recorded(*each).trace_state for each in ((GOOD, BAD), (GOOD,))] == ["th:0"] * 2  # type: ignore[union-attr]  # recorded, as above


def test_what_is_expected_is_no_error() -> None:
    """A refusal that a target asks for: the cause stands there, the status is not Error."""
    state = entered((BAD, CONTEXT), (BAD, CONTEXT), expect="client_ca_untrusted")
    found = build_trace(state, CATALOGUE, "0")
    assert found is not None
    assert [span.error for span in every(found)] == [None] * (1 + len(found.children))
    assert found.root.attributes["error.type"] == "client_ca_untrusted"
    assert found.root.attributes["mtls_probe.expected"] is True
    assert (
        build_trace(
            entered((BAD, UNSAMPLED), (BAD, UNSAMPLED), expect="client_ca_untrusted"),
            CATALOGUE,
            "0",
        )
        is None
    )


def test_a_change_is_an_event() -> None:
    """With what was before and what is now; neither at the first attempt nor at a repetition."""
    found = build_trace(entered((GOOD, CONTEXT), (BAD, CONTEXT)), CATALOGUE, "0")
    assert found is not None
    (event,) = found.root.events
    assert event.name == "mtls_probe.cause_changed"
    assert event.attributes == {
        "mtls_probe.previous.outcome": "confirmed",
        "mtls_probe.outcome": "failed",
        "mtls_probe.cause": "client_ca_untrusted",
    }
    for endings in ([BAD], [BAD, BAD]):
        repeated = build_trace(entered(*((each, CONTEXT) for each in endings)), CATALOGUE, "0")
        assert repeated is not None
        assert repeated.root.events == ()


def test_what_changed_before_is_an_event() -> None:
    """At the time at which it was first seen, on the attempt that ended otherwise."""
    change = Change(what="cipher", before=("A",), after=("B",), at=5.0, last_before=4.0)
    failed = msgspec.structs.replace(BAD, changed=(change,))
    found = build_trace(entered((GOOD, CONTEXT), (failed, CONTEXT)), CATALOGUE, "0")
    assert found is not None
    _, event = found.root.events
    assert (event.name, event.at) == ("mtls_probe.changed", 5.0)
    assert event.attributes == {
        "mtls_probe.changed.what": "cipher",
        "mtls_probe.changed.before": ("A",),
        "mtls_probe.changed.after": ("B",),
    }


def test_only_this_attempts_experiments_are_its_spans() -> None:
    """Results of an earlier round hold for later attempts, which did not make them."""
    made = Experiment(
        varied="tls_1.2", at=BAD.at + 1, duration=0.5, ending=BAD.ending, handshake=None
    )
    assert BAD.handshake is not None
    evidence = msgspec.structs.replace(
        BAD,
        experiments=(made,),
        recheck=Recheck(handshake=BAD.handshake, ending=BAD.ending, at=BAD.at + 2, duration=1.0),
    )
    found = trace(evidence)
    further = [child for child in found.children if child.name == "experiment tls_1.2"]
    assert [(child.start, child.end) for child in further] == [
        (BAD.at + 2, BAD.at + 3),
        (BAD.at + 1, BAD.at + 1.5),
    ]
    assert found.root.end == BAD.at + 3
    assert [event.name for event in further[0].events] == ["mtls_probe.tls.alert"]
    # Whatever time the wall clock gave the earlier attempt: it may have been set back since.
    reused = trace(msgspec.structs.replace(evidence, experiments_reused=True))
    assert [child.start for child in reused.children if "experiment" in child.name] == [BAD.at + 2]


def test_a_rejection_is_an_event_of_the_export() -> None:
    """partial_success, with how much was rejected and what the backend said."""
    found = trace(BY_NAME["otlp_rejected--partial_success"].evidence)
    (event,) = next(child for child in found.children if child.name == EXPORT).events
    assert event.name == "mtls_probe.partial_success"
    assert event.attributes["mtls_probe.partial_success.rejected_items"] == 1


def test_an_address_has_no_lookup_and_a_name_has() -> None:
    """Nothing was asked of DNS where the endpoint is an address; a proxy's name is what is asked."""
    facts = msgspec.structs.replace(GOOD.target, host="192.0.2.1")
    by_address = msgspec.structs.replace(GOOD, target=facts, addresses=("192.0.2.1",))
    assert LOOKUP not in {child.name for child in trace(by_address).children}
    proxied = msgspec.structs.replace(
        GOOD, target=msgspec.structs.replace(GOOD.target, proxy="proxy.example.com:3128")
    )
    lookup, connect = trace(proxied).children[:2]
    assert lookup.attributes["dns.question.name"] == "proxy.example.com"
    assert connect.attributes["network.peer.port"] == 3128
    assert connect.attributes["server.port"] == GOOD.target.port
