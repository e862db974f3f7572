"""The metrics of the service itself, in a prometheus_client registry of their own.

Nothing is registered globally. A counter is there from the start, at 0, but for those by cause:
each probe would have a series for every cause of the catalogue.
"""

import platform
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import generate_latest as encode_openmetrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from probe import __version__
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics import families
from probe.metrics.exposition import Family, format_labels
from probe.metrics.light_histogram import LightHistogram
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SourceState, Target
from probe.text.safe_text import safe_text

DURATION_BUCKETS: Final = (0.1, 1.0)
"""Quick, or slow: each further bound is a series for every stage of every probe."""
LATENESS_BUCKETS: Final = (1.0,)
OBSERVED_STAGES: Final = ("connect", "handshake", "accept", "export")
"""The stages that wait for the backend; `mtls_probe_last_duration_seconds` has all stages."""
PROCESS: Final = frozenset(
    {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    }
)
NAME_LIMIT: Final = 100
NAME_LIMIT_WITH_TRACE: Final = 59
"""OpenMetrics 1.0 allows an exemplar 128 characters of label names and values together."""

_NOT_IN_LABELS: Final = re.compile(r"[^a-zA-Z0-9_]+|__+")

Samples = Iterable[tuple[Family, Iterable[tuple[tuple[str, ...], float]]]]
"""Families, each with the values of its labels and the value of each sample."""


class ConnectionCounts(Protocol):
    """What is counted of the connections to the web side."""

    limit: int
    ended_for_room: int
    ended_overdue: int
    malformed: int

    def __len__(self) -> int:
        """Return how many are open."""


class ServiceMetrics:
    """Everything that is counted over all targets."""

    def __init__(
        self, ledger: Ledger, catalogue: Mapping[str, Cause], resource: Mapping[str, str]
    ) -> None:
        """Read the counts of `ledger`; name the causes of `catalogue` and the probe's `resource`."""
        self._registry = registry = _Registry()
        self._counts: Counter[Family] = Counter()
        self._gauges = dict.fromkeys(
            (families.RELOAD_SUCCESSFUL, families.RELOAD_TIMESTAMP, families.CLOCK_TOLERANCE), 0.0
        )
        self._config_in_force = self._web_config_in_force = True
        self._sources: tuple[SourceState, ...] = ()
        self._nothing_to_probe = False
        self._seen: set[str] = set()
        self.register(lambda: collect_ledger(ledger, catalogue, self._seen))
        self._durations = LightHistogram(families.DURATION, DURATION_BUCKETS)
        self._lateness = LightHistogram(families.SCHEDULE_LATENESS, LATENESS_BUCKETS)
        registry.register(self._durations)
        registry.register(self._lateness)
        self.register(lambda: collect_sources(self._sources, self._nothing_to_probe))
        self.register(self._own_samples)
        build = {"version": __version__, "python_version": platform.python_version()}
        registry.register(_Info(families.BUILD_INFO, build))
        if resource:
            registry.register(_Info(families.RESOURCE, make_resource_labels(resource)))
        ProcessCollector(registry=registry)

    def observe_attempt(self, state: TargetRuntime) -> None:
        """Observe the durations and the causes of the attempt just recorded.

        The stage that decided it carries the target, and with telemetry the trace, as exemplar.
        """
        evidence, diagnosis = state.evidence, state.diagnosis
        if evidence is None or diagnosis is None:
            return
        self._seen.update(list_causes(state.target, evidence, diagnosis))
        decided = evidence.ending.stage
        for stage, seconds in evidence.durations.items():
            if stage in OBSERVED_STAGES:
                exemplar = _make_exemplar(state, seconds) if stage == decided else None
                self._durations.observe(seconds, stage, exemplar)
        if evidence.ending.kind == "budget":
            self._counts[families.BUDGET_EXCEEDED] += 1

    def observe_lateness(self, seconds: float) -> None:
        """Observe how late an attempt began."""
        self._lateness.observe(max(seconds, 0.0))

    def record_reload(self, *, successful: bool, at: float) -> None:
        """Record a reading of the configuration at `at` (epoch seconds), the first one included."""
        self._config_in_force = successful
        if successful:
            self._gauges[families.RELOAD_TIMESTAMP] = at
        self._update_reload()

    def record_web_reload(self, *, successful: bool) -> None:
        """Record a reading of the web configuration, a file of its own."""
        self._web_config_in_force = successful
        self._update_reload()

    def set_sources(self, states: Iterable[SourceState], *, nothing_to_probe: bool) -> None:
        """Show `states` from now on, and whether there is nothing to probe at all."""
        self._sources, self._nothing_to_probe = tuple(states), nothing_to_probe

    def set_clock_tolerance(self, seconds: float) -> None:
        """Show by how much two clocks may differ."""
        self._gauges[families.CLOCK_TOLERANCE] = seconds

    def count_credentials_reload(self) -> None:
        """Count one reading of changed credential files."""
        self._counts[families.CREDENTIALS_RELOADS] += 1

    def register(self, read: Callable[[], Samples]) -> None:
        """Show the samples that `read` returns at each scrape."""
        self._registry.register(_Reader(read))

    def span_counter(self) -> Callable[[str, int], None]:
        """Show what becomes of the probe's own spans from now on; return what counts them."""
        counts = dict.fromkeys(("exported", "failed", "dropped"), 0)
        self.register(lambda: [(families.TELEMETRY_SPANS, _by_label(counts))])

        def count(result: str, number: int) -> None:
            counts[result] += number

        return count

    def exposition(self, *, openmetrics: bool) -> bytes:
        """Return all of it; OpenMetrics ends with `# EOF`, so it goes last."""
        return encode_openmetrics(self._registry) if openmetrics else _encode_text(self._registry)

    def _update_reload(self) -> None:
        successful = self._config_in_force and self._web_config_in_force
        self._gauges[families.RELOAD_SUCCESSFUL] = float(successful)

    def _own_samples(self) -> Samples:
        for family in (families.BUDGET_EXCEEDED, families.CREDENTIALS_RELOADS):
            yield family, _single(self._counts[family])
        for family, value in self._gauges.items():
            yield family, _single(value)


