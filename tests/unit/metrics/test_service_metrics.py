"""Metrics of all targets together: counts, and durations with their exemplars."""

from dataclasses import replace

import msgspec.structs
from prometheus_client.exposition import generate_latest

from probe.diagnosis.catalogue import CATALOGUE
from probe.metrics.scrape import Metrics
from probe.metrics.service_metrics import ServiceMetrics, collect_log
from probe.model.evidence import Ending
from probe.model.target import SourceState
from tests.support.metric_samples import (
    AT,
    EU,
    OPENMETRICS,
    REFUSED,
    families,
    ledger_and_metrics,
    of,
    samples,
    seen,
)


def test_fleet_counts_start_at_zero_but_for_causes_and_stages() -> None:
    """A rate needs a first 0; a series for every cause and stage in every probe would be too many."""
    _, metrics = ledger_and_metrics()

    assert of(metrics, "failures_by_cause_total") == []
    assert of(metrics, "cause_info") == []
    assert of(metrics, "duration_seconds_count") == []
    assert of(metrics, "schedule_missed_total") == [({}, 0)]
    assert of(metrics, "credentials_reloads_total") == [({}, 0)]
    assert of(metrics, "in_flight") == [({}, 0)]
    assert of(metrics, "targets") == [({}, 1)]


def test_what_the_catalogue_says_of_a_cause_comes_with_it() -> None:
    """In the scrape that first names the cause, so that a rule's join finds it."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), REFUSED)

    [(labels, value)] = of(metrics, "cause_info")
    cause = CATALOGUE["client_ca_untrusted"]
    assert value == 1
    assert labels == {
        "cause": cause.id,
        "family": cause.family,
        "documented_cause": str(cause.documented_cause),
        "party": cause.party,
        "severity": cause.severity,
    }


def test_lines_that_the_log_has_lost_are_counted() -> None:
    """In both formats; what counts them is asked at each scrape."""
    _, metrics = ledger_and_metrics()
    lost = 0
    metrics.service.register(lambda: collect_log(lambda: lost))
    assert of(metrics, "log_lines_dropped_total") == [({}, 0)]
    lost = 3
    assert of(metrics, "log_lines_dropped_total") == [({}, 3)]
    text, _ = metrics.exposition(OPENMETRICS)
    assert b"# TYPE mtls_probe_log_lines_dropped counter\n" in text
    assert b"mtls_probe_log_lines_dropped_total 3.0\n" in text


def test_fleet_counts_follow_what_happens() -> None:
    """Failures, durations, the schedule and reloads each move their metric."""
    ledger, metrics = ledger_and_metrics()
    ledger.in_flight += 1
    ledger.missed += 1
    ledger.record(EU, seen(), REFUSED)
    metrics.service.observe_lateness(0.02)
    metrics.service.count_credentials_reload()
    metrics.service.record_reload(successful=True, at=AT)
    metrics.service.record_reload(successful=False, at=AT + 60)
    shown = samples(metrics)

    assert shown["mtls_probe_failures_by_cause_total", (("cause", "client_ca_untrusted"),)] == 1
    assert shown["mtls_probe_duration_seconds_count", (("stage", "handshake"),)] == 1
    assert shown["mtls_probe_duration_seconds_sum", (("stage", "handshake"),)] == 0.004
    below = "mtls_probe_duration_seconds_bucket"
    assert shown[below, (("le", "0.1"), ("stage", "handshake"))] == 1
    assert ("mtls_probe_duration_seconds_count", (("stage", "resolve"),)) not in shown
    assert shown["mtls_probe_schedule_lateness_seconds_sum", ()] == 0.02
    assert shown["mtls_probe_schedule_missed_total", ()] == 1
    assert shown["mtls_probe_in_flight", ()] == 1
    assert shown["mtls_probe_credentials_reloads_total", ()] == 1
    assert shown["mtls_probe_config_last_reload_successful", ()] == 0
    assert shown["mtls_probe_config_last_reload_success_timestamp_seconds", ()] == AT


def test_what_exceeds_a_budget_is_counted() -> None:
    """An attempt that a peer's flood ended moves the counter, any other does not."""
    ledger, metrics = ledger_and_metrics()
    assert of(metrics, "budget_exceeded_total") == [({}, 0)]
    ledger.record(EU, seen(), REFUSED)
    assert of(metrics, "budget_exceeded_total") == [({}, 0)]
    flooded = Ending(stage="export", kind="budget", detail="512 frames of one answer")
    ledger.record(EU, msgspec.structs.replace(seen(), ending=flooded), REFUSED)
    assert of(metrics, "budget_exceeded_total") == [({}, 1)]


def test_each_source_is_up_or_down_with_its_targets() -> None:
    """As they were read last; a name with an escape in it cannot break a line."""
    _, metrics = ledger_and_metrics()
    assert shown_of(metrics, "mtls_probe_source_up") == {}
    down = SourceState('file_sd:/t/"\n\x1b*.yaml', up=False, targets=2, error="x")
    metrics.service.set_sources(
        [SourceState("environment", up=True, targets=1), down], nothing_to_probe=False
    )
    name = r'file_sd:/t/"\x0a\x1b*.yaml'
    assert shown_of(metrics, "mtls_probe_source_up") == {"environment": 1, name: 0}
    assert shown_of(metrics, "mtls_probe_source_targets") == {"environment": 1, name: 2}
    assert samples(metrics)["mtls_probe_nothing_to_probe", ()] == 0
    metrics.service.set_sources([], nothing_to_probe=True)
    assert shown_of(metrics, "mtls_probe_source_up") == {}
    assert samples(metrics)["mtls_probe_nothing_to_probe", ()] == 1


def shown_of(metrics: Metrics, name: str) -> dict[str, float]:
    """Return the values of the metric `name` by source."""
    return {
        dict(labels)["source"]: value
        for (found, labels), value in samples(metrics).items()
        if found == name
    }


def test_the_deciding_stage_carries_the_target_as_exemplar() -> None:
    """A slow bucket leads to a target; names beyond OpenMetrics' limit carry none."""
    long = replace(EU, name="x" * 101)
    ledger, metrics = ledger_and_metrics(EU, long)
    ledger.record(EU, seen(durations={"connect": 0.02, "accept": 0.2}), REFUSED)
    ledger.record(long, seen(durations={"accept": 2.0}), REFUSED)
    found = [
        (sample.labels, sample.exemplar.labels, sample.exemplar.value)
        for family in families(metrics, OPENMETRICS)
        for sample in family.samples
        if sample.exemplar
    ]

    assert found == [({"stage": "accept", "le": "1.0"}, {"target": "eu"}, 0.2)]


def test_the_text_is_that_of_prometheus_client() -> None:
    """Every kind of family there is, with labels that are escaped, to the byte."""
    ledger, _ = ledger_and_metrics()
    metrics = ServiceMetrics(ledger, CATALOGUE, {"service.name": 'a "quoted" \\ name', "host": "é"})
    metrics.record_reload(successful=True, at=1_700_000_000.25)
    metrics.observe_lateness(0.5)
    metrics.set_sources([SourceState("a\nb", up=True, targets=3)], nothing_to_probe=False)

    written = metrics.exposition(openmetrics=False).splitlines()

    expected = generate_latest(metrics._registry).splitlines()
    own = (b"process_cpu", b"process_resident", b"process_open")  # may have changed in between
    assert [line for line in written if not line.startswith(own)] == [
        line for line in expected if not line.startswith(own)
    ]
