"""What `explain` prints: the causes that a pasted line is compatible with, or one cause as JSON.

The fields are in `docs/json.md`. Nothing of the pasted text is repeated.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

import msgspec
from msgspec import Struct
from rich.text import Text

from probe.diagnosis.cause import Cause
from probe.messages.explain import Candidate
from probe.report.console import make_console
from probe.report.result import SCHEMA


class ReportedCause(Struct, frozen=True):
    """What the catalogue says of a cause."""

    id: str
    title: str
    family: str
    documented_cause: int
    party: str
    severity: str
    meaning: str
    evidence: str
    fix: tuple[str, ...]
    citations: tuple[str, ...]
    explained_by: tuple[str, ...]


class CauseDocument(Struct, frozen=True):
    """One cause of the catalogue."""

    schema: str
    cause: ReportedCause


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


def encode_candidates(candidates: Sequence[Candidate], catalogue: Mapping[str, Cause]) -> str:
    """Return the JSON document of the candidates, best first."""
    reported = (
        ReportedCandidate(one.cause, one.score, one.why, catalogue[one.cause].tell_apart)
        for one in candidates
    )
    return _encode(CandidatesDocument(SCHEMA, tuple(reported)))


def encode_cause(cause: Cause) -> str:
    """Return the JSON document of one cause of the catalogue."""
    reported = msgspec.convert(cause, ReportedCause, from_attributes=True)
    return _encode(CauseDocument(SCHEMA, reported))


def print_candidates(
    candidates: Sequence[Candidate],
    catalogue: Mapping[str, Cause],
    stream: TextIO | None = None,
) -> None:
    """Print the candidates for people, each with why and how to tell it from the others."""
    console = make_console(stream or sys.stdout)
    for candidate in candidates:
        cause = catalogue[candidate.cause]
        story = Text()
        story.append(f"fit {candidate.score:.2f}  {candidate.cause}", style="bold")
        story.append(f"  {cause.title}\n")
        story.append(f"      why:        {candidate.why}\n")
        story.append(f"      tell apart: {cause.tell_apart}")
        console.print(story, soft_wrap=True)
    console.print()
    console.print(Text(f"More on one: mtls-probe explain {candidates[0].cause}"), soft_wrap=True)


def _encode(document: Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
