"""docs/metrics.md and docs/json.md: what is public is documented, and nothing else is."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from probe.ledger.ledger import Ledger
from probe.metrics.blackbox import BLACKBOX_FAMILIES, WITHOUT_A_SCHEDULE, render_blackbox_metrics
from probe.metrics.exposition import OPENMETRICS, Family
from probe.metrics.families import (
    CAUSE_INFO,
    RESOURCE,
    SERVICE_FAMILIES,
    TARGET_FAMILIES,
    TARGET_INFO,
)
from probe.metrics.scrape import Metrics
from probe.metrics.service_metrics import (
    collect_connections,
    collect_log,
    collect_own_trouble,
)
from probe.model.target import SourceState
from probe.web.server.connections import Connections
from tests.contract.reference_pages import (
    DOCUMENTS,
    FAMILIES,
    JSON,
    METRICS,
    meanings_of,
    tables,
    written_json,
    written_metrics,
)
from tests.support.metric_samples import EU, REFUSED, seen

UPDATE = "python -m tests.contract.reference_pages"


def test_the_page_of_metrics_is_current() -> None:
    """Every family that the code declares, with its type, labels, meaning and condition."""
    page = METRICS.read_text(encoding="utf-8")
    assert page == written_metrics(), UPDATE
    assert {name for name, _ in tables(page)} == set(FAMILIES)


def test_the_page_of_json_is_current() -> None:
    """Every field of every document, and none that is gone; each has a meaning."""
    page = JSON.read_text(encoding="utf-8")
    assert page == written_json(), UPDATE
    assert {name for name, _ in tables(page)} == set(DOCUMENTS)
    empty = [
        f"{name}: {path}.{field}"
        for name, table in tables(page)
        for (path, field), meaning in meanings_of(table).items()
        if not meaning.strip()
    ]
    assert empty == []


def families_of(exposition: bytes) -> Iterator[Metric]:
    """Yield what a scrape holds, without what prometheus_client has of the process."""
    for family in text_string_to_metric_families(exposition.decode()):
        if not family.name.startswith("process_"):
            yield family


def check(found: Metric, declared: dict[str, Family]) -> str:
    """Assert that `found` is declared with its type, help and labels; return its declared name."""
    suffix = {"counter": "_total", "info": "_info"}.get(found.type, "")
    family = declared[found.name + suffix]
    assert (found.type, found.documentation) == (family.kind, family.documentation)
    for sample in found.samples:
        labels = set(sample.labels) - {"le"}
        if family is TARGET_INFO:
            assert labels >= set(family.labels)
        elif family is not RESOURCE:
            assert labels == set(family.labels), family.name
    return family.name


def test_every_metric_of_the_service_is_declared() -> None:
    """A scrape of a service with all that it may have shows each declared family, and no other."""
    ledger = Ledger([EU])
    metrics = Metrics(ledger, resource={"service.name": "x"})
    ledger.record(EU, seen(), REFUSED)
    service = metrics.service
    service.set_sources([SourceState("environment", up=True, targets=1)], nothing_to_probe=False)
    service.span_counter()
    service.register(lambda: collect_log(lambda: 0))
    service.register(lambda: collect_connections(Connections(1)))
    service.register(lambda: collect_own_trouble(lambda: 0.0, lambda: {"schedule": 0}))
    exposition, _ = metrics.exposition(OPENMETRICS)
    declared = {family.name: family for family in (*TARGET_FAMILIES, *SERVICE_FAMILIES)}
    shown = {check(family, declared) for family in families_of(exposition)}
    assert shown == set(declared)
    assert CAUSE_INFO.name in shown


def test_every_metric_of_probe_is_declared() -> None:
    """Its own families under blackbox_exporter's names, and those of ours that need no schedule."""
    exposition = render_blackbox_metrics([(EU, seen(), REFUSED)], 0.1, openmetrics=True)
    declared = {family.name: family for family in (*BLACKBOX_FAMILIES, *WITHOUT_A_SCHEDULE)}
    shown = {check(family, declared) for family in families_of(exposition)}
    assert shown <= set(declared)
    assert {family.name for family in BLACKBOX_FAMILIES if not family.when} <= shown
