"""A complete cause for tests, which the product does not have; a test can change its fields."""

from dataclasses import replace
from typing import Any, Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.model.evidence import Evidence


def _match(evidence: Evidence) -> Match | None:
    return Match(Strength.NAMED, (f"the attempt ended as {evidence.ending.kind}",))


EXAMPLE: Final = Cause(
    id="example_cause",
    title="An example for tests",
    family="network",
    party="network",
    rank=Rank.NETWORK,
    meaning="A test needs a cause.",
    evidence="The test's own evidence.",
    fix=("Look at the test that uses {endpoint}.",),
    tell_apart="It comes in tests only.",
    citations=("RFC 9293 §3.5.2",),
    applies=EVERY_ENDING,
    match=_match,
)


def build_cause(**changes: Any) -> Cause:
    """Return a cause that differs from the example in `changes`."""
    return replace(EXAMPLE, **changes)
