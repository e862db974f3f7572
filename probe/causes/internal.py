"""The probe's own failure, and what nothing explains: never blamed on the target (law 6)."""

from probe.causes.cause import Cause, Match, Strength
from probe.evidence import Evidence


def _fault(evidence: Evidence) -> Match | None:
    return Match(Strength.NAMED, (f"the probe failed: {evidence.ending.detail}",))


PROBE_FAULT = Cause(
    id="probe_fault",
    title="The probe itself failed",
    family="internal",
    party="probe",
    severity="warning",
    meaning="A bug of the probe, or a limit of the machine it runs on. It says nothing about the target.",
    evidence="An exception of ours, or EMFILE, ENFILE, ENOBUFS, ENOMEM.",
    fix=(
        "Where the reason is too many open files (EMFILE, ENFILE), raise the probe's "
        "limit: LimitNOFILE= of its systemd unit, or ulimit -n before it starts; then "
        "restart the probe.",
        "Where it is memory or threads (ENOMEM, EAGAIN), raise the limits of its "
        "container or unit.",
        "Otherwise report it with the log line that names the exception; the attempt "
        "was on {endpoint}.",
    ),
    citations=(),
    applies=frozenset({"probe_fault"}),
    match=_fault,
)

UNEXPLAINED = Cause(
    id="unexplained",
    title="The evidence matches no cause",
    family="internal",
    party="probe",
    severity="warning",
    meaning="The attempt failed in a way that the catalogue does not know: a gap of the probe.",
    evidence="No cause of the catalogue matches.",
    fix=(
        "Report it with the evidence file of {endpoint}: mtls-probe check --evidence "
        "evidence writes it into the folder evidence, without keys and header values, "
        "and mtls-probe diagnose says the same of it.",
    ),
    citations=(),
    applies=frozenset(),
    match=lambda _evidence: None,
)

CAUSES = (PROBE_FAULT, UNEXPLAINED)
