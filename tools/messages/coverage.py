"""Which texts of a library no row of the table of messages covers."""

from dataclasses import replace

from probe.messages.explain import explain
from probe.report.message_table import load_message_table
from tools.messages.library_texts import LibraryTexts


def is_covered(text: str) -> bool:
    """Return whether `explain` knows what `text` says."""
    return bool(explain(text.replace("…", " x "), load_message_table()).candidates)


def find_uncovered(texts: LibraryTexts) -> tuple[str, ...]:
    """Return the texts that are neither covered nor ignored."""
    return tuple(each for each in texts.texts if each not in texts.ignored and not is_covered(each))


def count_uncovered(texts: LibraryTexts) -> LibraryTexts:
    """Return `texts` with the number of those that are not covered today."""
    return replace(texts, not_covered=len(find_uncovered(texts)))
