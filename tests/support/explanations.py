"""The results of `explain` for a text, and every pattern that it searches for."""

from probe.messages.match import explain
from probe.messages.patterns import (
    answer_patterns,
    file_patterns,
    handshake_patterns,
    network_patterns,
    pair_patterns,
    verification_patterns,
)

PATTERNS = (
    *verification_patterns.VERIFICATION_PATTERNS,
    *handshake_patterns.PEER_PATTERNS,
    *pair_patterns.PAIR_PATTERNS,
    *network_patterns.NETWORK_PATTERNS,
    *answer_patterns.ANSWER_PATTERNS,
    *(
        phrase.pattern
        for which in ("client", "ca", "unknown")
        for phrase in file_patterns.list_file_phrases(which)
    ),
)


def first(text: str) -> str | None:
    """Return the likeliest cause."""
    candidates = explain(text)
    return candidates[0].cause if candidates else None


def ids(text: str) -> list[str]:
    """Return all candidates' causes, best first."""
    return [candidate.cause for candidate in explain(text)]
