"""The fleet-wide metrics (interfaces.md, section 5), in a prometheus_client registry of their own.

Nothing is registered globally, and every label value is there from the start, at 0.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from probe import __version__
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.duration_histogram import Durations
from probe.metrics.exposition import OPENMETRICS, TEXT
from probe.metrics.resource_info import resource_labels
from probe.metrics.source_metrics import SourceMetrics
from probe.text.safe_text import safe_text

LATENESS_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
NAME_LIMIT: Final = 100
NAME_LIMIT_WITH_TRACE: Final = 59
"""OpenMetrics 1.0 allows an exemplar 128 characters of label names and values together."""


class Fleet:
    """Everything that is counted over all targets."""

    def __init__(
        self, ledger: Ledger, catalogue: Mapping[str, Cause], resource: Mapping[str, str]
    ) -> None:
        """Read the counts of `ledger`; name the causes of `catalogue` and the probe's `resource`."""
        registry = _Registry()
        registry.register(_LedgerCollector(ledger, catalogue))
        self._durations = Durations()
        registry.register(self._durations)
        self._lateness = Histogram(
            "mtls_probe_schedule_lateness_seconds",
            "How long after its time an attempt began.",
            registry=registry,
            buckets=LATENESS_BUCKETS,
        )
        self.sources: Final = SourceMetrics()
        registry.register(self.sources)
        self._in_force = self._web_in_force = True
        self._reload_successful = Gauge(
            "mtls_probe_config_last_reload_successful",
            "Whether the configuration was read without an error the last time.",
            registry=registry,
        )
        self._reload_success_timestamp = Gauge(
            "mtls_probe_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
            registry=registry,
        )
        self._clock_tolerance = Gauge(
            "mtls_probe_clock_tolerance_seconds",
            "By how much two clocks may differ.",
            registry=registry,
        )
        self._credentials_reloads = Counter(
            "mtls_probe_credentials_reloads_total",
            "How often changed credential files were read again.",
            registry=registry,
        )
        self._exceeded = Counter(
            "mtls_probe_budget_exceeded_total",
            "Attempts that ended because a peer sent more bytes or steps than one may take.",
            registry=registry,
        )
        Info("mtls_probe_build", "The version of the probe.", registry=registry).info(
            {"version": __version__, "python_version": platform.python_version()}
        )
        if resource:
            Info("target", "The probe's OpenTelemetry resource.", registry=registry).info(
                resource_labels(resource)
            )
        ProcessCollector(registry=registry)
        self._registry = registry

    def attempt(self, state: TargetRuntime) -> None:
        """Observe the durations of the attempt just recorded.

        The stage that decided it carries the target, and with telemetry the trace, as exemplar; one
        at each stage would double the cost of an attempt here.
        """
        evidence = state.evidence
        if evidence is None:
            return
        self._durations.observe(evidence.durations)
        if evidence.ending.kind == "budget":
            self._exceeded.inc()
        decided, trace = evidence.ending.stage, state.trace
        if decided not in evidence.durations or (evidence.trace is not None and trace is None):
            return  # nobody could follow it, while the one before leads to its trace
        labels = {} if trace is None else {"trace_id": trace.trace_id, "span_id": trace.span_id}
        name = safe_text(state.target.name)
        if len(name) <= (NAME_LIMIT if trace is None else NAME_LIMIT_WITH_TRACE):
            labels["target"] = name
        if labels:
            self._durations.point_at(decided, labels, evidence.durations[decided], evidence.at)

    def lateness(self, seconds: float) -> None:
        """Observe how late an attempt began."""
        self._lateness.observe(max(seconds, 0.0))

    def config_reloaded(self, *, successful: bool, at: float) -> None:
        """Note that the configuration was read at `at` (epoch seconds), the first time included."""
        self._in_force = successful
        self._reload_successful.set(self._in_force and self._web_in_force)
        if successful:
            self._reload_success_timestamp.set(at)

    def web_config_read(self, *, successful: bool) -> None:
        """Note how the web configuration, a file of its own, was read."""
        self._web_in_force = successful
        self._reload_successful.set(self._in_force and self._web_in_force)

    def clock_tolerance(self, seconds: float) -> None:
        """Note by how much two clocks may differ."""
        self._clock_tolerance.set(seconds)

    def credentials_reloaded(self) -> None:
        """Count one re-reading of changed credential files."""
        self._credentials_reloads.inc()

    def show(self, collector: Collector) -> None:
        """Show the families of `collector` too."""
        self._registry.register(collector)

    def counting_spans(self) -> Callable[[str, int], None]:
        """Show what becomes of the probe's own spans from now on; return what counts them."""
        spans = Counter(
            "mtls_probe_telemetry_spans_total",
            "Spans of the probe's own, by what became of them.",
            ["result"],
            registry=self._registry,
        )
        by_result = {result: spans.labels(result) for result in ("exported", "failed", "dropped")}
        return lambda result, number: by_result[result].inc(number)

    def count_dropped_lines(self, lines_dropped: Callable[[], int]) -> None:
        """Show how many lines of the log were dropped, as `lines_dropped` counts them."""
        self._registry.register(_DroppedLines(lines_dropped))

    def exposition(self, *, openmetrics: bool) -> bytes:
        """Return all of it; OpenMetrics ends with `# EOF`, so it goes last."""
        encode, _ = choose_encoder(OPENMETRICS if openmetrics else TEXT)
        return encode(self._registry)


