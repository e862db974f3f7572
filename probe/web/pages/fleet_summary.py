"""The fleet at a glance: how many targets are how, by cause and by who must act, and bad files.

Pure counting, a target at a time, so that who counts ten thousand can pause in between.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from probe.ledger.target_runtime import TargetRuntime
from probe.model.finding import Finding
from probe.web.pages.target_filter import party_of

FILES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class FaultyFile:
    """A credential file that cannot be used, and how many targets it concerns."""

    path: str
    fact: str
    cause: str
    targets: int
    replaced: bool
    """Whether what was read from it before stays in use."""


@dataclass(slots=True)
class FleetSummary:
    """Counts over all targets, whatever the page shows of them."""

    total: int = 0
    unexpected: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    parties: Counter[str] = field(default_factory=Counter)
    _faults: Counter[tuple[str, str, str, bool]] = field(default_factory=Counter)

    def add(self, state: TargetRuntime) -> None:
        """Count one target."""
        self.total += 1
        diagnosis = state.diagnosis
        if diagnosis is None:
            self.outcomes["pending"] += 1
            return
        self.outcomes[diagnosis.outcome] += 1
        self.unexpected += not state.expected
        if diagnosis.cause:
            self.causes[diagnosis.cause] += 1
        if party := party_of(state):
            self.parties[party] += 1
        if state.evidence is not None:
            credentials = state.evidence.credentials
            self._note(credentials.faults, replaced=False)
            self._note(credentials.unusable, replaced=True)

    @property
    def faulty_files(self) -> tuple[FaultyFile, ...]:
        """The files that concern most targets, and of the rest only how many there are."""
        return tuple(
            FaultyFile(path, fact, cause, count, replaced)
            for (path, fact, cause, replaced), count in self._faults.most_common(FILES_SHOWN)
        )

    @property
    def faulty_files_left_off(self) -> int:
        """How many more there are."""
        return max(len(self._faults) - FILES_SHOWN, 0)

    def _note(self, faults: tuple[Finding, ...], *, replaced: bool) -> None:
        for one in faults:
            if one.role == "setting":
                continue  # no file of credentials; it stands at its target
            self._faults[one.path or one.role, one.fact, one.cause, replaced] += 1
