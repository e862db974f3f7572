"""Metrics of the probe's own trouble: how long it could not act, and how near its bounds it is."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class LookUps(NamedTuple):
    """The look-ups of names at a moment."""

    under_way: int
    limit: int
    refused: int
    """Names that were not looked up, since the start, because the limit was reached."""


class OwnTrouble(Collector):
    """Reads its numbers when it is asked for them."""

    def __init__(
        self, held_up: Callable[[], float], look_ups: Mapping[str, Callable[[], LookUps]]
    ) -> None:
        """Take what is read.

        Args:
            held_up: seconds since the start in which the process could not act.
            look_ups: by whom they are made for: the schedule, `/probe`, the clock sources.
        """
        self._held_up = held_up
        self._look_ups = look_ups

    def collect(self) -> Iterable[Metric]:
        """Yield each family."""
        yield CounterMetricFamily(
            "mtls_probe_held_up_seconds",
            "Seconds, while attempts were under way, in which this process could not act.",
            self._held_up(),
        )
        under_way = GaugeMetricFamily(
            "mtls_probe_lookups", "Names that are being looked up.", labels=["for"]
        )
        limit = GaugeMetricFamily(
            "mtls_probe_lookups_limit", "How many may be looked up at a time.", labels=["for"]
        )
        refused = CounterMetricFamily(
            "mtls_probe_lookups_refused",
            "Names that were not looked up, because every place was taken.",
            labels=["for"],
        )
        for name, read in self._look_ups.items():
            now = read()
            under_way.add_metric([name], now.under_way)
            limit.add_metric([name], now.limit)
            refused.add_metric([name], now.refused)
        yield from (under_way, limit, refused)
