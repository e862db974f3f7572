"""What `explain` prints of a pasted text: the causes that it is compatible with.

The fields are in `docs/json.md`. Nothing of the pasted text is repeated.
"""

import sys
from collections.abc import Mapping
from typing import Final, TextIO

from msgspec import Struct
from rich.text import Text

from probe.diagnosis.cause import Cause
from probe.messages.explain import Candidate, Explanation
from probe.model.runtime import RUNTIMES_BY_ID
from probe.report.cause_document import encode_document
from probe.report.console import make_console
from probe.report.result import SCHEMA

_DECIDES: Final = """\
Which of them it is, a check finds out where the exporter runs, with its environment or its process:
  mtls-probe check
  mtls-probe check --pid PID"""


class ReportedCandidate(Struct, frozen=True):
    """One cause that the text is compatible with; `score` runs from 0 to 1."""

    cause: str
    score: float
    why: str
    tell_apart: str


class CandidatesDocument(Struct, frozen=True):
    """The causes that an error text is compatible with, best first."""

    schema: str
    candidates: tuple[ReportedCandidate, ...]
    undecided: int
    line: int
    exporter: str | None
    advice: tuple[str, ...]


def encode_explanation(explanation: Explanation, catalogue: Mapping[str, Cause]) -> str:
    """Return the JSON document of what a text says, its candidates best first."""
    reported = tuple(
        ReportedCandidate(one.cause, one.score, one.why, catalogue[one.cause].tell_apart)
        for one in explanation.candidates
    )
    undecided = explanation.tied if explanation.tied > 1 else 0
    return encode_document(
        CandidatesDocument(
            SCHEMA, reported, undecided, explanation.line, explanation.exporter, explanation.advice
        )
    )


def print_explanation(
    explanation: Explanation, catalogue: Mapping[str, Cause], stream: TextIO | None = None
) -> None:
    """Print for people what a text says: the causes that it cannot tell apart as one group."""
    console = make_console(stream or sys.stdout)
    tied, candidates = explanation.tied, explanation.candidates
    first = candidates[0]
    several = tied > 1
    story = Text()
    if several:
        story.append(f"This text is printed for any of these {tied}; it cannot tell them apart.\n")
        where = f"from line {explanation.line}: " if explanation.line > 1 else ""
        story.append(f"fit {first.score:.2f}  {where}{first.why}\n")
    for one in candidates[:tied]:
        # The others of a tie may have been said by another line.
        said = "" if several and one.why == first.why else one.why
        if said and not several and explanation.line > 1:
            said = f"from line {explanation.line}: {said}"
        _append_candidate(story, one, catalogue, "" if several else f"fit {one.score:.2f}", said)
    if candidates[tied:]:
        story.append("\nPossible, too:\n")
    for one in candidates[tied:]:
        said = "" if one.why == first.why else one.why
        _append_candidate(story, one, catalogue, f"fit {one.score:.2f}", said)
    if explanation.exporter is not None:
        story.append(f"\nPrinted by: {RUNTIMES_BY_ID[explanation.exporter].name}\n")
        for text in explanation.advice:
            story.append(f"  {text}\n")
    if several:
        story.append(f"\n{_DECIDES}\n")
    story.append(f"\nMore on one: mtls-probe explain {first.cause}")
    console.print(story, soft_wrap=True)


def _append_candidate(
    story: Text, one: Candidate, catalogue: Mapping[str, Cause], fit: str, said: str
) -> None:
    cause = catalogue[one.cause]
    story.append(f"{fit:>8}  {one.cause}".lstrip() if fit else f"  {one.cause}", style="bold")
    story.append(f"  {cause.title}\n")
    if said:
        story.append(f"      why:        {said}\n")
    story.append(f"      tell apart: {cause.tell_apart}\n")
