"""The light histogram shows what prometheus_client's own would show, to the byte."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from probe.metrics.exposition import OPENMETRICS, TEXT, Family
from probe.metrics.light_histogram import LightHistogram

BUCKETS: Final = (0.1, 1.0)
BY_STAGE: Final = Family("mtls_probe_duration_seconds", "histogram", "How long.", ("stage",))
PLAIN: Final = Family("mtls_probe_lateness_seconds", "histogram", "How late.")


def encode(collector: Collector, accept: str) -> str:
    """Return what a scrape shows of it, without the times at which series were made."""
    registry = CollectorRegistry()
    registry.register(collector)
    text = choose_encoder(accept)[0](registry).decode()
    return "\n".join(line for line in text.splitlines() if "_created" not in line)


def without_moments(text: str) -> list[str]:
    """Return the lines without the time of day of their exemplars."""
    return [
        line.rpartition(" ")[0] if " # {" in line else line
        for line in text.splitlines()
    ]  # fmt: skip


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
@given(
    seen=st.lists(
        st.tuples(
            st.sampled_from(["connect", "export"]),
            st.sampled_from([0.0, 0.1, 0.10001, 0.5, 1.0, 1.5, 60.0]),
            st.sampled_from([None, "a", "b"]),
        ),
        max_size=12,
    )
)
def test_a_family_with_a_label_shows_the_same(
    accept: str, seen: list[tuple[str, float, str | None]]
) -> None:
    """Buckets, sum, count, and which exemplar leads where."""
    theirs = Histogram(BY_STAGE.name, BY_STAGE.documentation, BY_STAGE.labels, buckets=BUCKETS,
                       registry=None)  # fmt: skip
    ours = LightHistogram(BY_STAGE, BUCKETS)
    for stage, seconds, name in seen:
        labels = None if name is None else {"target": name}
        theirs.labels(stage).observe(seconds, labels)
        ours.observe(seconds, stage, None if labels is None else Exemplar(labels, seconds, 1.0))

    assert without_moments(encode(ours, accept)) == without_moments(encode(theirs, accept))


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
@pytest.mark.parametrize("seen", [(), (0.5, 1.0, 3.0)])
def test_a_family_without_a_label_has_its_series_from_the_start(
    accept: str, seen: tuple[float, ...]
) -> None:
    """At 0, before anything is observed."""
    theirs = Histogram(PLAIN.name, PLAIN.documentation, buckets=(1.0,), registry=None)
    ours = LightHistogram(PLAIN, (1.0,))
    for seconds in seen:
        theirs.observe(seconds)
        ours.observe(seconds)

    assert encode(ours, accept) == encode(theirs, accept)
