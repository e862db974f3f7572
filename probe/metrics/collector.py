"""Metrics: what `/metrics` and `--output prometheus` show of the ledger (interfaces.md, section 5).

Per-target samples are kept rendered (target_lines.py), fleet-wide ones live in prometheus_client
(fleet.py); a scrape joins the two.
"""

from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.metrics.service_metrics import Fleet
from probe.metrics.target_families import FAMILIES
from probe.metrics.target_samples import target_lines

_GETTERS: Final = tuple((family, tuple(map(attrgetter, paths))) for family, paths in FAMILIES)


class Metrics:
    """The ledger as metrics; subscribes to it and follows its targets."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Mapping[str, Cause] = CATALOGUE,
        resource: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Show `ledger`, every cause of `catalogue` from the start, and the probe's `resource`."""
        self.fleet: Final = Fleet(ledger, catalogue, resource)
        self._ledger = ledger
        ledger.subscribe(self._recorded)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics and their content type.

        Args:
            accept: The scraper's Accept header; the text format 0.0.4 answers to all but
                OpenMetrics.
        """
        openmetrics = wants_openmetrics(accept)
        lines = list(map(target_lines, self._ledger))
        parts: list[bytes] = []
        for family, getters in _GETTERS:
            parts.append(family.metadata(openmetrics=openmetrics))
            for rendered in getters:
                parts.extend(map(rendered, lines))
        parts.append(self.fleet.exposition(openmetrics=openmetrics))
        return b"".join(parts), OPENMETRICS if openmetrics else TEXT

    def _recorded(self, state: TargetRuntime) -> None:
        # At the attempt, and not at the scrape: so the work is spread evenly.
        target_lines(state)
        self.fleet.attempt(state)
