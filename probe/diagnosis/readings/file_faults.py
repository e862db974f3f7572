"""How a fault that the credentials room found in a file becomes the match of its cause."""

from probe.diagnosis.cause import Match, Strength
from probe.diagnosis.fixes.steps import escape_braces
from probe.model.evidence import Evidence


def match_file_faults(evidence: Evidence, cause: str) -> Match | None:
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
    reread = "{reread_ca}" if found[0].role == "ca" else "{reread_cert}"
    if cause == "exporter_configuration_invalid":
        reread = "{restart}"
    fixes = tuple(
        (fault.fact, (*map(escape_braces, fault.fix), reread) if fault.fix else ())
        for fault in found
    )
    if strength is Strength.FINDING:
        return Match(strength, tuple(fault.fact for fault in found), each=fixes)
    return Match(
        strength,
        tuple(fact for fact, _ in fixes),
        fix=tuple(dict.fromkeys(step for _, fix in fixes for step in fix)),
    )
