"""A histogram that costs next to nothing at each attempt; a scrape makes its samples.

prometheus_client's own takes a lock for each number and checks each exemplar: a hundredth of an
attempt. Here one event loop counts, and what a scrape shows is the same.
"""

from bisect import bisect_left
from collections.abc import Iterator
from math import inf
from typing import Final

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from probe.metrics.exposition import Family


class _Series:
    """The counts of one value of the labels."""

    __slots__ = ("counts", "exemplars", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.exemplars: list[Exemplar | None] = [None] * buckets
        self.total = 0.0


class LightHistogram(Collector):
    """Counts what is observed of one family, by its label."""

    def __init__(self, family: Family, buckets: tuple[float, ...]) -> None:
        """Begin; a family without a label has its series from the start."""
        self._family = family
        self._bounds: Final = (*buckets, inf)
        self._series: dict[str, _Series] = {}
        if not family.labels:
            self._series[""] = _Series(len(self._bounds))

    def observe(self, value: float, label: str = "", exemplar: Exemplar | None = None) -> None:
        """Count `value`; `exemplar` leads to where it comes from."""
        series = self._series.get(label)
        if series is None:
            series = self._series[label] = _Series(len(self._bounds))
        place = bisect_left(self._bounds, value)
        series.counts[place] += 1
        series.total += value
        if exemplar is not None:
            series.exemplars[place] = exemplar

    def collect(self) -> Iterator[Metric]:
        """Yield the family as it is now."""
        family = self._family
        metric = HistogramMetricFamily(family.name, family.documentation, labels=family.labels)
        for label, series in self._series.items():
            below = 0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for bound, count, exemplar in zip(
                self._bounds, series.counts, series.exemplars, strict=True
            ):
                below += count
                name = "+Inf" if bound == inf else repr(bound)
                buckets.append((name, below) if exemplar is None else (name, below, exemplar))
            metric.add_metric([label] if family.labels else [], buckets, series.total)
        yield metric

    def describe(self) -> list[Metric]:
        """Return nothing: a registry would read the samples to check that names are unique."""
        return []
