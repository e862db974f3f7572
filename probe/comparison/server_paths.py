"""Where exporters of other runtimes make something else of the backend's certificates.

By the verdict of each runtime's own model on the same chain (`Evidence.other_paths`).
"""

from collections.abc import Iterator

from probe.comparison.verdict import Verdict
from probe.diagnosis.readings.path_fault_text import describe_fault, name_faulty
from probe.diagnosis.readings.server_verification import (
    get_unverified_handshake,
)
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence


def judge_server_path(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Yield who trusts the backend where the target's exporter does not, and the reverse."""
    handshake = evidence.handshake
    if handshake is None or evidence.target.insecure_skip_verify:
        return
    stopped = get_unverified_handshake(evidence) is not None
    own = next(iter(handshake.path_faults), None)
    for other in evidence.other_paths:
        fault = next(iter(other.faults), None)
        if fault is None:
            if stopped and own is not None:
                broken = f"{name_faulty(evidence, own)} {describe_fault(own)}"
                yield Verdict(
                    other.runtime, "works", "", f"it accepts what stops this exporter: {broken}"
                )
            continue
        because = f"{name_faulty(evidence, fault)} {describe_fault(fault)}"
        yield Verdict(other.runtime, "same" if stopped else "fails", fault.says, because)
