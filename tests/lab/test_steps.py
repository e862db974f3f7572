"""The steps that are printed, followed by the letter, make a real exporter export again.

One fault each, on two real Collectors: `mtls-probe check` prints what to do, each command in it is
typed into a shell, everything else is done by an operator who does what the words say. Then the
check is green, with exit code 0, and a span gets through.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.lab.following.faults import FAULTS, Fault
from tests.lab.following.operator import Operator
from tests.lab.following.stage import Stage, stage
from tests.support.required_tools import missing

SECONDS: Final = 15.0
"""Within which an exporter that was refused connects again by itself."""

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))


def repair(
    there: Stage,
    fault: Fault,
    follow: Callable[[Operator, tuple[str, ...]], None] = Operator.follow,
) -> Operator:
    """Spoil the stage, follow what is printed, and expect that all is well again."""
    originals = there.read_files()
    fault.spoil(there)
    there.start()
    assert bool(there.clock) == there.exports(), "a clock of ours stops the probe alone"
    before, code = there.check()
    assert (before["cause"], code) == (fault.cause, 1), before["facts"]

    person = Operator(there, originals)
    follow(person, tuple(before["fix"]))

    after, code = there.check()
    assert after["outcome"] == "confirmed", (before["fix"], after["cause"], after["facts"])
    assert code == 0
    assert there.exports(within=SECONDS), before["fix"]
    return person


def require(fault: Fault) -> None:
    """Skip where a command is not installed that the steps run."""
    absent = [name for name in fault.needs if shutil.which(name) is None]
    if absent:
        missing(f"not installed: {', '.join(absent)}")


@every_fault
def test_over_grpc(fault: Fault, otelcol: Path) -> None:
    """The probe has the exporter's configuration alone, as on an application's host."""
    require(fault)
    with stage(otelcol) as there:
        repair(there, fault)


@pytest.mark.parametrize(
    "name",
    ["certificate_of_another_team", "self_signed_certificate", "address_without_an_ip_san",
     "ports_swapped", "plaintext_receiver"],
)  # fmt: skip
def test_the_other_way_that_is_printed_leads_there_too(name: str, otelcol: Path) -> None:
    """Where the steps name an alternative, it does without the others."""
    with stage(otelcol) as there:
        repair(there, FAULTS[name], Operator.follow_other_way)
