"""Every row of the shipped table is sound, whoever wrote it."""

from collections import defaultdict
from typing import Final

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.messages.table import SIDES, Level, TableError, parse_table
from probe.model.runtime import EXPORTERS
from probe.report.message_table import load_message_table

TABLE: Final = load_message_table()
MOST_CAUSES: Final = 6
SHORTEST_WORD: Final = 8
"""Letters of a word that may be a row alone: shorter ones are names of pods, hosts and classes."""


def test_a_meaning_names_at_most_six_causes_of_the_catalogue() -> None:
    """More would be no answer; an unknown one would have no page."""
    for meaning in TABLE.meanings.values():
        assert len(meaning.server) <= MOST_CAUSES, meaning.name
        assert len(meaning.client) <= MOST_CAUSES, meaning.name
        named = {*meaning.server, *meaning.client, *meaning.also_server, *meaning.also_client}
        assert named <= set(CATALOGUE), meaning.name
        assert meaning.why, meaning.name


def test_a_row_is_printed_by_exporters_that_exist() -> None:
    """`by` and the exporters of advice and markers are ids of `probe/model/runtime.py`."""
    known = set(EXPORTERS)

    assert {who for row in TABLE.rows for who in row.exporters} <= known
    assert {who for advice in TABLE.advice for who in advice.exporters} <= known
    assert {who for _, who in TABLE.anywhere} <= {*known, *SIDES}


def test_every_exporter_has_markers_and_advice() -> None:
    """Whoever's exporter printed a text learns the names of its own settings."""
    assert {who for _, who in TABLE.anywhere} - {*SIDES} == set(EXPORTERS)
    assert {who for advice in TABLE.advice for who in advice.exporters} == set(EXPORTERS)


def test_advice_is_about_causes_of_the_catalogue() -> None:
    """Each piece is a sentence that some candidate can bring about."""
    for advice in TABLE.advice:
        assert advice.causes, advice.text
        assert set(advice.causes) <= set(CATALOGUE), advice.text
        assert advice.text.endswith((".", "KEY")), advice.text


def test_no_marker_of_an_exporter_is_a_common_word() -> None:
    """It is looked for as it stands, anywhere."""
    for mark, _ in TABLE.anywhere:
        assert len(mark) >= SHORTEST_WORD - 1, mark
        assert not mark.isalpha() or len(mark) >= SHORTEST_WORD, mark


def test_a_row_has_its_source() -> None:
    """Nothing is invented: a row, or its file, says where it was read or seen."""
    assert [row.text for row in TABLE.rows if not row.source] == []


def test_no_file_says_two_things_of_the_same_words() -> None:
    """Of one library, a text stands for the same causes wherever it is."""
    said: dict[tuple[object, ...], set[tuple[str, ...]]] = defaultdict(set)
    for row in TABLE.rows:
        if row.meaning is not None and row.meaning.level is not Level.CONTEXT:
            said[row.file, row.parts, row.sent].add((*row.meaning.server, "", *row.meaning.client))

    assert {key: names for key, names in said.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "file",
    [
        '[[text]]\nprint = ["connection refused"]\nmeans = "unknown"',
        '[[text]]\nprint = ["…"]\nmeans = "known"',
        '[[text]]\nmeans = "known"',
        '[[number]]\nforms = ["{other}"]\nmeans = { 1 = "known" }',
    ],
)
def test_a_row_that_is_not_sound_is_refused(file: str) -> None:
    """A meaning that is not there, no words, no text, a form that cannot be filled."""
    meanings = '[known]\nwhy = "it is known"\nlevel = "reason"\ncauses = ["tcp_refused"]'

    with pytest.raises(TableError):
        parse_table({"meanings": meanings, "some": file})
