"""What `explain` prints: the causes that a pasted line is compatible with, or one cause as JSON.

Nothing of the pasted text is repeated. Colour only on a terminal and
never with NO_COLOR; none of the text is read as markup.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

import msgspec
from rich.text import Text

from probe.diagnosis.cause import Cause
from probe.messages.match import Candidate
from probe.report.console import console_for
from probe.report.result import SCHEMA


def candidates_document(candidates: Sequence[Candidate], catalogue: Mapping[str, Cause]) -> str:
    """Return the JSON document of the candidates, best first."""
    return _document(
        {
            "candidates": [
                {
                    "cause": candidate.cause,
                    "score": candidate.score,
                    "why": candidate.why,
                    "tell_apart": catalogue[candidate.cause].tell_apart,
                }
                for candidate in candidates
            ]
        }
    )


def cause_document(cause: Cause) -> str:
    """Return the JSON document of one cause of the catalogue."""
    return _document(
        {
            "cause": {
                "id": cause.id,
                "title": cause.title,
                "family": cause.family,
                "documented_cause": cause.documented_cause,
                "party": cause.party,
                "severity": cause.severity,
                "meaning": cause.meaning,
                "evidence": cause.evidence,
                "fix": cause.fix,
                "citations": cause.citations,
                "explained_by": cause.explained_by,
            }
        }
    )


def print_candidates(
    candidates: Sequence[Candidate],
    catalogue: Mapping[str, Cause],
    stream: TextIO | None = None,
) -> None:
    """Print the candidates for people, each with why and how to tell it from the others."""
    console = console_for(stream or sys.stdout)
    for candidate in candidates:
        cause = catalogue[candidate.cause]
        story = Text()
        story.append(f"{candidate.score:.2f}  {candidate.cause}", style="bold")
        story.append(f"  {cause.title}\n")
        story.append(f"      why:        {candidate.why}\n")
        story.append(f"      tell apart: {cause.tell_apart}")
        console.print(story, soft_wrap=True)
    console.print()
    console.print(Text(f"More on one: mtls-probe explain {candidates[0].cause}"), soft_wrap=True)


def _document(content: dict[str, object]) -> str:
    raw = msgspec.json.encode({"schema": SCHEMA, **content})
    return msgspec.json.format(raw, indent=2).decode() + "\n"
