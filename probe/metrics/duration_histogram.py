"""The histogram of stage durations: counted in plain lists, shown as prometheus_client shows one.

An attempt observes six stages; prometheus_client's Histogram takes a lock and walks its buckets
for each, which costs more than the diagnosis (measured).
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import Exemplar
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from probe.model.evidence import STAGES

BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip  # one row reads as one scale
_BOUNDS: Final = (*map(floatToGoString, BUCKETS), "+Inf")


class _Stage:
    """The counts of one stage, each bucket for itself."""

    __slots__ = ("counts", "exemplars", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.exemplars: list[tuple[dict[str, str], float, float] | None] = [None] * len(_BOUNDS)
        self.sum = 0.0


class Durations(Collector):
    """`mtls_probe_duration_seconds{stage}`, every stage from the start."""

    def __init__(self) -> None:
        """Start at zero."""
        self._stages = {str(stage): _Stage() for stage in STAGES}

    def observe(self, durations: dict[str, float]) -> None:
        """Count the stages of one attempt, in seconds."""
        for name, seconds in durations.items():
            if (stage := self._stages.get(name)) is not None:
                stage.counts[bisect_left(BUCKETS, seconds)] += 1
                stage.sum += seconds

    def point_at(self, name: str, labels: dict[str, str], seconds: float, at: float) -> None:
        """Let the bucket of `seconds` in stage `name` carry `labels` as its exemplar."""
        self._stages[name].exemplars[bisect_left(BUCKETS, seconds)] = (labels, seconds, at)

    def collect(self) -> Iterable[Metric]:
        """Yield the one family."""
        family = HistogramMetricFamily(
            "mtls_probe_duration_seconds", "Duration of attempts by stage.", labels=["stage"]
        )
        for name, stage in self._stages.items():
            total = 0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for bound, count, found in zip(_BOUNDS, stage.counts, stage.exemplars, strict=True):
                total += count
                exemplar = (Exemplar(*found),) if found else ()
                buckets.append((bound, float(total), *exemplar))
            family.add_metric([name], buckets=buckets, sum_value=stage.sum)
        yield family
