"""How an error was pasted does not change what it is taken for."""

import json
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.messages.explain import Explanation
from tests.support.explanations import explain_whole
from tests.support.pastes import NAMES, WRAPPINGS
from tests.support.unrelated_lines import generate_lines

CORPORA: Final = Path(__file__).parents[2] / "corpora"
LINES: Final = (CORPORA / "public_reports.jsonl").read_text(encoding="utf-8").splitlines()
TEXTS: Final = tuple(json.loads(line)["text"] for line in LINES)
FEW: Final = 0.04
"""The share of texts whose wrapping may change them: those that are cut or quoted already."""
NOTHING: Final = 0.3


def top(explanation: Explanation) -> frozenset[str]:
    """Return the causes that share the highest score."""
    return frozenset(each.cause for each in explanation.candidates[: explanation.tied])


@cache
def top_of(text: str) -> frozenset[str]:
    """Return the causes that share the highest score for a text as it was posted."""
    return top(explain_whole(text))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_wrapping_changes_nothing(wrapping: str) -> None:
    """What people put around a text, or log systems do, does not count."""
    some = TEXTS[:: 1 if "columns" in wrapping else 3]
    changed = [
        text for text in some if top(explain_whole(WRAPPINGS[wrapping](text))) != top_of(text)
    ]

    assert len(changed) <= len(some) * FEW, "\n".join(text[:200] for text in changed)


def test_unrelated_lines_are_not_explained() -> None:
    """Of a thousand lines that have nothing to do with TLS no candidate scores above 0.3."""
    explained = [
        (line, explanation.candidates[0])
        for line in generate_lines(1000, seed=1)
        if (explanation := explain_whole(line)).candidates
        and explanation.candidates[0].score > NOTHING
    ]

    assert explained == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_does_not_count(name: str) -> None:
    """A treacherous name of a pod, host or unit before the text changes nothing."""
    some = TEXTS[::4]
    changed = [text for text in some if top(explain_whole(f"{name}: {text}")) != top_of(text)]

    assert len(changed) <= len(some) * FEW, "\n".join(text[:200] for text in changed)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=3),
    st.integers(0, 400),
)
def test_any_wrapping_of_a_cut_text_is_sound(text: str, wrappings: list[str], kept: int) -> None:
    """Whatever is cut off and wrapped around gives candidates whose scores fall, and no error."""
    paste = text[:kept]
    for each in wrappings:
        paste = WRAPPINGS[each](paste)

    scores = [each.score for each in explain_whole(paste).candidates]

    assert scores == sorted(scores, reverse=True)
