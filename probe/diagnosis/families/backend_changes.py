"""What a backend did to its trust or its certificate while it still accepts this client."""

from typing import Final

from probe.diagnosis.cause import Cause, Match, Rank, Strength
from probe.diagnosis.readings.changes import describe_change, find_harmful_changes
from probe.model.evidence import Evidence
from probe.text.time_format import format_time


def _match_changed(evidence: Evidence) -> Match | None:
    facts = tuple(
        f"{describe_change(change)}, first seen at {format_time(change.at)}"
        for change in find_harmful_changes(evidence)
    )
    return Match(Strength.FINDING, facts) if facts else None


CAUSES: Final = (
    Cause(
        id="backend_changed",
        title="The backend has changed whom it trusts, or who issues its certificate",
        family="backend_ca_trust",
        party="backend",
        severity="info",
        rank=Rank.BACKEND_CHANGES,
        meaning=(
            "The backend accepts this client as before. But its list of accepted CAs has lost one, so "
            "that exporters with certificates of that CA are refused; or its certificate has another "
            "issuer, so that exporters whose ca_file lacks that CA refuse the backend."
        ),
        evidence=(
            "The list of accepted CAs and the chain of earlier attempts that went well, for a day. "
            "What alternates between replicas is one set, and no change. Always a finding, never the "
            "cause of a failure."
        ),
        fix=(
            "Compare the change with what was meant to be rolled out, and renew what other exporters "
            "still have of the CA of before.",
            "To see what the backend asks for and presents now: mtls-probe check {endpoint} -v",
        ),
        tell_apart=(
            "The fact names what is gone and what is new. A CA that was removed too early shows at "
            "other exporters as client_ca_untrusted, a new issuer as server_ca_untrusted."
        ),
        citations=("RFC 8446 §4.2.4",),
        not_printed="this exporter goes on working, so it prints nothing",
        finding_only=True,
        applies=frozenset({"answered", "application_data"}),
        match=_match_changed,
    ),
)
