"""Every story gets the diagnosis that it expects."""

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Expected, Story


def test_names_are_different() -> None:
    """Each names one story."""
    assert len(BY_NAME) == len(STORIES)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_gets_its_diagnosis(story: Story) -> None:
    """Outcome, stage, cause, certainty, `also` and findings; facts, and steps with real paths."""
    diagnosis = diagnose(story.evidence)

    assert Expected.of(diagnosis) == story.expected, story.text
    assert diagnosis.facts
    assert bool(diagnosis.fix) == (diagnosis.cause is not None)
    steps = (*diagnosis.fix, *(step for finding in diagnosis.findings for step in finding.fix))
    assert not [step for step in steps if "{" in step]
    if diagnosis.cause is not None:
        cause = CATALOGUE[diagnosis.cause]
        assert (diagnosis.family, diagnosis.documented_cause) == (
            cause.family,
            cause.documented_cause,
        )
    if diagnosis.cause not in {None, "unexplained"} and not diagnosis.certain:
        assert diagnosis.would_decide
