"""What one attempt means, as plain frozen data: the outcome, the cause, its proof and its fix."""

from typing import Literal

from probe.model.evidence import Stage
from probe.model.finding import Finding
from probe.model.record import Record

Outcome = Literal["confirmed", "failed", "unconfirmed"]
Party = Literal["exporter", "backend", "network", "probe", "both", "either"]
"""Who must act: `both` where both sides are wrong, `either` where evidence leaves open which."""


class Diagnosis(Record, frozen=True, omit_defaults=False):
    """What one attempt means."""

    outcome: Outcome
    stage: Stage
    cause: str | None = None
    family: str | None = None
    documented_cause: int = 0
    certain: bool = True
    also: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    facts: tuple[str, ...] = ()
    would_decide: str = ""
    """What would decide between the causes that the evidence leaves open; empty where it is certain."""
    fix: tuple[str, ...] = ()
    party: Party | None = None
    """Who must act; None unless the attempt failed."""

    @property
    def all_facts(self) -> tuple[str, ...]:
        """What was seen, and last what nobody has looked at yet, as one list for outputs."""
        if not self.would_decide:
            return self.facts
        return (*self.facts, f"not certain; what would decide: {self.would_decide}")
