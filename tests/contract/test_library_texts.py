"""The texts that libraries can print: how many of them `explain` knows does not fall."""

from pathlib import Path

import pytest

from tools.messages.coverage import find_uncovered
from tools.messages.library_texts import (
    LibraryTexts,
    choose_texts,
    format_list,
    parse_list,
    read_lists,
)

RECORDED = list(read_lists())


@pytest.mark.parametrize(("path", "texts"), RECORDED, ids=[path.stem for path, _texts in RECORDED])
def test_no_more_texts_are_unknown_than_before(path: Path, texts: LibraryTexts) -> None:
    """Every text is covered by a row or ignored with a reason, but for the recorded number."""
    uncovered = find_uncovered(texts)
    assert len(uncovered) <= texts.not_covered, uncovered


@pytest.mark.parametrize(("path", "texts"), RECORDED, ids=[path.stem for path, _texts in RECORDED])
def test_a_recorded_list_is_written_as_it_is_read(path: Path, texts: LibraryTexts) -> None:
    """Recording again changes nothing but what the library changed."""
    assert format_list(texts) == path.read_text(encoding="utf-8")


def test_what_varies_is_an_ellipsis() -> None:
    """Placeholders of all languages are read as one, and a text of one word is none."""
    assert choose_texts(
        [
            "tls: bad alert %d of %q",
            "cannot open {path}",
            "cannot read #{file.name}",
            "a full 100%% of it",
            "closed",
        ]
    ) == ("a full 100% of it", "cannot open …", "cannot read …", "tls: bad alert … of …")


def test_an_ignored_text_stays_ignored() -> None:
    """A new version's list takes over why a text is ignored, and drops texts that are gone."""
    earlier = parse_list(
        "# library: L\n# version: 1\n# not covered: 1\na b\n\n# ignored: usage\nc d\ne f\n"
    )
    assert earlier.ignored == {"c d": "usage", "e f": "usage"}
    later = LibraryTexts("L", "2", ("a b", "c d")).ignore_as(earlier)
    assert later.ignored == {"c d": "usage"}
