"""Whether a container runs a Collector is known by its image, its program or its configuration."""

import pytest

from probe.config.sources.manifest.container_arguments import names_collector, read_arguments

CONFIG = "--config=/conf/a.yaml"


@pytest.mark.parametrize(
    ("image", "command", "args", "is_one", "defaults"),
    [
        ("otel/opentelemetry-collector-contrib:0.150.0", [], [CONFIG], True, ()),
        ("otel/opentelemetry-collector", [], [], True, ("/etc/otelcol/config.yaml",)),
        ("ghcr.io/x/opentelemetry-collector-contrib@sha256:a", [], [], True, ("/etc/otelcol-contrib/config.yaml",)),
        ("reg:5000/opentelemetry-collector-k8s:1", [], [], True, ("/etc/otelcol-k8s/config.yaml",)),
        ("company/thing", ["/otelcol-contrib", CONFIG], [], True, ()),
        ("company/thing", ["/bin/otelcol"], [CONFIG], True, ()),
        ("amazon/aws-otel-collector", ["/awscollector", CONFIG], [], True, ()),
        ("company/thing", ["sh", "-c", "sleep 1; exec otelcol --config /conf/a.yaml && true"], [], True, ()),
        ("otel/opentelemetry-collector", ["sleep", "1d"], [], False, ()),
        ("nginx", [], [], False, ()),
        ("grafana/alloy", [], ["run", "/etc/alloy/config.alloy"], False, ()),
    ],
)  # fmt: skip
def test_collectors_are_recognised(
    image: str, command: list[str], args: list[str], is_one: bool, defaults: tuple[str, ...]
) -> None:
    """And what their image reads where nothing is said."""
    found = read_arguments(image, command, args)
    assert (found.is_collector, found.defaults) == (is_one, defaults)


@pytest.mark.parametrize("args", [[CONFIG], ["run", CONFIG], ["--config", "/conf/a.yaml"]])
def test_an_unknown_image_with_a_configuration_may_be_one(args: list[str]) -> None:
    """What it holds shows whether it is."""
    found = read_arguments("company/gateway", [], args)
    assert (found.is_collector, names_collector(found)) == (False, True)
    assert not names_collector(read_arguments("company/gateway", [], ["--config.file=/a"]))


def test_a_shell_that_quotes_without_end_is_left_alone() -> None:
    """Nothing is guessed of it."""
    found = read_arguments("a", ["sh", "-c", "otelcol --config 'x"], [])
    assert not found.is_collector
