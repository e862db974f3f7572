"""How a fault that the credentials room found in a file becomes the match of its cause."""

from probe.causes.cause import Match, Strength
from probe.evidence import Evidence


def file_match(evidence: Evidence, cause: str) -> Match | None:
    """Return the faults of this `cause` that ended the attempt, else what did not stop it.

    An exporter that sends in clear does not read its files: there a fault stops nothing.
    """
    credentials = evidence.credentials
    if not (credentials.faults or credentials.unusable or credentials.remarks):
        return None
    found = [fault for fault in credentials.faults if fault.cause == cause]
    strength = Strength.NAMED if evidence.ending.kind == "credentials" else Strength.FINDING
    if not found:
        beside = (*credentials.unusable, *credentials.remarks)
        found = [remark for remark in beside if remark.cause == cause]
        strength = Strength.FINDING
    if not found:
        return None
    return Match(
        strength,
        tuple(fault.fact for fault in found),
        fix=tuple(step for fault in found for step in fault.fix),
    )
