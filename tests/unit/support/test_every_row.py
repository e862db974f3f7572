"""A table is tested row by row within one test, and a failure says which row it was."""

from pathlib import Path

import pytest

from tests.support.every_row import every_row


def test_every_row_is_tried_and_the_failing_one_is_named() -> None:
    """Rows of two tables are combined; the note has the values."""
    tried = []

    @every_row(letter="ab", number=[1, 2])
    def check(letter: str, number: int) -> None:
        tried.append((letter, number))
        assert (letter, number) != ("b", 1)

    with pytest.raises(AssertionError) as caught:
        check()
    assert tried == [("a", 1), ("a", 2), ("b", 1)]
    assert caught.value.__notes__ == ["with letter = 'b', number = 1"]


@every_row(number=range(3))
def test_fixtures_are_passed(tmp_path: Path, number: int) -> None:
    """A test of a table asks for fixtures as any other does, once for all rows."""
    (tmp_path / f"{number}").touch()
    assert len(list(tmp_path.iterdir())) == number + 1


def test_an_empty_table_is_refused() -> None:
    """It would pass whatever the code does."""
    with pytest.raises(AssertionError, match="proves nothing"):
        every_row(number=())