def collect_ledger(
    ledger: Ledger, catalogue: Mapping[str, Cause], seen: Collection[str]
) -> Samples:
    """Return the counts of `ledger`, and what `catalogue` says of the causes `seen`."""
    yield families.FAILURES_BY_CAUSE, _by_label(dict(sorted(ledger.failures_by_cause.items())))
    yield from collect_causes(catalogue, seen)
    yield families.SCHEDULE_MISSED, _single(ledger.missed)
    yield families.TARGETS, _single(len(ledger))
    yield families.IN_FLIGHT, _single(ledger.in_flight)


def list_causes(target: Target, evidence: Evidence, diagnosis: Diagnosis) -> Iterator[str]:
    """Yield every cause that the series of `target` name after this attempt, whatever its part."""
    if diagnosis.cause is not None:
        yield diagnosis.cause
    if target.expect_cause:
        yield target.expect_cause
    yield from (finding.cause for finding in diagnosis.findings)
    files = evidence.credentials
    yield from (fault.cause for fault in (*files.faults, *files.unusable))


def collect_causes(catalogue: Mapping[str, Cause], seen: Collection[str]) -> Samples:
    """Return what alerting rules join on: family, party and severity of each cause `seen`."""
    yield (
        families.CAUSE_INFO,
        [
            ((one.id, one.family, str(one.documented_cause), one.party, one.severity), 1.0)
            for one in catalogue.values()
            if one.id in seen
        ],
    )


def collect_sources(states: Iterable[SourceState], nothing_to_probe: bool) -> Samples:
    """Return which sources could be read, how many targets each gives, whether there are any."""
    named = [(safe_text(state.source), state) for state in states]
    yield families.SOURCE_UP, _by_label({name: state.up for name, state in named})
    yield families.SOURCE_TARGETS, _by_label({name: state.targets for name, state in named})
    yield families.NOTHING_TO_PROBE, _single(nothing_to_probe)


def collect_connections(counts: ConnectionCounts) -> Samples:
    """Return the counts of connections to the web side: whether a bound has been reached."""
    yield families.WEB_CONNECTIONS, _single(len(counts))
    yield families.WEB_CONNECTIONS_LIMIT, _single(counts.limit)
    ended = {"full": counts.ended_for_room, "overdue": counts.ended_overdue}
    yield families.WEB_CONNECTIONS_ENDED, _by_label(ended)
    yield families.WEB_MALFORMED_REQUESTS, _single(counts.malformed)


