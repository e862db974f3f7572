"""The `Cause` type: one declarative value for each entry of the catalogue (law 3).

Everything that names or explains a cause (labels, pages, CAUSES.md, annotations, tests) derives
from these values. Law 6: a cause that does not apply is not asked, one that does not match
returns None, and the probe's own failure is a cause of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from probe.model.diagnosis import Party
from probe.model.evidence import EndingKind, Evidence

Family = Literal[
    "backend_ca_trust",
    "client_identity",
    "client_expiry",
    "san_mismatch",
    "file_format",
    "clock_skew",
    "server_identity",
    "negotiation",
    "network",
    "otlp",
    "internal",
]
Severity = Literal["critical", "warning", "info"]


class Strength(IntEnum):
    """How much a match explains; the smallest wins, the catalogue's order breaks a tie."""

    NAMED = 0
    """What ended the attempt names this cause: the alert, the verify error, the answer."""
    PROVEN = 1
    """Proven by our own files or the acceptable-CA list, and it would end the attempt so."""
    FITS = 2
    """It fits what was seen, and so may others."""
    RESIDUAL = 3
    """What remains when nothing above it matches."""
    FINDING = 4
    """True, but it did not stop this attempt."""


@dataclass(frozen=True, slots=True)
class Match:
    """That a cause fits the evidence, with its proof (law 5)."""

    strength: Strength
    facts: tuple[str, ...]
    possible: tuple[str, ...] = ()
    """Other causes that the evidence cannot rule out while this one is primary."""
    decides: str = ""
    """The one observation that would settle it, where `possible` is not empty."""
    fix: tuple[str, ...] = ()
    """Steps for exactly this evidence; the cause's own `fix` follows where this is empty."""
    party: Party | None = None
    """Who must act by this evidence; None: the cause's own `party`."""
    each: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For findings: facts that each have steps of their own, instead of `facts` with one `fix`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One entry of the catalogue."""

    id: str
    title: str
    family: Family
    documented_cause: int = 0
    party: Party
    """Who must act as a rule; a match may know better (`Match.party`)."""
    severity: Severity = "critical"
    meaning: str
    evidence: str
    fix: tuple[str, ...]
    citations: tuple[str, ...]
    applies: frozenset[EndingKind]
    """The endings at which this cause is asked at all."""
    match: Callable[[Evidence], Match | None]
    explained_by: tuple[str, ...] = ()
    """Causes that, where they match as strongly, make this one a mere consequence."""
