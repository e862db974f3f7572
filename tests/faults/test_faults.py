"""The short form of the check with injected faults; `make faults` runs any number of them.

While a probe runs, faults are injected into real servers, names, files and the probe itself; every
attempt that it made is compared with what was true at that moment.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import real_servers
from tests.faults.fault import TargetFault
from tests.faults.name_server import rights_cannot_be_dropped, unavailable
from tests.faults.plan import TARGET_FAULTS, steps, take
from tests.faults.probe_troubles import PROBE_TROUBLES
from tests.faults.report import report
from tests.faults.run import Run, raised_descriptors, run_steps
from tests.faults.world import SITES, World, world
from tests.support.required_tools import missing

SEED = int(os.environ.get("SEED", "20"))
STEPS = -(-3 * len(PROBE_TROUBLES) // 2)
"""Every problem of the probe comes once in this many steps."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[World]:
    """A new world."""
    with raised_descriptors(), world(tmp_path) as made:
        for behaviour in ("go", "otelcol"):
            if reason := real_servers.missing(behaviour):
                missing(f"{behaviour}: {reason}")
        yield made


@pytest.mark.serial
def test_every_verdict_holds(made: World) -> None:
    """No success while a fault is in force, no certain wrong cause, no target blamed for the probe's problem."""
    run = Run(SEED)
    planned = take(steps(SEED, list(made.sites.values())), STEPS)
    judgement = run_steps(made, run, planned, lambda _run: False, print)
    if judgement.complaints:
        pytest.fail(report(judgement, run.happened, SEED), pytrace=False)
    assert judgement.found > len(run.happened) / 3
    assert judgement.judged > len(made.sites) * 2 * STEPS
    assert judgement.own < judgement.judged / 20


def test_names_and_rights_can_be_taken_here() -> None:
    """What this machine does not allow is reported, instead of being skipped silently."""
    reasons = [reason for reason in (unavailable(), rights_cannot_be_dropped()) if reason]
    if reasons:
        pytest.skip(f"faults left out: {'; '.join(reasons)}")


def test_a_step_is_the_same_by_itself() -> None:
    """The seed and a step's number determine everything in it."""
    first, again = (take(steps(7, SITES), 20) for _ in range(2))
    assert first == again
    assert take(steps(8, SITES), 20) != first


def test_every_kind_of_fault_has_its_turn() -> None:
    """In a few hundred faults each kind occurs, and no step has two faults of one target."""
    planned = take(steps(1, SITES), 120)
    struck = {strike.fault.name for step in planned for strike in step.strikes}
    assert struck == {each.name for each in (*TARGET_FAULTS, *PROBE_TROUBLES)}
    for step in planned:
        targets = [strike.site for strike in step.strikes if isinstance(strike.fault, TargetFault)]
        assert len(targets) == len(set(targets))
        assert len(step.strikes) - len(targets) <= 1
