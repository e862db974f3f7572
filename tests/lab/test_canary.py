"""Depth canary against the real Collector: the canary's item arrives, is marked, and can be found."""

from dataclasses import replace

import pytest

from probe.model.target import Protocol, Signal
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.servers import StartCollector


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_the_collector_takes_it_and_shows_it(
    collector: StartCollector, pki: LabPki, protocol: Protocol, signal: Signal
) -> None:
    """Confirmed with the trace id, which the Collector's own exporter shows for spans and logs."""
    backend = collector()
    port = backend.grpc_port if protocol == "grpc" else backend.http_port
    watched = target(pki, port, pki.client, protocol=protocol, depth="canary")
    watched = replace(watched, signal=signal)
    before = len(backend.log.text())

    evidence, diagnosis = observe(watched)

    assert diagnosis.outcome == "confirmed"
    assert evidence.canary_trace_id in diagnosis.facts[0]
    shown = backend.log.wait_for(r"mtls_probe\.canary", timeout=5)
    assert shown
    text = backend.log.text()[before:]
    assert "user_agent.synthetic.type: Str(test)" in text
    assert "mtls_probe.target: Str(lab)" in text
    if signal != "metrics":
        assert evidence.canary_trace_id in text


def test_a_refused_certificate_sends_nothing(collector: StartCollector, pki: LabPki) -> None:
    """The cause is the same as without a canary, and the Collector never saw one."""
    backend = collector()
    before = backend.log.text().count("mtls_probe.canary")
    _, diagnosis = observe(target(pki, backend.grpc_port, pki.stranger, depth="canary"))
    assert diagnosis.cause == "client_ca_untrusted"
    assert backend.log.text().count("mtls_probe.canary") == before


def test_the_empty_request_leaves_nothing_behind(collector: StartCollector, pki: LabPki) -> None:
    """Depth otlp is confirmed by the same Collector, which received no item."""
    backend = collector()
    before = backend.log.text().count("mtls_probe")
    evidence, diagnosis = observe(target(pki, backend.grpc_port, pki.client))
    assert (diagnosis.outcome, evidence.canary_trace_id) == ("confirmed", "")
    assert backend.log.text().count("mtls_probe") == before
