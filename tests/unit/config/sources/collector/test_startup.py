"""What keeps a Collector from starting, and what of it is whose result."""

import pytest
from hypothesis import given, settings

from probe.config.sources.collector.known_components import load_known_collector
from probe.config.sources.collector.merge import CollectorFiles
from probe.config.sources.collector.startup import judge_startup
from tests.support.collector_texts import FILE, collector_documents, reading, with_exporter

GOOD = with_exporter("otlp", "endpoint: c:4317")


@pytest.mark.parametrize(
    ("more", "key", "words"),
    [
        ("exporter: {}", "exporter", "has invalid keys: exporter"),
        ("service: {pipline: {}}", "service.pipline", "has invalid keys: pipline"),
        ("processors: {batch: {timout: 1s}}", "processors.batch.timout", "has invalid keys: timout"),
        ("processors: {batch: {timeout: 5}}\\nx: 1", "x", "has invalid keys"),
        ("processors: {batch: {send_batch_size: '5'}}", "processors.batch.send_batch_size", "expected type"),
        ("processors: {memory_limiter: {check_interval: 1s}}", "processors.memory_limiter.limit_mib", "must be greater than zero"),
        ("service: {extensions: [pprof]}", "service.extensions[0]", "references extension"),
        ("processors: {btach: }", "processors.btach", "unknown type"),
        ("exporters: {batch: }", "exporters.batch", "unknown type"),
        ("exporters: {logging: }", "exporters.logging", "use the debug exporter instead"),
        ("service: {pipelines: {logs: {receivers: [nop], exporters: [x]}}}", "service.pipelines.logs.exporters[0]", "references exporter"),
        ("service: {telemetry: {metrics: {address: ':1'}}}", "service.telemetry.metrics.address", "has invalid keys"),
        ("connectors: {forward: }\\nservice: {pipelines: {traces: {exporters: [forward]}}}", "connectors.forward", "not used in any supported receiver"),
    ],
)  # fmt: skip
def test_what_concerns_no_exporter_is_one_result_of_the_configuration(
    more: str, key: str, words: str
) -> None:
    """It is named by the configuration, has no endpoint, and quotes the Collector; the exporter goes on."""
    found = reading(GOOD, more.replace("\\n", "\n"))
    (whole,) = (target for target in found.targets if target.faults)
    assert (whole.name, str(whole.endpoint)) == (f"{FILE}, more-1.yaml", "")
    (fact,) = (fault.fact for fault in whole.faults if f": {key}: " in fault.fact)
    assert "(Collector v0.162.0: " in fact
    assert words in fact
    for target in found.targets:
        if not target.faults:
            assert target.remarks[0].cause == "exporter_configuration_invalid"


def test_a_variable_that_is_not_set_is_named_in_what_it_feeds() -> None:
    """First of all where the exporter cannot work, and as a note where it can."""
    text = GOOD.replace("endpoint: c:4317", "endpoint: ${env:HOST}")
    (target,) = reading(text).targets
    assert "the variable HOST is not set" in target.faults[0].fact
    assert "Set the variable HOST" in target.faults[0].fix[0]
    assert str(target.endpoint) == ""
    (target,) = reading(GOOD.replace("c:4317", "c:4317\n    headers: {a: '${env:KEY}'}")).targets
    assert target.faults == ()
    assert target.notes == (
        "exporters.otlp.headers.a: the variable KEY is not set and expands to nothing",
    )


def test_an_exporter_from_another_provider_is_not_probed_and_stops_nothing() -> None:
    """Only a Collector with the provider knows what it gets."""
    found = reading(GOOD, "exporters: {otlp: {tls: '${vault:x}'}, otlp/b: {endpoint: 'd:1'}}",
                    "service: {pipelines: {traces: {exporters: [otlp, otlp/b]}}}")  # fmt: skip
    assert [(target.name, target.faults) for target in found.targets] == [("otlp/b", ())]
    assert "exporters.otlp: its tls comes from the provider vault" in found.unprobed[0]


def test_a_credential_file_that_is_not_there_is_told_to_the_neighbours() -> None:
    """The Collector ends at its start because of it; the one that names it fails when it is probed."""
    more = "exporters: {otlp/b: {endpoint: 'd:1', tls: {ca_file: /gone}}}"
    found = reading(GOOD.replace("[otlp]", "[otlp, otlp/b]"), more)
    good, other = found.targets
    assert (good.faults, other.faults, other.remarks) == ((), (), ())
    assert "exporters.otlp/b: ca_file names /gone, which is not there" in good.remarks[0].fact


def test_types_that_nobody_lists_are_not_judged() -> None:
    """Somebody's own build may have them."""
    used = "service: {pipelines: {traces: {processors: [acme_enricher]}}}"
    found = reading(GOOD, "processors: {acme_enricher: {anything: 1}}", used)
    assert [target.faults for target in found.targets] == [()]
    assert "the types of processors.acme_enricher" in found.warnings[0]


def test_the_table_is_of_bounded_size_and_whole() -> None:
    """Every node that another names is there."""
    known = load_known_collector()
    assert len(known.nodes) < 2000
    for node in known.nodes:
        for number in (*([node["e"]] if "e" in node else []), *node.get("f", {}).values()):
            assert number < len(known.nodes)
    assert {"otlp", "otlp_http", "debug"} <= set(known.components["exporters"])


@settings(max_examples=150, deadline=None)
@given(collector_documents)
def test_whatever_a_file_holds_it_is_judged(held: dict[str, object]) -> None:
    """Nothing but a list of faults comes of it."""
    import json

    text = json.dumps(held, ensure_ascii=False)
    judge_startup(CollectorFiles(["a"], {}, lambda _: text))
