"""A kept diagnosis is the one that a new look would give, whatever passes or changes meanwhile."""

from random import Random
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.kept_reading import PAUSE, KeptDiagnosis, KeptReading
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Evidence
from probe.model.evidence_times import list_times, put_times
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story
from tests.support.arbitrary_evidence import evidences
from tests.support.certificate_facts import AT, DAY
from tests.support.moved_times import move_times

CONFIRMED: Final = BY_NAME["client_cert_expired--soon"].evidence
"""Its certificate expires five days after its attempt."""
END: Final = CONFIRMED.credentials.client_chain[0].not_after


class Counted:
    """Diagnoses, and counts how often."""

    def __init__(self) -> None:
        """Start at 0."""
        self.calls = 0

    def __call__(self, evidence: Evidence) -> Diagnosis:
        """Diagnose."""
        self.calls += 1
        return diagnose(evidence)


def at(moment: float, evidence: Evidence = CONFIRMED) -> Evidence:
    """Return the same evidence of an attempt at `moment`."""
    _, *others = list_times(evidence)
    return put_times(evidence, [moment, *others])


def encode(diagnosis: Diagnosis) -> bytes:
    """Return a diagnosis as JSON."""
    return msgspec.json.encode(diagnosis)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_that_repeats_gets_what_a_new_look_gives(story: Story) -> None:
    """To the byte, at whatever times its attempts are made, in whatever order."""
    random, kept = Random(story.name), KeptDiagnosis()
    for _ in range(60):
        evidence = move_times(story.evidence, random)

        assert encode(kept.read(evidence)) == encode(diagnose(evidence))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(evidences | st.sampled_from([each.evidence for each in STORIES]), min_size=1,
                max_size=3), st.randoms(use_true_random=False))  # fmt: skip
def test_any_sequence_of_attempts_gets_what_a_new_look_gives(
    seen: list[Evidence], random: Random
) -> None:
    """Of evidence that changes back and forth, as of a target that flaps or files that are renewed."""
    kept, now = KeptDiagnosis(), seen[0]
    for _ in range(12):
        if random.random() < 0.2:
            now = random.choice(seen)
        evidence = move_times(now, random)

        assert encode(kept.read(evidence)) == encode(diagnose(evidence))


def test_an_attempt_that_repeats_asks_no_rule() -> None:
    """From the third on; the object stays the same, so that its readers need not look either."""
    counted = Counted()
    kept = KeptReading(counted)
    first = kept.read(at(AT + 1))
    kept.read(at(AT + 2))
    before = counted.calls
    again = [kept.read(at(AT + second)) for second in range(3, 60)]

    assert counted.calls == before
    assert all(each is first for each in again)


def test_a_date_that_passes_is_seen_at_once() -> None:
    """The days that are left, and the end itself; going back, where a clock is set, counts too."""
    kept = KeptDiagnosis()
    said = {
        moment: [finding.fact for finding in kept.read(at(moment)).findings]
        for moment in (
            *(AT + second for second in range(1, 20)),
            END - 4 * DAY - 0.5,
            END - 4 * DAY + 0.5,
            END - 1,
            END + 1,
        )
    }

    assert "expires in 4 days" in said[END - 4 * DAY - 0.5][0]
    assert "expires in 3 days" in said[END - 4 * DAY + 0.5][0]
    assert "expires in 1 second" in said[END - 1][0]
    assert said[END + 1] != said[END - 1]
    assert [finding.fact for finding in kept.read(at(AT + 3)).findings] == said[AT + 3]


def test_another_clock_that_drifts_away_is_seen_at_once() -> None:
    """A little from attempt to attempt: the one that leaves the tolerance has another diagnosis."""
    counted = Counted()
    kept, skewed = KeptReading(counted), set[int]()
    for offset in range(30, 70):
        reading = ClockReading("http_date", offset, 1.0)
        now = msgspec.structs.replace(at(AT + 1.5), clock=(reading,))
        diagnosis = kept.read(now)
        skewed |= {offset for finding in diagnosis.findings if finding.cause == "clock_skew"}

        assert diagnosis == diagnose(now)
    assert skewed == set(range(62, 70))
    assert counted.calls < 20


def test_a_clock_on_either_side_of_ours_is_no_news() -> None:
    """The Date of an answer has whole seconds: its offset jumps around 0 from attempt to attempt."""
    counted = Counted()
    kept = KeptReading(counted)
    for number in range(40):
        reading = ClockReading("http_date", (number % 5 - 2) / 4 + 0.01, 1.0)
        kept.read(msgspec.structs.replace(at(AT + 1.5 + number), clock=(reading,)))

    assert counted.calls == 3


def test_what_cannot_be_kept_costs_hardly_more() -> None:
    """A rule that writes down the time of day has a new text each second; it is asked once each."""
    text = next(
        each.evidence
        for each in STORIES
        if "the probe's clock says" in " ".join(diagnose(each.evidence).facts)
    )
    counted = Counted()
    kept = KeptReading(counted)
    for second in range(PAUSE):
        kept.read(at(text.at + second, text))

    assert counted.calls == PAUSE + 1
