"""The results of `explain` for a text, with the shipped table and catalogue."""

from probe.messages.explain import Candidate, Explanation
from probe.messages.explain import explain as explain_text
from probe.report.message_table import load_message_table


def explain_whole(text: str) -> Explanation:
    """Return the whole explanation of `text`."""
    return explain_text(text, load_message_table())


def explain(text: str) -> tuple[Candidate, ...]:
    """Return the candidates for `text`, best first."""
    return explain_whole(text).candidates


def first(text: str) -> str | None:
    """Return the likeliest cause."""
    candidates = explain(text)
    return candidates[0].cause if candidates else None


def ids(text: str) -> list[str]:
    """Return all candidates' causes, best first."""
    return [candidate.cause for candidate in explain(text)]


def tied(text: str) -> set[str]:
    """Return the causes that share the highest score."""
    explanation = explain_whole(text)
    return {candidate.cause for candidate in explanation.candidates[: explanation.tied]}
