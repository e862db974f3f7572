"""The stage `load`: what ends an attempt before anything is sent.

Settings that no exporter can work with, files that keep an exporter from starting, and what this
probe itself cannot do though an exporter may: each is another ending.
"""

from probe.attempt.prepared import target_facts, with_setting_faults
from probe.credentials.tls_context import Credentials
from probe.model.certificate import CredentialFacts
from probe.model.evidence import Ending, Evidence
from probe.model.target import Target
from probe.model.trace_context import TraceContext
from probe.text.safe_text import safe_text


def judge_load(
    target: Target, credentials: Credentials, facts: CredentialFacts
) -> tuple[CredentialFacts, Ending | None]:
    """Return what is known of the files and settings, and how the attempt ends for them.

    `facts` are those of the files as they are now. None: the attempt goes on.
    """
    if target.faults:
        # Not tried: nothing that was sent would be what an exporter sends.
        return with_setting_faults(facts, target), Ending(stage="load", kind="credentials")
    if target.plaintext:
        return facts, None
    if facts.faults:
        return facts, Ending(stage="load", kind="credentials")
    if lacking := credentials.find_library_limit():
        return facts, Ending(stage="load", kind="probe_fault", detail=lacking)
    return facts, None


def evidence_of_limit(
    target: Target, error: ValueError, at: float, clock_tolerance: float, trace: TraceContext | None
) -> Evidence:
    """Return the evidence where the probe cannot make the target's request, for the reason `error`.

    It is a limit of the probe's own, as on the length of headers: exporters may be beyond it.
    """
    return Evidence(
        target=target_facts(target, clock_tolerance),
        at=at,
        ending=Ending(stage="load", kind="probe_fault", detail=safe_text(str(error))),
        trace=trace,
    )
