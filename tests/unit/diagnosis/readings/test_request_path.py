"""A path of OTLP/HTTP that the exporter's own settings show to be wrong is the exporter's to correct."""

import msgspec.structs
import pytest

from probe.attempt.target_facts import collect_target_facts
from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Answer
from probe.model.target import SIGNALS, Endpoint, Signal, Source, Target
from tests.support.evidence import answered_http_attempt
from tests.support.sdk_environment import P, only

BASE = "https://collector:4318"
NOT_FOUND = Answer(over="http/1.1", http_status=404, content_type="text/plain")


def judged(target: Target, answer: Answer = NOT_FOUND) -> Diagnosis:
    """Return what a backend's answer means to the exporter of `target`."""
    evidence = answered_http_attempt(answer)
    return diagnose(msgspec.structs.replace(evidence, target=collect_target_facts(target, 60.0)))


@pytest.mark.parametrize("end", ["", "/", "?token=hunter2-hunter2"])
@pytest.mark.parametrize("before", ["", "/otlp", "/v1"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signals_path_in_the_general_endpoint(signal: Signal, before: str, end: str) -> None:
    """Exporters append it again: theirs to correct, by taking it away, before any pipeline."""
    found = judged(only(ENDPOINT=f"{BASE}{before}/v1/{signal}{end}"))
    assert (found.cause, found.party, found.certain) == ("otlp_not_served", "exporter", True)
    assert found.fix[0].startswith(f"Remove /v1/{signal} from the path of {P}ENDPOINT:")
    assert f"ends in /v1/{signal}/v1/traces" in " ".join(found.facts)
    assert found.fix[1].startswith("Restart the application")
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("status", [301, 404, 405, 415])
def test_every_answer_of_a_path_that_is_not_served(status: int) -> None:
    """A server may answer an unknown path in other ways than by 404."""
    answer = msgspec.structs.replace(NOT_FOUND, http_status=status)
    found = judged(only(ENDPOINT=f"{BASE}/v1/traces"), answer)
    assert (found.cause, found.party) == ("otlp_not_served", "exporter")
    assert found.fix[0].startswith("Remove /v1/traces")


def test_a_signals_own_endpoint_without_a_path() -> None:
    """The reverse: it is used as it is, and the request goes to /."""
    found = judged(only(METRICS_ENDPOINT=BASE))
    assert (found.cause, found.party) == ("otlp_not_served", "exporter")
    assert found.fix[0] == (
        f"Append /v1/metrics to {P}METRICS_ENDPOINT, collector:4318 now: exporters use it as it is."
    )


def test_a_signals_own_endpoint_with_the_path_of_another() -> None:
    """Traces sent to the path of metrics."""
    found = judged(only(TRACES_ENDPOINT=f"{BASE}/v1/metrics"))
    assert found.party == "exporter"
    assert found.fix[0] == (
        f"Correct the path of {P}TRACES_ENDPOINT for collector:4318: OTLP/HTTP wants /v1/traces, not "
        "/v1/metrics."
    )


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("/v1/traces/v1/traces", "Remove /v1/traces from the path of endpoint of the exporter's"),
        ("/", "Append /v1/traces to traces_endpoint of the exporter's settings"),
    ],
)
def test_a_collectors_exporter_makes_the_same_mistakes(path: str, step: str) -> None:
    """Its `endpoint` is appended to, its `traces_endpoint` is not."""
    target = Target(
        name="a",
        endpoint=Endpoint("collector", 4318, path, "https"),
        protocol="http/protobuf",
        sources=(Source("collector", "/etc/otelcol/config.yaml"),),
    )
    found = judged(target)
    assert found.party == "exporter"
    assert found.fix[0].startswith(step)


@pytest.mark.parametrize(
    "variables",
    [
        {"ENDPOINT": BASE},
        {"ENDPOINT": f"{BASE}/otlp"},
        {"ENDPOINT": f"{BASE}/v1"},
        {"ENDPOINT": f"{BASE}/v1/profiles"},
        {"TRACES_ENDPOINT": f"{BASE}/v1/traces"},
        {"TRACES_ENDPOINT": f"{BASE}/ingest"},
    ],
)
def test_a_path_without_a_mistake_leaves_it_to_the_backend(variables: dict[str, str]) -> None:
    """Nothing in these settings is wrong by itself: the receiver may be missing."""
    found = judged(only(**variables))
    assert (found.cause, found.party) == ("otlp_not_served", "backend")
    assert "service.pipelines" in found.fix[0]


def test_a_path_says_nothing_of_grpc() -> None:
    """GRPC exporters send no path of the endpoint's."""
    facts = collect_target_facts(only(ENDPOINT="https://collector:4317/v1/traces/v1/traces"), 60.0)
    assert (facts.signal_paths, facts.request_to_root) == ((), False)


def test_a_path_of_any_length_is_read_once() -> None:
    """What is kept of it is bounded."""
    target = only(ENDPOINT=BASE + "/v1/traces" * 5000 + "/" * 50_000)
    assert collect_target_facts(target, 60.0).signal_paths == ("traces",) * 3


def test_a_signals_own_endpoint_with_a_slash_behind_its_path() -> None:
    """It is used as it is, and a Collector has no such path."""
    found = judged(only(METRICS_ENDPOINT=f"{BASE}/v1/metrics/"))
    assert (found.cause, found.party) == ("otlp_not_served", "exporter")
    assert found.fix[0] == (
        f"Remove the last / from {P}METRICS_ENDPOINT for collector:4318: OTLP/HTTP wants /v1/metrics."
    )
    assert judged(only(METRICS_ENDPOINT=f"{BASE}/v1/metrics")).party == "backend"
