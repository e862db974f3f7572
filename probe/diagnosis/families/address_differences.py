"""Addresses of one name that do not behave alike, or that nobody looks at: the next may fail."""

from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.readings.address_comparison import compare_addresses
from probe.model.evidence import Evidence


def _match_differences(evidence: Evidence) -> Match | None:
    facts = tuple(compare_addresses(evidence))
    return Match(Strength.FINDING, facts) if facts else None


def _match_left_out(evidence: Evidence) -> Match | None:
    if not evidence.addresses_left_out:
        return None
    fact = (
        f"{evidence.addresses_left_out} further addresses of {evidence.target.host} are not probed: "
        "the name has more than the probe attempts, or may attempt"
    )
    return Match(Strength.FINDING, (fact,))


CAUSES: Final = (
    Cause(
        id="addresses_differ",
        title="Addresses of the backend's name behave differently",
        family="network",
        party="backend",
        severity="warning",
        rank=Rank.ADDRESSES,
        meaning=(
            "The name leads to several addresses, and another one than the attempt's refuses "
            "connections, ends the handshake or serves another certificate. An exporter works or "
            "fails by the address that it happens to use."
        ),
        evidence=(
            "The exporter's own handshake with other addresses of the name, at most once an hour; "
            "and addresses that the attempt itself tried in vain. Always a finding, never the cause "
            "of a failure."
        ),
        fix=(
            "Bring the backend behind the address that differs into the state of the others, or "
            "remove the address from DNS.",
            "Set addresses: each for this target, so that every address of the name is probed at "
            "each interval and has its own result.",
            "To see its addresses: getent ahosts {host}",
        ),
        tell_apart=(
            "It comes and goes with the address: mtls-probe check ENDPOINT --addresses each shows "
            "the result of each."
        ),
        citations=("RFC 8305", "RFC 6724"),
        not_printed="the exporter works with the address that it uses, so it prints nothing",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_differences,
    ),
    Cause(
        id="addresses_left_out",
        title="Not every address of the backend's name is probed",
        family="internal",
        party="probe",
        severity="warning",
        rank=Rank.ADDRESSES,
        meaning=(
            "With addresses: each, 64 addresses of a name have a result, and on /probe those that the "
            "module allows. Nothing is known of the others: they may fail."
        ),
        evidence=(
            "The number of addresses that the look-up gave. Always a finding, never the cause of a "
            "failure."
        ),
        fix=(
            "Divide the name: set as endpoint of a target each the names of smaller groups, such as "
            "those of zones or of single backends.",
            "To see its addresses: getent ahosts {host}",
        ),
        tell_apart="mtls_probe_addresses_left_out counts them.",
        not_printed="it is about the probe alone",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_left_out,
    ),
)
