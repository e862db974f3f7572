"""Reading thousands of targets takes little on the way, and nothing more each time."""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from probe.config.configuration import Configuration, reuse_targets
from probe.config.expand import expand
from probe.config.loader import load_configuration
from probe.config.location import Location
from probe.config.yaml_document import parse_yaml

pytestmark = pytest.mark.slow

TARGETS: Final = 5000
PEAK: Final = 2600
"""Bytes for each target while they are read, the targets themselves included; 2,230 on Python 3.11, and 3,480 before."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A configuration of many targets; allocations are traced meanwhile."""
    lines = (
        f"  - {{name: collector-{number:05}, endpoint: 'https://127.0.0.1:4318', "
        f"labels: {{team: team-{number % 50}}}}}\n"
        for number in range(TARGETS)
    )
    file = tmp_path / "fleet.yml"
    file.write_text("targets:\n" + "".join(lines), encoding="utf-8")
    load_configuration(file, {})
    gc.collect()
    tracemalloc.start()
    try:
        yield file
    finally:
        tracemalloc.stop()


def test_reading_takes_little_on_the_way(file: Path) -> None:
    """YAML's values are dropped before targets are made, and nothing is made twice."""
    loaded = load_configuration(file, {})

    assert len(loaded.targets) == TARGETS
    assert tracemalloc.get_traced_memory()[1] / TARGETS < PEAK


def test_reading_again_and_again_keeps_nothing(file: Path) -> None:
    """Five reloads of the same file: targets of before stay, and what was read anew is freed."""
    held: list[int] = []
    configuration = Configuration()
    for _ in range(5):
        configuration = reuse_targets(load_configuration(file, {}), configuration)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])

    assert held[-1] - held[1] < 10 * TARGETS


def test_what_holds_no_reference_is_not_copied() -> None:
    """A list or mapping with one is made anew, and its neighbours stay."""
    document = parse_yaml(b"[{name: a}, {name: '${B}'}, [1, 2]]")
    found = expand(
        document.value, Location(document), environ={"B": "b"}, read_file=lambda _path: ""
    )

    assert found.value == [{"name": "a"}, {"name": "b"}, [1, 2]]
    assert found.value[0] is document.value[0]
    assert found.value[2] is document.value[2]
    assert document.value[1] == {"name": "${B}"}
    plain = parse_yaml(b"[{name: a}]")
    assert expand(plain.value, Location(plain), environ={}, read_file=str).value is plain.value


def test_values_of_one_line_share_their_place() -> None:
    """Each still has its own line, also after a value that spans several."""
    document = parse_yaml(b"a: 1\nb: {c: 2, d: {e: 3,\n  f: 4}}\ng: 5\n")

    lines = [
        document.line(path)
        for path in (("a",), ("b",), ("b", "c"), ("b", "d", "e"), ("b", "d", "f"), ("g",))
    ]
    assert lines == [1, 2, 2, 2, 3, 4]
    assert document.find_place(("b", "c")) is document.find_place(("b", "d", "e"))
