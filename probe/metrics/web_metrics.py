"""The metrics of the web side's own connections: whether a bound has been reached."""

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class Counts(Protocol):
    """What is counted of connections (`serving.connections.Connections`)."""

    limit: int
    ended_for_room: int
    ended_overdue: int
    malformed: int

    def __len__(self) -> int:
        """Return how many are open."""


class WebMetrics(Collector):
    """Shows the counts as they are at a scrape."""

    def __init__(self, counts: Counts) -> None:
        """Show `counts`."""
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Yield each family."""
        counts = self._counts
        yield GaugeMetricFamily(
            "mtls_probe_web_connections", "Open connections to the web side.", len(counts)
        )
        yield GaugeMetricFamily(
            "mtls_probe_web_connections_limit",
            "The most connections to the web side that may be open.",
            counts.limit,
        )
        ended = CounterMetricFamily(
            "mtls_probe_web_connections_ended",
            "Connections that the web side ended: to make room for another one (full), or because "
            "their peer was slow (overdue).",
            labels=["reason"],
        )
        ended.add_metric(["full"], counts.ended_for_room)
        ended.add_metric(["overdue"], counts.ended_overdue)
        yield ended
        yield CounterMetricFamily(
            "mtls_probe_web_malformed_requests",
            "Requests to the web side that were not HTTP as the server reads it.",
            counts.malformed,
        )