class _Registry(CollectorRegistry):
    """A registry without `_created` samples.

    prometheus_client can switch them off for the whole process only; nobody here reads them.
    """

    def collect(self) -> Iterator[Metric]:
        for metric in super().collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


class CauseInfo(Collector):
    """What alerts join on: family, party and severity of each cause of the catalogue."""

    def __init__(self, catalogue: Mapping[str, Cause]) -> None:
        """Show every cause of `catalogue`."""
        self._catalogue = catalogue

    def collect(self) -> Iterable[Metric]:
        """Yield the one family."""
        # A gauge in OpenMetrics too: an info family's name there is `mtls_probe_cause`, which
        # the gauge of that name has taken.
        info = GaugeMetricFamily(
            "mtls_probe_cause_info",
            "Each cause of the catalogue: its family, who must act, how severe it is.",
            labels=["cause", "family", "documented_cause", "party", "severity"],
        )
        for cause in self._catalogue.values():
            info.add_metric(
                [cause.id, cause.family, str(cause.documented_cause), cause.party, cause.severity],
                1,
            )
        yield info


class _DroppedLines(Collector):
    def __init__(self, lines_dropped: Callable[[], int]) -> None:
        self._lines_dropped = lines_dropped

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "mtls_probe_log_lines_dropped",
            "Lines of the log that were lost, because nobody read them or they could not be written.",
            self._lines_dropped(),
        )


class _LedgerCollector(Collector):
    def __init__(self, ledger: Ledger, catalogue: Mapping[str, Cause]) -> None:
        self._ledger = ledger
        self._catalogue = catalogue

    def collect(self) -> Iterable[Metric]:
        ledger, catalogue = self._ledger, self._catalogue
        failures = CounterMetricFamily(
            "mtls_probe_failures_by_cause",
            "Failures that were not expected, by cause.",
            labels=["cause"],
        )
        for id_ in dict.fromkeys((*catalogue, *ledger.failures_by_cause)):
            failures.add_metric([id_], ledger.failures_by_cause[id_])
        yield failures
        yield from CauseInfo(catalogue).collect()
        yield CounterMetricFamily(
            "mtls_probe_schedule_missed", "Attempts that the schedule left out.", ledger.missed
        )
        yield GaugeMetricFamily("mtls_probe_targets", "Targets that are probed.", len(ledger))
        yield GaugeMetricFamily("mtls_probe_in_flight", "Attempts under way.", ledger.in_flight)