def collect_own_trouble(
    held_up: Callable[[], float], refused: Callable[[], Mapping[str, int]]
) -> Samples:
    """Return how long the probe could not act, and how many look-ups it had no place for.

    Args:
        held_up: seconds since the start in which the process could not act.
        refused: look-ups since the start, by what they were for: the schedule, `/probe`, the clock
            sources.
    """
    yield families.HELD_UP, _single(held_up())
    yield families.LOOKUPS_REFUSED, _by_label(refused())


def collect_log(lines_dropped: Callable[[], int]) -> Samples:
    """Return how many lines of the log were dropped, as `lines_dropped` counts them."""
    yield families.LOG_LINES_DROPPED, _single(lines_dropped())


def encode_samples(samples: Samples) -> bytes:
    """Return `samples` in the text format 0.0.4."""
    registry = _Registry()
    registry.register(_Reader(lambda: samples))
    return _encode_text(registry)


def _encode_text(registry: CollectorRegistry) -> bytes:
    """Return the samples of `registry` in the text format 0.0.4.

    The encoder of prometheus_client stands in a module that imports three web servers, which would
    take 2 MB; this one writes the same for the kinds of families that there are here.
    """
    lines = list[str]()
    for metric in registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        kind = "gauge" if metric.type == "info" else metric.type
        lines.append(f"# HELP {metric.name}{suffix} {metric.documentation}\n")
        lines.append(f"# TYPE {metric.name}{suffix} {kind}\n")
        for sample in metric.samples:
            labels = format_labels(sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            lines.append(f"{name} {floatToGoString(sample.value)}\n")
    return "".join(lines).encode()


def make_resource_labels(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of `target_info`, under the names that OTel's exporters give them.

    Values of attributes whose names become one label are joined with ";". The values have passed
    `safe_text` where they were read.
    Source: the specification, "Prometheus and OpenMetrics Compatibility", and Prometheus's
    otlptranslator.
    """
    labels: dict[str, str] = {}
    for name in sorted(attributes):
        label = _NOT_IN_LABELS.sub("_", name)
        if label[:1].isdigit():
            label = f"key_{label}"
        elif label.startswith("_"):
            label = f"key{label}"
        label = label or "key_"
        value = attributes[name]
        labels[label] = f"{labels[label]};{value}" if label in labels else value
    return labels


class _Registry(CollectorRegistry):
    """A registry without `_created` samples, and with those of `PROCESS` only of the process.

    prometheus_client can switch the former off for the whole process only; nobody reads them here.
    """

    def collect(self) -> Iterator[Metric]:
        for metric in super().collect():
            metric.samples = [
                sample
                for sample in metric.samples
                if not sample.name.endswith("_created")
                and (sample.name in PROCESS or not sample.name.startswith("process_"))
            ]
            if metric.samples or not metric.name.startswith("process_"):
                yield metric


class _Reader(Collector):
    def __init__(self, read: Callable[[], Samples]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for family, samples in self._read():
            make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            name = family.name.removesuffix("_total")
            metric = make(name, family.documentation, labels=family.labels)
            for labels, value in samples:
                metric.add_metric(labels, value)
            yield metric

    def describe(self) -> list[Metric]:
        """Return nothing: a registry would read the samples to check that names are unique."""
        return []


class _Info(Collector):
    """Labels that never change; prometheus_client's class keeps them in a file's format as well."""

    def __init__(self, family: Family, labels: Mapping[str, str]) -> None:
        self._family = family
        self._labels = dict(labels)

    def collect(self) -> Iterator[Metric]:
        name = self._family.name.removesuffix("_info")
        yield InfoMetricFamily(name, self._family.documentation, self._labels)


def _single(value: float) -> list[tuple[tuple[str, ...], float]]:
    return [((), value)]


def _by_label(values: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), value) for name, value in values.items()]


def _make_exemplar(state: TargetRuntime, seconds: float) -> Exemplar | None:
    """Return what leads from a bucket to the attempt of `state`; None where nothing does."""
    evidence, trace = state.evidence, state.trace
    if evidence is None or (evidence.trace is not None and trace is None):
        return None  # its trace was not recorded; an earlier exemplar leads to one that was
    labels = {} if trace is None else {"trace_id": trace.trace_id, "span_id": trace.span_id}
    name = safe_text(state.target.name)
    if len(name) <= (NAME_LIMIT if trace is None else NAME_LIMIT_WITH_TRACE):
        labels["target"] = name
    ended = evidence.at + sum(evidence.durations.values())
    return Exemplar(labels, seconds, ended) if labels else None
