"""The times of evidence can be taken out, put back, and exchanged; nothing else changes."""

import pytest
from msgspec.structs import replace

from probe.model.evidence import to_json
from probe.model.evidence_times import drop_times, list_times, put_times, take_times
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_times_are_all_that_differs_between_equal_attempts(story: Story) -> None:
    """Taken out and put back they make the same evidence; others make another, alike but for them."""
    evidence, times = story.evidence, list_times(story.evidence)
    later = put_times(evidence, [time + 1.0 for time in times])

    assert put_times(drop_times(evidence), times) == replace(evidence, trace=None)
    assert list_times(later) == [time + 1.0 for time in times]
    assert drop_times(later) == drop_times(evidence)
    assert to_json(take_times(evidence, later)) == to_json(later)


def test_whatever_else_differs_is_seen() -> None:
    """Without times, evidence differs in each field that has another value."""
    evidence, other = (BY_NAME[name].evidence for name in ("clock_skew", "client_ca_untrusted"))
    for name in ("target", "ending", "credentials", "handshake", "held_up", "canary_trace_id"):
        value = getattr(other, name) if getattr(other, name) != getattr(evidence, name) else "x"

        assert drop_times(replace(evidence, **{name: value})) != drop_times(evidence)
