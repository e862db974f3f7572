"""What the exit codes mean (interfaces.md, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.model.diagnosis import Diagnosis
    from probe.model.evidence import Evidence
    from probe.model.target import SourceState

AS_EXPECTED: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
PROBE_FAULT: Final = 3


def exit_code(
    observations: Iterable[tuple[Evidence, Diagnosis]], sources: Iterable[SourceState] = ()
) -> int:
    """Return the code for one round: a fault of the probe's own comes before everything else.

    A source that is down is not as expected, and neither is a round without any target.
    """
    from probe.ledger.target_runtime import as_expected

    observations = tuple(observations)
    well = bool(observations) and all(state.up for state in sources)
    code = AS_EXPECTED if well else NOT_AS_EXPECTED
    for evidence, diagnosis in observations:
        if diagnosis.cause == "probe_fault":
            return PROBE_FAULT
        if not as_expected(diagnosis, evidence.target.expect_cause):
            code = NOT_AS_EXPECTED
    return code
