"""Configurations with one mistake each: the probe fails where a real Collector refuses to start.

What a Collector with many components says of each of them is measured and written down; a sample is
measured anew.
"""

import json
import random
import re
import subprocess
from pathlib import Path

import pytest

from probe.config.sources.collector.known_components import load_known_collector
from tests.lab.collector_start.configurations import GOOD, generate
from tests.lab.collector_start.judged import Judged, judge
from tests.lab.collector_start.measure import MEASURED, validate

OURS_ONLY = {"exporters.debug.verbosity = 100000000000000000000"}
"""Refused here, and taken there: a number that Go cannot hold becomes a word by accident."""
THEIRS_ONLY = {"receivers.jaeger = '${env:NOT_SET}'"}
"""Taken here, and refused there."""
UNREADABLE = {
    *(f"written {name}" for name in ("duplicate key", "duplicate below", "tab", "not closed")),
    "written profiles",
    "written spaces in ids",
}
"""The text is not YAML, or the exporter itself cannot work."""
MOST_MISSED = 0.01
PLAIN = "receivers: {nop: }", "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}"


@pytest.fixture(scope="module")
def measured() -> dict[str, str]:
    """Return what the Collector says of each configuration; empty where it takes it."""
    held: dict[str, str] = json.loads(MEASURED.read_bytes())
    return held


@pytest.fixture(scope="module")
def texts(measured: dict[str, str]) -> dict[str, str]:
    """Return the configurations by id."""
    made = generate(len(measured))
    assert list(made) == list(measured)
    return made


@pytest.fixture(scope="module")
def judged(texts: dict[str, str]) -> dict[str, Judged]:
    """Return what the probe makes of each."""
    return {name: judge(text) for name, text in texts.items()}


def test_nothing_that_a_collector_refuses_is_good(
    measured: dict[str, str], judged: dict[str, Judged]
) -> None:
    """Never exit 0 where the real one does not start; what is missed is named and rare."""
    refused = [name for name, said in measured.items() if said]
    missed = {name for name in refused if not judged[name].faults}
    assert len(refused) > 600
    assert missed == THEIRS_ONLY
    assert len(missed) < MOST_MISSED * len(refused)


def test_nothing_that_a_collector_takes_is_stopped(
    measured: dict[str, str], judged: dict[str, Judged]
) -> None:
    """At most one exporter fails by itself, which the real one would have never exported by."""
    taken = [name for name, said in measured.items() if not said]
    assert len(taken) > 200
    assert {name for name in taken if judged[name].whole_fails} == OURS_ONLY
    assert all(judged[name].good_is_probed for name in taken)


def test_a_good_neighbour_is_always_probed(
    measured: dict[str, str], texts: dict[str, str], judged: dict[str, Judged]
) -> None:
    """But where nothing of the text can be read, or where it is wrong itself."""
    stopped = {
        name
        for name, text in texts.items()
        if measured[name] and GOOD in text and not judged[name].good_is_probed
    }
    assert stopped == UNREADABLE


def test_a_sample_is_as_it_was_measured(
    otelcol: Path, measured: dict[str, str], texts: dict[str, str], tmp_path: Path
) -> None:
    """With the Collector of the other tests, which has fewer components."""
    names = [name for name, text in texts.items() if name.startswith("written ") and _fits(text)]
    sample = random.Random(tmp_path.name).sample(names, 40)
    live = {name: bool(validate(otelcol, _adapt(texts[name]), tmp_path)) for name in sample}
    assert live == {name: bool(measured[name]) for name in sample}


def _fits(text: str) -> bool:
    """Return whether the Collector of the other tests has the components."""
    others = ("connectors", "processors", "extensions", "zipkin", "batch", "nosuch", "[nop,")
    return PLAIN[0] in text and not any(word in text for word in others)


def _adapt(text: str) -> str:
    return text.replace(PLAIN[0], PLAIN[1]).replace("[nop]", "[otlp]").replace("[ nop ]", "[otlp]")


def test_the_shipped_table_is_of_the_collector_that_is_built(otelcol: Path) -> None:
    """Its release, and every component that it has with the names that it goes by."""
    listed = subprocess.run(
        [str(otelcol), "components"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    known = load_known_collector()
    section = ""
    seen = set()
    for line in listed.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            section = line[:-1]
        if section in known.components and (found := re.fullmatch(r"    - name: (\S+)", line)):
            seen.add((section, found[1]))
    assert len(seen) >= 5, listed
    assert seen <= {
        (section, name) for section in known.components for name in known.components[section]
    }
    for name in ("otlp_grpc", "otlp_http", "debug"):
        assert f"exporter/{_MODULES[name]} {known.components['exporters'][name].release}" in listed


_MODULES = {"otlp_grpc": "otlpexporter", "otlp_http": "otlphttpexporter", "debug": "debugexporter"}
