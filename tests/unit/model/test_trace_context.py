"""A trace's ids and the head's decision, and how a request carries them."""

import re
from collections.abc import Callable
from dataclasses import replace

import h11
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.attempt.prepared_target import PreparedTarget, ProberSettings
from probe.credentials.store import CredentialStore
from probe.model.target import Endpoint, Secret, Target
from probe.model.trace_context import ALWAYS, HeadSampler, TraceContext
from probe.otlp.request import Request

AGENT = "mtls-probe/1.2"
TARGET = Target(name="eu", endpoint=Endpoint("collector.example.com", 4317))
HEX = "0123456789abcdef"
CONTEXTS = st.builds(
    TraceContext,
    trace_id=st.text(HEX, min_size=32, max_size=32),
    span_id=st.text(HEX, min_size=16, max_size=16),
    export_span_id=st.text(HEX, min_size=16, max_size=16),
    sampled=st.booleans(),
    threshold=st.text(HEX, min_size=14, max_size=14),
)
# W3C Trace Context §3.2.2 and §3.3.1.3, and OTel's `ot` member.
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
TRACESTATE = re.compile(r"ot=(th|rv):[0-9a-f]{14}")


def bytes_of(number: int) -> Callable[[int], bytes]:
    """Return a source of chance that gives the same byte for ever."""
    return lambda length: bytes([number]) * length


def headers_h2(request: Request) -> dict[str, str]:
    """Return the headers as another implementation of HTTP/2 reads them."""
    server = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    server.initiate_connection()
    events = server.receive_data(request.h2)
    (received,) = (event for event in events if isinstance(event, RequestReceived))
    return dict(received.headers)  # type: ignore[arg-type]  # decoded, as configured


def headers_http1(request: Request) -> dict[str, str]:
    """Return the headers as a server of HTTP/1.1 reads them."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(request.http1)
    received = server.next_event()
    assert isinstance(received, h11.Request)
    return {name.decode(): value.decode() for name, value in received.headers}


def request(target: Target, trace: TraceContext | None, *, propagate: bool = True) -> Request:
    """Return what one attempt sends."""
    settings = ProberSettings(user_agent=AGENT, wall_clock=lambda: 0.0, propagate=propagate)
    return PreparedTarget(target, CredentialStore().open(target), settings).build_request_at(
        0.0, trace
    )[0]


@given(CONTEXTS)
@settings(max_examples=50, deadline=None)
def test_both_versions_of_http_carry_the_context(context: TraceContext) -> None:
    """A backend that traces itself joins the trace of the attempt, whichever ids it has."""
    sent = request(TARGET, context)
    for headers in (headers_h2(sent), headers_http1(sent)):
        assert headers["traceparent"] == context.traceparent
        assert headers["tracestate"] == context.tracestate
        assert TRACEPARENT.fullmatch(headers["traceparent"])
        assert TRACESTATE.fullmatch(headers["tracestate"])
        assert headers["traceparent"].split("-")[2] == context.export_span_id


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_one_setting_switches_it_off(protocol: str) -> None:
    """Not a byte is different from a request without any telemetry."""
    target = replace(TARGET, protocol=protocol)
    context = HeadSampler(1.0).begin(wanted=True)
    off = request(target, context, propagate=False)
    without = request(target, None, propagate=False)
    assert (off.h2, off.http1) == (without.h2, without.http1)
    assert "traceparent" not in headers_h2(off)


def test_a_canary_carries_the_same_context() -> None:
    """Its request has an item, and the headers too."""
    context = HeadSampler(1.0).begin(wanted=True)
    sent = request(replace(TARGET, depth="canary"), context)
    assert headers_h2(sent)["traceparent"] == context.traceparent
    assert bytes.fromhex(context.trace_id) in sent.h2


@pytest.mark.parametrize("name", ["traceparent", "TraceState"])
def test_the_targets_own_header_has_precedence(name: str) -> None:
    """Who sets one of the two decides on both: half a context is none."""
    target = replace(TARGET, headers=((name, Secret("x-y")),))
    headers = headers_h2(request(target, HeadSampler(1.0).begin(wanted=True)))
    assert headers[name.lower()] == "x-y"
    assert {"traceparent", "tracestate"} & headers.keys() == {name.lower()}


def test_the_bare_questions_carry_none() -> None:
    """Nothing but the export joins a trace: not the clock's question, not depth tls."""
    sent = request(TARGET, HeadSampler(1.0).begin(wanted=True))
    for raw in (sent.h2_bare, sent.http1_bare, sent.h2_opening, sent.http1_opening):
        assert b"traceparent" not in raw


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 1.0])
def test_the_share_of_successes(share: float) -> None:
    """Over many attempts, as many are drawn as were asked for; the ids are new each time."""
    sampler = HeadSampler(share)
    drawn = [sampler.begin(wanted=False) for _ in range(20_000)]
    assert len({each.trace_id for each in drawn}) == len(drawn)
    found = sum(each.sampled for each in drawn) / len(drawn)
    assert found == pytest.approx(share, abs=0.015)
    if share in {0.0, 1.0}:
        assert found == share


@pytest.mark.parametrize(
    ("share", "threshold"), [(1.0, ALWAYS), (0.5, "8" + "0" * 13), (0.25, "c" + "0" * 13)]
)
def test_the_threshold_is_that_of_the_share(share: float, threshold: str) -> None:
    """As the specification's own examples have it; the randomness is the id's last 56 bits."""
    taken = HeadSampler(share, bytes_of(0xFF)).begin(wanted=False)
    assert (taken.sampled, taken.threshold) == (True, threshold)
    assert taken.tracestate == f"ot=th:{threshold}"
    left = HeadSampler(share, bytes_of(0)).begin(wanted=False)
    assert left.sampled is (share == 1.0)
    if not left.sampled:
        assert left.tracestate == f"ot=rv:{'0' * 14}"
        assert left.traceparent.endswith("-00")


def test_what_is_wanted_is_recorded_and_stands_for_itself() -> None:
    """After a failure, and at the first attempt, whatever chance says."""
    context = HeadSampler(0.01, bytes_of(0)).begin(wanted=True)
    assert (context.sampled, context.threshold) == (True, ALWAYS)
    assert context.traceparent.endswith("-01")
