"""What `/metrics` and `check --output prometheus` show of the ledger.

The samples of targets are kept rendered (target_samples.py), those of the service live in
prometheus_client (service_metrics.py); a scrape joins the two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics import families
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.metrics.families import TARGET_FAMILIES
from probe.metrics.service_metrics import (
    ServiceMetrics,
    collect_causes,
    collect_sources,
    encode_samples,
    list_causes,
)
from probe.metrics.target_samples import (
    TargetSamples,
    list_row_samples,
    list_target_samples,
    render_lines,
)
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SourceState, Target

RENDERED_AT_ONCE: Final = 100
"""Targets whose samples are brought up to date in one go: a scrape must not hold back the attempts."""
JOINED_AT_ONCE: Final = 500
"""Targets whose samples of one family are joined in one go."""

ONLY_WITH_A_SCHEDULE: Final = frozenset(
    family.name for family in (families.ATTEMPTS, families.FAILURES, families.INTERVAL)
)
"""Left out of a single round: counters that begin anew with each run, and the interval by which the
rules judge whether a target is still probed."""


class Metrics:
    """The ledger as metrics; subscribes to it and follows its targets.

    Attributes:
        service: what is counted over all targets.
    """

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Mapping[str, Cause] = CATALOGUE,
        resource: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Show `ledger`, the causes of `catalogue` that it has seen, and the probe's `resource`."""
        self.service: Final = ServiceMetrics(ledger, catalogue, resource)
        self._ledger = ledger
        ledger.subscribe(self._record)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics and their content type.

        Args:
            accept: The scraper's Accept header; the text format 0.0.4 answers to all but
                OpenMetrics.
        """
        openmetrics = wants_openmetrics(accept)
        return b"".join(self.expose(openmetrics=openmetrics)), OPENMETRICS if openmetrics else TEXT

    def expose(self, *, openmetrics: bool) -> Iterator[bytes]:
        """Yield the metrics in parts, each made in a moment; an empty part is only a pause.

        What is shown of a target is of one moment, whatever happens between two parts.
        """
        # Tuples of bytes, which garbage collection does not look into.
        seen: list[tuple[bytes, ...]] = []
        for number, runtime in enumerate(tuple(self._ledger)):
            seen += ((*each.tails, each.head) for each in list_target_samples(runtime))
            if number % RENDERED_AT_ONCE == 0:
                yield b""
        for place, family in enumerate(TARGET_FAMILIES):
            yield family.metadata(openmetrics=openmetrics)
            name = family.name.encode()
            for begin in range(0, len(seen), JOINED_AT_ONCE):
                some = seen[begin : begin + JOINED_AT_ONCE]
                yield b"".join(
                    [
                        render_lines(name + each[-1], lines)
                        for each in some
                        if (lines := each[place])
                    ]
                )
        yield self.service.exposition(openmetrics=openmetrics)

    def _record(self, runtime: TargetRuntime) -> None:
        runtime.get_store(TargetSamples).take_attempt(runtime)
        self.service.observe_attempt(runtime)


def render_textfile(
    rows: Iterable[tuple[Target, Evidence, Diagnosis]],
    catalogue: Mapping[str, Cause] = CATALOGUE,
    sources: Sequence[SourceState] = (),
) -> bytes:
    """Return one round as metrics in the text format 0.0.4, for a textfile collector.

    They are those of each target of `rows`, of each source, and of the causes of `catalogue` that
    they name.
    """
    seen = list(rows)
    samples = list(list_row_samples(seen))
    parts: list[bytes] = []
    for place, family in enumerate(TARGET_FAMILIES):
        rendered = b"".join(each.render(place) for each in samples)
        if rendered and family.name not in ONLY_WITH_A_SCHEDULE:
            parts += (family.metadata(openmetrics=False), rendered)
    causes = {cause for row in seen for cause in list_causes(*row)}
    shown = (*collect_causes(catalogue, causes), *collect_sources(sources, not seen))
    return b"".join(parts) + encode_samples(shown)
