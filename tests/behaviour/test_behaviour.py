"""The product behaves as recorded; `record.py` says how to change a recording."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.behaviour.record import RECORDED, RECORDINGS, found, recorded
from tests.behaviour.scene import Scene, scene
from tests.behaviour.writing import difference

HOW_TO_CHANGE: Final = (
    "If the change is meant, record it with `make record`, and let CHANGELOG.md say so."
)


@pytest.fixture(scope="session", name="shown")
def shown_to_the_product() -> Iterator[Scene]:
    """One demo with its files for all tests."""
    with scene() as made:
        yield made


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_product_does_what_is_recorded(name: str, shown: Scene) -> None:
    """Commands, documents, metrics, pages and rules are as recorded, except for what varies."""
    changes = difference(name, recorded(name), found(name, shown))

    if changes:
        pytest.fail(f"{changes}\n{HOW_TO_CHANGE}", pytrace=False)


def test_each_file_is_compared() -> None:
    """Every recording is compared, and none is missing."""
    assert sorted(path.stem for path in RECORDED.iterdir()) == sorted(RECORDINGS)


def test_recordings_can_be_read() -> None:
    """They have few lines, so that a change in them can be reviewed."""
    lines = sum(path.read_text().count("\n") for path in RECORDED.iterdir())

    assert lines < 5000


def test_the_product_is_not_imported() -> None:
    """Recordings are made only through the command line and HTTP."""
    for file in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not [name for name in names if name.split(".")[0] == "probe"], file


def test_a_difference_is_short_and_names_the_place() -> None:
    """A failure shows the place, the recorded value, and the present one."""
    promised = {"codes": {"check": 0, "run": 2}, "names": ["a", "b"], "kept": True}
    now = {"codes": {"check": 1, "rules": 2}, "names": ["a", "c"], "kept": True}

    assert difference("commands", promised, now).splitlines() == [
        "commands:",
        "  codes / check: was 0, is 1",
        "  codes / run: gone (was 2)",
        "  codes / rules: new (2)",
        '  names: - "b"',
        '  names: + "c"',
    ]
