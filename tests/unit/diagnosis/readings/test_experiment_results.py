"""The facts about experiments are consistent with each other, and with the verdict."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.readings.experiment_results import read_experiments
from probe.model.evidence import Evidence
from tests.stories.all_stories import BY_NAME, STORIES
from tests.support.evidence import target

every_story = pytest.mark.parametrize(
    "evidence",
    [story.evidence for story in STORIES if story.evidence.experiments],
    ids=[story.name for story in STORIES if story.evidence.experiments],
)


@every_story
def test_nothing_is_proven_and_ruled_out_at_once(evidence: Evidence) -> None:
    """Where one version goes further, another that does not rules nothing out."""
    said = list(read_experiments(evidence))

    assert {one.proves for one in said if one.proves}.isdisjoint(one.rules_out for one in said)


@every_story
def test_what_an_experiment_proves_is_in_the_verdict(evidence: Evidence) -> None:
    """As its cause, or in `also`; and what one rules out is in neither."""
    found = diagnose(evidence)
    named = {found.cause, *found.also}
    for one in read_experiments(evidence):
        assert not one.proves or one.proves in named
        assert not one.rules_out or one.rules_out not in named


@pytest.mark.parametrize(("port", "usual"), [(4317, True), (4318, False), (443, True)])
def test_the_usual_port_is_not_advised_where_it_is_set(port: int, usual: bool) -> None:
    """The port that OTLP/HTTP usually has is no other one for an endpoint that has it."""
    seen = BY_NAME["otlp_protocol_mismatch--stream_reset"].evidence
    over_http = target(protocol="http/protobuf", endpoint=f"https://h:{port}", host="h", port=port)
    fix = " ".join(diagnose(msgspec.structs.replace(seen, target=over_http)).fix)

    assert ("4318 is usually OTLP/HTTP" in fix) is usual
    assert "endpoint" in fix
