"""Whatever is pasted, `explain` gives sound candidates, and soon."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnosis.catalogue import CATALOGUE
from probe.messages.explain import MOST_CANDIDATES, Candidate
from probe.messages.paste import LONGEST
from probe.report.message_table import load_message_table
from tests.support.explanations import explain

SLOWEST = 1.0
"""Seconds for the most hostile paste, on a busy machine."""
PIECES = st.sampled_from(
    [
        *(row.text for row in load_message_table().rows[::7]),
        "alert", "remote error:", "\n", "{", '"', "0A000418", "\tat a.b.C(D.java:1)\n", "Caused by: ",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=30).map(" ".join)))
def test_any_text_gives_sound_candidates(text: str) -> None:
    """Whatever is pasted: no error, known causes, scores above 0 and falling, no repetition."""
    candidates = explain(text)

    assert len(candidates) <= MOST_CANDIDATES
    assert len({candidate.cause for candidate in candidates}) == len(candidates)
    assert all(isinstance(candidate, Candidate) for candidate in candidates)
    assert all(candidate.cause in CATALOGUE for candidate in candidates)
    assert all(0 < candidate.score <= 0.95 for candidate in candidates)
    assert all(candidate.why for candidate in candidates)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert explain(text) == candidates


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=12), PIECES)
def test_hostile_repetition_is_quick(noise: str, piece: str) -> None:
    """A paste made to be slow, longer than is read, takes no time to speak of."""
    text = f"{piece} {noise}" * (LONGEST // (len(piece) + len(noise)) + 1)
    started = time.perf_counter()

    explain(text)

    assert time.perf_counter() - started < SLOWEST


def test_what_lies_beyond_the_cap_is_not_read() -> None:
    """A paste of any length costs as much as the longest that is read."""
    assert explain(" " * LONGEST + "remote error: tls: bad certificate") == ()
    assert explain(" " * (LONGEST - 100) + "remote error: tls: bad certificate") != ()
