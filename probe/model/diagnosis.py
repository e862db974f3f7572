"""What one attempt means, as plain frozen data: the outcome, the cause, its proof and its fix."""

from typing import Literal

from probe.model.evidence import Stage
from probe.model.record import Record

Outcome = Literal["confirmed", "failed", "unconfirmed"]
Party = Literal["exporter", "backend", "network", "probe", "both", "either"]
"""Who must act: `both` where both sides are wrong, `either` where evidence leaves open which."""


class Finding(Record, frozen=True, omit_defaults=False):
    """Something true that did not stop this attempt."""

    cause: str
    fact: str
    fix: tuple[str, ...] = ()


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
    fix: tuple[str, ...] = ()
    party: Party | None = None
    """Who must act; None unless the attempt failed."""
