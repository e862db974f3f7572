"""Whose verdict counts: `exporter` on targets, defaults, modules and for SDKs."""

from pathlib import Path

import pytest

from probe.config.errors import ConfigurationError
from probe.config.loader import load_from_environment
from tests.support.configuration_texts import Load

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
VARIABLE = "MTLS_PROBE_EXPORTER"


def test_an_exporter_is_of_a_target_or_of_the_defaults(load: Load) -> None:
    """Without either it is the Collector's; the one protocol that an exporter speaks is taken."""
    loaded = load(
        """
        defaults: {exporter: java-jdk}
        targets:
          - {endpoint: "a:4317"}
          - {endpoint: "b:4317", exporter: python-grpc}
          - {endpoint: "c:4317", exporter: curl}
        """
    )
    assert [(one.exporter, one.protocol) for one in loaded.targets] == [
        ("java-jdk", "http/protobuf"),
        ("python-grpc", "grpc"),
        ("curl", "grpc"),
    ]
    assert load("targets: [{endpoint: 'c:4317'}]").targets[0].exporter == "collector"


def test_an_unknown_exporter_is_an_error_with_the_nearest(load: Load) -> None:
    """A language's name is not one of its exporters."""
    with pytest.raises(ConfigurationError) as raised:
        load("targets: [{endpoint: 'c:4317', exporter: python-gprc}]")
    assert raised.value.key == "targets[0].exporter"
    assert raised.value.nearest == "python-grpc"


def test_an_exporter_that_does_not_speak_the_protocol_is_an_error(load: Load) -> None:
    """Its verdict would be about another connection; those that speak it are named."""
    with pytest.raises(ConfigurationError) as raised:
        load("targets: [{endpoint: 'c:4317', protocol: grpc, exporter: python-http}]")
    assert "does not speak grpc" in str(raised.value)
    assert "python-grpc" in raised.value.allowed
    assert "node-http" not in raised.value.allowed


def test_a_module_has_the_protocol_of_its_exporter(load: Load) -> None:
    """`/probe?target=` at any port is then probed by it."""
    module = load("modules: {m: {exporter: node-http, allow: ['*']}}").modules["m"]
    target = module.target("c:4317", 1.0)
    assert (target.exporter, target.protocol) == ("node-http", "http/protobuf")


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ("collector", "grpc")),
        ({VARIABLE: "python-http"}, ("python-http", "http/protobuf")),
        # An SDK is one language: the protocol says which of its exporters is used.
        (
            {VARIABLE: "python-http", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ("python-grpc", "grpc"),
        ),
        ({VARIABLE: "java-jdk", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("java-okhttp", "grpc")),
    ],
)
def test_a_sidecar_is_told_whose_verdict_counts(
    environ: dict[str, str], found: tuple[str, str]
) -> None:
    """An SDK's variables do not say which SDK reads them."""
    loaded = load_from_environment({ENDPOINT: "https://c:4317", **environ})
    (target,) = loaded.targets
    assert (target.exporter, target.protocol) == found


def test_an_unknown_exporter_leaves_a_sidecar_at_work() -> None:
    """It probes as a Collector would, and says what was meant."""
    loaded = load_from_environment({ENDPOINT: "https://c:4317", VARIABLE: "pyton-grpc"})
    (state,) = loaded.source_states
    assert loaded.targets[0].exporter == "collector"
    assert not state.up
    assert "nearest: python-grpc" in str(state.error)


def test_a_collectors_own_exporters_are_a_collectors(load: Load) -> None:
    """Neither `defaults` nor the variable say anything of them."""
    collector = "exporters: {otlp: {endpoint: 'c:4317'}}\n"
    collector += "receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}\n"
    Path("c.yaml").write_text(collector, encoding="utf-8")
    loaded = load("defaults: {exporter: curl}\nsources: [{collector: c.yaml}]", {VARIABLE: "curl"})
    assert [one.exporter for one in loaded.targets] == ["collector"]
