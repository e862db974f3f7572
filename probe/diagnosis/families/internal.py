"""The probe's own failure, and what nothing explains: never blamed on the target."""

from typing import Final

from probe.diagnosis.cause import Cause, Match, Rank, Strength
from probe.model.evidence import Evidence


def _match_fault(evidence: Evidence) -> Match | None:
    return Match(Strength.NAMED, (f"the probe failed: {evidence.ending.detail}",))


CAUSES: Final = (
    Cause(
        id="probe_fault",
        title="The probe itself failed",
        family="internal",
        party="probe",
        severity="warning",
        rank=Rank.PROBE,
        meaning=(
            "A bug of the probe, or a limit of the machine it runs on: descriptors, memory, "
            "threads, source ports, or time, where its process was suspended or got too little "
            "CPU; or a certificate that the probe's TLS library cannot read and the exporter can. "
            "It says nothing about the target."
        ),
        evidence=(
            "An exception of ours; EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN of a thread, "
            "EADDRNOTAVAIL of a source port; look-ups of other names that hold every place; a "
            "certificate that OpenSSL cannot parse and that the exporter's own rules accept; or a "
            "deadline that passed while the process could not act, with nothing read that says "
            "more."
        ),
        fix=(
            "Where the process was held up, give the probe more CPU (in Kubernetes raise "
            "resources.limits.cpu, or leave it out), and do not suspend it or its machine.",
            "Where the reason is too many open files (EMFILE, ENFILE), raise the hard limit: "
            "LimitNOFILE= of the probe's systemd unit, or ulimit -Hn before it starts; then "
            "restart the probe, which raises the soft limit to it by itself.",
            "Where it is memory or threads (ENOMEM, EAGAIN), raise the limits of its container or "
            "unit (TasksMax=, ulimit -u, or the pod's limit of pids).",
            "Otherwise report it with the log line that names the exception; the attempt was on "
            "{endpoint}.",
        ),
        tell_apart="The text is the probe's own: report it.",
        not_printed="the probe's own failure: no exporter has a part in it",
        applies=frozenset({"probe_fault"}),
        match=_match_fault,
    ),
    Cause(
        id="unexplained",
        title="The evidence matches no cause",
        family="internal",
        party="probe",
        severity="warning",
        rank=Rank.UNKNOWN,
        meaning="The attempt failed in a way that the catalogue does not know: a gap in the probe.",
        evidence="No cause of the catalogue matches.",
        fix=(
            "Report it with the evidence file of {endpoint}: mtls-probe check --evidence evidence "
            "writes it into the folder evidence, without keys and header values, and mtls-probe "
            "diagnose says the same of it.",
        ),
        tell_apart="Run mtls-probe check ENDPOINT and read its facts.",
        not_printed="a gap in the catalogue: nothing is known",
        applies=frozenset(),
        match=lambda _evidence: None,
    ),
)
