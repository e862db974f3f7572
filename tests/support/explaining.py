"""What `explain` makes of a text, and every sign that it listens for."""

from probe.messages.match import explain
from probe.messages.patterns import (
    answer_words,
    file_words,
    network_words,
    pair_words,
    peer_words,
    verification_words,
)

SIGNS = (
    *verification_words.VERIFICATION_SIGNS,
    *peer_words.PEER_SIGNS,
    *pair_words.PAIR_SIGNS,
    *network_words.NETWORK_SIGNS,
    *answer_words.ANSWER_SIGNS,
    *(
        phrase.sign
        for which in ("client", "ca", "unknown")
        for phrase in file_words.file_phrases(which)
    ),
)


def first(text: str) -> str | None:
    """Return the likeliest cause."""
    candidates = explain(text)
    return candidates[0].cause if candidates else None


def ids(text: str) -> list[str]:
    """Return all candidates' causes, best first."""
    return [candidate.cause for candidate in explain(text)]
