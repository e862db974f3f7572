"""Who must act is said once, by the diagnosis, and every output says the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.log.changes import ChangeLog
from probe.metrics.scrape import Metrics
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Evidence
from probe.model.target import Endpoint, Target
from probe.report.result import build_result
from probe.report.story import format_story
from probe.telemetry import span_attributes
from probe.web.pages.status_page import TargetSummary
from probe.web.pages.target_filter import TargetFilter
from probe.web.pages.target_row import build_row, find_party
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story
from tests.support.certificate_facts import OTHER_CA, backend, exporter
from tests.support.every_row import every_row
from tests.support.evidence import clock_offset, refused_attempt, unverified_attempt

FAILING = [story for story in STORIES if story.expected.cause is not None]


def recorded(evidence: Evidence, diagnosis: Diagnosis) -> tuple[Ledger, Metrics]:
    """Return a ledger whose one target ended so, and its metrics."""
    target = Target(name="t", endpoint=Endpoint("collector.example.com", 4317))
    ledger = Ledger([target])
    metrics = Metrics(ledger, CATALOGUE)
    ledger.record(target, evidence, diagnosis)
    return ledger, metrics


@every_row(story=FAILING)
def test_every_output_names_the_same_party(story: Story) -> None:
    """JSON, story, page, filter, counts, metric, span and log line of one attempt."""
    evidence = story.evidence
    found = diagnose(evidence)
    assert found.party is not None
    ledger, metrics = recorded(evidence, found)
    (state,) = ledger
    words = PARTIES[found.party]

    assert build_result(evidence, found).party == found.party
    assert build_row(state, CATALOGUE, evidence.at).party == words
    assert find_party(state) == found.party
    assert TargetFilter(party=found.party).matches(state)
    summary = TargetSummary()
    summary.add(state)
    assert dict(summary.parties) == {found.party: 1}
    assert f'party="{found.party}"' in "".join(causes_in(metrics))
    span = span_attributes.describe_attempt(evidence, found, CATALOGUE[found.cause or ""])
    assert span["mtls_probe.party"] == found.party
    if evidence.target.expect_cause is None:
        assert f"who must act: {words}" in format_story(evidence, found)


def causes_in(metrics: Metrics) -> Iterator[str]:
    """Yield the lines of `mtls_probe_cause`."""
    text = metrics.exposition()[0].decode()
    yield from (line for line in text.splitlines() if line.startswith("mtls_probe_cause{"))


def test_the_log_line_names_it_too() -> None:
    """A line about a failure has the party, one about a success has none."""
    with capture_logs() as lines:
        failing = BY_NAME["clock_skew--both_ahead"]
        ledger, _ = recorded(failing.evidence, diagnose(failing.evidence))
        (state,) = ledger
        ChangeLog().log_changes(state)
    assert lines[0]["party"] == "both"


@pytest.mark.parametrize(
    ("clock", "party", "first"),
    [
        (clock_offset(-5, "sntp"), "probe", "the machine that the probe runs on"),
        (clock_offset(5, "sntp"), "either", "date -u"),
    ],
)
def test_a_clock_of_ours_that_is_proven_wrong_is_ours_to_set(
    clock: tuple[ClockReading, ...], party: str, first: str
) -> None:
    """With SNTP saying that we are ahead, it is never the backend's side that must act."""
    found = diagnose(unverified_attempt(backend(ends=-2), faults=(("expired", 0),), clock=clock))
    if party == "probe":
        assert (found.cause, found.party) == ("clock_skew", "probe")
        assert first in found.fix[0]
    else:
        assert found.cause == "server_cert_expired"


@pytest.mark.parametrize("by", [42, 45, 46, 48, 49, "close"])
def test_where_both_clocks_are_wrong_the_skew_is_never_missing(by: Any) -> None:
    """Whatever the backend says: the same wrong time on both sides is the cause, or one of several."""
    both = (*clock_offset(-60, "sntp"), *clock_offset(0))
    found = diagnose(refused_attempt(by, exporter(ends=-10), listed=(OTHER_CA,), clock=both))
    assert "clock_skew" in (found.cause, *found.also), found
    if found.cause == "clock_skew":
        assert found.party == "both"
