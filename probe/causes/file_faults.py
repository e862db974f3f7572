"""How a fault that the credentials room found in a file becomes the match of its cause."""

from probe.causes.cause import Match, Strength
from probe.evidence import Evidence


def file_match(evidence: Evidence, cause: str) -> Match | None:
    """Return the faults of this `cause`, or else the remarks that did not stop the exporter."""
    faults = [fault for fault in evidence.credentials.faults if fault.cause == cause]
    if faults:
        return Match(
            Strength.NAMED,
            tuple(fault.fact for fault in faults),
            fix=tuple(step for fault in faults for step in fault.fix),
        )
    remarks = [remark for remark in evidence.credentials.remarks if remark.cause == cause]
    if remarks:
        return Match(
            Strength.FINDING,
            tuple(remark.fact for remark in remarks),
            fix=tuple(step for remark in remarks for step in remark.fix),
        )
    return None
