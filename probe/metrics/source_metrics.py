"""Metrics of the sources: which could be read, how many targets each gives, whether there are any."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probe.model.target import SourceState
from probe.text.safe_text import safe_text

UP: Final = "mtls_probe_source_up"
TARGETS: Final = "mtls_probe_source_targets"
NOTHING: Final = "mtls_probe_nothing_to_probe"


class SourceMetrics(Collector):
    """Shows the states that it was given last."""

    def __init__(
        self, states: Iterable[SourceState] = (), *, nothing_to_probe: bool = False
    ) -> None:
        """Show `states`."""
        self._states = tuple(states)
        self._nothing = nothing_to_probe

    def replace(self, states: Iterable[SourceState], *, nothing_to_probe: bool) -> None:
        """Show `states` from now on, and whether there is nothing to probe at all."""
        self._states, self._nothing = tuple(states), nothing_to_probe

    def collect(self) -> Iterable[Metric]:
        """Yield the families; a source that nobody has asked for yet has no sample."""
        up = GaugeMetricFamily(
            UP, "Whether the source of targets was read, whole, the last time.", labels=["source"]
        )
        targets = GaugeMetricFamily(
            TARGETS, "How many targets the source gives.", labels=["source"]
        )
        for state in self._states:
            up.add_metric([safe_text(state.source)], state.up)
            targets.add_metric([safe_text(state.source)], state.targets)
        yield up
        yield targets
        yield GaugeMetricFamily(
            NOTHING,
            "Whether neither targets nor sources nor modules give anything to probe.",
            self._nothing,
        )
