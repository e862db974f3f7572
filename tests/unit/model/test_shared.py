"""Equal data of many targets is in memory once; what is not equal stays apart, and all is bounded."""

import pytest
from msgspec.structs import replace

from probe.diagnosis.diagnose import diagnose
from probe.model import shared
from probe.model.evidence import Evidence, from_json, to_json
from probe.model.shared import MOST_SHARED, share, share_experiment, share_parts
from tests.stories.all_stories import STORIES


@pytest.mark.parametrize("evidence", [story.evidence for story in STORIES])
def test_evidence_and_diagnosis_of_every_story_can_be_shared(evidence: Evidence) -> None:
    """And stay what they are, to the byte."""
    raw = to_json(from_json(to_json(evidence)))
    evidence, copy = from_json(raw), from_json(raw)
    one, other = share_parts(evidence), share_parts(copy)

    assert one.handshake is other.handshake
    assert to_json(one) == to_json(other) == raw
    assert share(diagnose(evidence)) is share(diagnose(copy))
    experiments = tuple(map(share_experiment, copy.experiments))
    assert experiments == evidence.experiments
    assert [each.ending for each in experiments] == [each.ending for each in evidence.experiments]


def test_what_differs_is_not_shared() -> None:
    """In whatever field."""
    handshake = next(one.evidence.handshake for one in STORIES if one.evidence.handshake)
    other = replace(handshake, complete=not handshake.complete)

    assert share(handshake) is not share(other)
    assert share(other).complete is other.complete


def test_what_is_shared_is_bounded() -> None:
    """Peers that send something else each time fill nothing."""
    for number in range(2 * MOST_SHARED):
        share(("peer", number))
    assert shared._get_known.cache_info().currsize == MOST_SHARED
