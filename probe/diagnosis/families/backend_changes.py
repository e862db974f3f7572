"""What a backend did to its trust or its certificate while it still accepts this client."""

from collections.abc import Iterator
from typing import Final

from probe.changes.describe_change import describe_change
from probe.diagnosis.cause import Cause, Match, Rank, Strength
from probe.model.change import Change
from probe.model.evidence import Evidence
from probe.text.time_format import format_time


def _match_changed(evidence: Evidence) -> Match | None:
    facts = tuple(
        f"{describe_change(change)}, first seen at {format_time(change.at)}"
        for change in _find_harmful_changes(evidence)
    )
    return Match(Strength.FINDING, facts) if facts else None


def _find_harmful_changes(evidence: Evidence) -> Iterator[Change]:
    """Yield the changes of a backend that accepts this client and may refuse others, or be refused."""
    for change in evidence.changed:
        if (change.what == "acceptable_cas" and change.removed and change.after) or (
            change.what == "server_chain" and "issuer" in change.parts
        ):
            yield change


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
