"""How an error was pasted does not change what it is taken for."""

import json
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


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_wrapping_changes_nothing(wrapping: str) -> None:
    """What people put around a text, or log systems do, does not count."""
    changed = [
        text
        for text in TEXTS
        if top(explain_whole(WRAPPINGS[wrapping](text))) != top(explain_whole(text))
    ]

    assert len(changed) <= len(TEXTS) * FEW, "\n".join(text[:200] for text in changed)


def test_unrelated_lines_are_not_explained() -> None:
    """Of a thousand lines that have nothing to do with TLS no candidate scores above 0.3."""
    explained = [
        (line, explanation.candidates[0])
        for line in generate_lines(1000, seed=1)
        if (explanation := explain_whole(line)).candidates
        and explanation.candidates[0].score > NOTHING
    ]

    assert explained == []


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TEXTS),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=2),
)
def test_names_do_not_count(text: str, name: str, wrappings: list[str]) -> None:
    """A name before the text changes nothing, however it is wrapped then."""
    paste = f"{name}: {text}"
    for each in wrappings:
        paste = WRAPPINGS[each](paste)

    assert explain_whole(paste).candidates[:1] or not explain_whole(text).candidates
