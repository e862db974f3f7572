"""The OTLP exporters of a Collector's own telemetry; every case was measured with a real Collector."""

import json
from typing import Any

import pytest

from probe.config.source_content import SourceContent
from probe.model.target import Endpoint, Target, TlsSettings
from tests.support.collector_texts import headers_of, reading

PARTS = {"receivers": {"nop": None}, "exporters": {"debug": None}}
PIPELINES = {"traces": {"receivers": ["nop"], "exporters": ["debug"]}}
FILES = {"certificate": "/ca", "client_certificate": "/crt", "client_key": "/key"}


def telemetry(signal: str, otlp: dict[str, Any] | None, kind: str = "batch") -> SourceContent:
    """Read a Collector whose own telemetry of `signal` has one exporter."""
    stage = "readers" if signal == "metrics" else "processors"
    own = {signal: {stage: [{kind: {"exporter": {"otlp": otlp}}}]}}
    return reading(json.dumps({**PARTS, "service": {"telemetry": own, "pipelines": PIPELINES}}))


def own(otlp: dict[str, Any], signal: str = "traces", kind: str = "batch") -> Target:
    """Return the one target."""
    content = telemetry(signal, otlp, kind)
    assert content.errors == ()
    (target,) = content.targets
    return target


@pytest.mark.parametrize(
    ("signal", "kind"),
    [("traces", "batch"), ("traces", "simple"), ("metrics", "periodic"), ("logs", "simple")],
)
def test_each_signal_has_its_own(signal: str, kind: str) -> None:
    """Processors of spans and log records, readers of metrics; the exporters are Go's SDK's."""
    target = own({"protocol": "grpc", "endpoint": "https://b:4317", **FILES}, signal, kind)
    assert (target.name, target.signal) == (f"service.telemetry/{signal}", signal)
    assert (target.endpoint, target.exporter) == (Endpoint("b", 4317), "go-grpc")
    assert target.tls == TlsSettings(ca_file="/ca", cert_file="/crt", key_file="/key")


@pytest.mark.parametrize(
    ("otlp", "shown"),
    [
        ({"endpoint": "b:4317", "protocol": "grpc"}, ("b:4317", "", False)),
        ({"endpoint": "b:4317", "protocol": "grpc", "insecure": True}, ("b:4317", "", True)),
        ({"endpoint": "https://b", "protocol": "grpc"}, ("b:443", "", False)),
        ({"endpoint": "http://b:4317", "protocol": "grpc", **FILES}, ("b:4317", "", False)),
        ({"endpoint": "b:4318", "protocol": "http/protobuf"}, ("b:4318", "/v1/traces", False)),
        (
            {"endpoint": "https://b:4318/", "protocol": "http/protobuf"},
            ("b:4318", "/", False),
        ),
        (
            {"endpoint": "https://B:4318/a b?x=1", "protocol": "http/protobuf"},
            ("B:4318", "/a%20b", False),
        ),
        (
            {"endpoint": "b:4318", "protocol": "http/protobuf", "insecure": True},
            ("b:4318", "/v1/traces", True),
        ),
    ],
)
def test_where_it_goes(otlp: dict[str, Any], shown: tuple[str, str, bool]) -> None:
    """A scheme is added by `insecure`; files switch TLS on for gRPC whatever the scheme."""
    target = own(otlp)
    assert target.faults == ()
    assert (str(target.endpoint), target.endpoint.path, target.plaintext) == shown


def test_headers_of_both_formats() -> None:
    """Pairs (0.3), a mapping (0.2), and a list of Baggage, which comes last."""
    base = {"protocol": "http/protobuf", "endpoint": "https://b:4318"}
    pairs = [{"name": "X-A", "value": "1"}, {"name": "none", "value": None}]
    listed = own({**base, "headers": pairs, "headers_list": "x-a=2,x-b=c%20d"})
    assert headers_of(listed) == {"X-A": "1", "x-b": "c d"}
    assert headers_of(own({**base, "headers": {"X-A": "1"}})) == {"X-A": "1"}


@pytest.mark.parametrize(
    ("otlp", "reason"),
    [
        ({"protocol": "grpc", "endpoint": "b:1", "tls": {"ca_file": "/ca"}}, "unknown key"),
        ({"endpoint": "b:1"}, "is missing"),
        ({"protocol": "grpc/protobuf", "endpoint": "b:1"}, "is unknown"),
        ({"protocol": "grpc"}, "the Collector ends at its start"),
        ({"protocol": "grpc", "endpoint": "b:1", "timeout": "10s"}, "timeout"),
        ({"protocol": "grpc", "endpoint": "HTTPS://b:1"}, "in capitals"),
    ],
)
def test_what_the_collector_does_not_start_with(otlp: dict[str, Any], reason: str) -> None:
    """One failed target, or an error; it is never silent."""
    content = telemetry("traces", otlp)
    said = [error.reason for error in content.errors]
    said += [fault.fact for target in content.targets for fault in target.faults]
    assert any(reason in each for each in said)


def test_a_signal_that_is_off_has_none() -> None:
    """`level: none` makes no exporter, and neither does a Prometheus reader."""
    off = {"level": "none", "processors": [{"batch": {"exporter": {"otlp": {}}}}]}
    pull = {"readers": [{"pull": {"exporter": {"prometheus": {"port": 8888}}}}]}
    service = {"telemetry": {"traces": off, "metrics": pull}, "pipelines": PIPELINES}
    content = reading(json.dumps({**PARTS, "service": service}))
    assert content.targets == ()
