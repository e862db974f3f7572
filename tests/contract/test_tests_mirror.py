"""The tests of a module are found by its name: tests/unit has the rooms and modules of probe."""

from pathlib import Path
from typing import Final

from tests.contract.imports import ROOT

UNIT: Final = ROOT / "tests" / "unit"
ACROSS: Final = {
    "attempt/own_lacks": "descriptors, threads and memory run out anywhere in an attempt",
    "attempt/stalls": "a backend that stalls, through experiments and diagnosis",
    "attempt/suspended": "a process that is suspended, through the whole service",
    "cli/cli_stderr": "every command, with a stderr that is full, closed or unread",
    "cli/cli_streams": "every command, with closed streams and terminals",
    "cli/cli_usage": "every command's errors of usage",
    "cli/source_commands": "the commands that read sources",
    "cli/source_commands_page": "every source that the page of sources names",
    "config/misplaced_secrets": "every source of settings, and every command",
    "messages/jvm_traces": "stack traces of the JVM, through paste, table and verdict",
    "report/party": "every output has the same party",
    "report/source_shown": "every output shows where a target comes from",
    "service/canaries": "no output of any command or page has a secret",
    "service/canaries_service": "nor has the service's",
    "service/fairness": "metrics, pages and reloads of a fleet, and the loop meanwhile",
    "service/reloading_sources": "sources that change, through the service",
    "service/wall_clock_steps": "a clock that is set, through the service",
    "service/wrong_environment": "environments that are wrong, through the service",
    "telemetry/without_the_extra": "an installation without the extra `otel`",
}
"""Tests of what several modules do together, each with the reason."""


def modules_of(room: str) -> set[str]:
    """Return the names of a room's modules."""
    folder = ROOT / ("tests/support" if room == "support" else f"probe/{room}")
    return {path.stem for path in folder.glob("*.py")}


def is_named_after_a_module(path: Path) -> bool:
    """Return whether a test file is `test_MODULE.py` or `test_MODULE_aspect.py` of its room."""
    name = path.stem.removeprefix("test_")
    modules = modules_of(path.parent.relative_to(UNIT).as_posix())
    return any(name == module or name.startswith(f"{module}_") for module in modules)


def test_a_test_is_named_after_its_module() -> None:
    """Each file of tests/unit has a module of that room in its name, or stands in ACROSS."""
    astray = {
        path.relative_to(UNIT).with_name(path.stem.removeprefix("test_")).as_posix()
        for path in UNIT.rglob("test_*.py")
        if not is_named_after_a_module(path)
    }

    assert astray == set(ACROSS)
