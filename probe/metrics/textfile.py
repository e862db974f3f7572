"""`check --output prometheus`: one round as metrics, for the node exporter's textfile collector.

What only a schedule gives a meaning is left out: counters that begin anew with each run, and the
interval by which the rules judge whether a target is still probed.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.metrics.exposition import TEXT
from probe.metrics.service_metrics import CauseInfo
from probe.metrics.source_metrics import SourceMetrics
from probe.metrics.target_families import FAMILIES
from probe.metrics.target_samples import target_lines
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SourceState, Target

WITHOUT: Final = frozenset(
    {"mtls_probe_attempts_total", "mtls_probe_failures_total", "mtls_probe_interval_seconds"}
)


def textfile(
    observed: Iterable[tuple[Target, Evidence, Diagnosis]],
    catalogue: Mapping[str, Cause] = CATALOGUE,
    sources: Sequence[SourceState] = (),
) -> bytes:
    """Return the metrics of each target of one round and of each source, in the text format 0.0.4."""
    seen = list(observed)
    ledger = Ledger(target for target, _, _ in seen)
    lines = [target_lines(ledger.record(*one)) for one in seen]
    parts: list[bytes] = []
    for family, paths in FAMILIES:
        if family.name in WITHOUT:
            continue
        rendered = [attrgetter(path)(each) for each in lines for path in paths]
        if any(rendered):
            parts += (family.metadata(openmetrics=False), *rendered)
    registry = CollectorRegistry()
    registry.register(CauseInfo(catalogue))
    registry.register(SourceMetrics(sources, nothing_to_probe=not seen))
    encode, _ = choose_encoder(TEXT)
    return b"".join(parts) + encode(registry)
