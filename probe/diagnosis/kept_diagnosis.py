"""The diagnosis of one target's last attempt, kept for as long as a new one would be the same.

Attempts that saw the same differ in their times only, and a diagnosis depends on those by dates and
limits that pass. Which ones, the rules say themselves: they are run once with watched times.
"""

from collections.abc import Callable
from typing import Final

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.watched_time import Bounds, Watch, is_within
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.evidence_times import drop_times, list_times, put_times

WORTH_WATCHING: Final = 8
"""Attempts that a diagnosis has to be kept for: watching its rules costs as much as a few of them."""
PAUSE: Final = 64
"""Attempts for which the rules are not watched again, where it was not worth it or cannot be done."""


class KeptDiagnosis:
    """Diagnoses the attempts of one target: a part of its runtime."""

    __slots__ = ("_bounds", "_diagnose", "_diagnosis", "_pause", "_seen", "_used")

    def __init__(self, diagnose_: Callable[[Evidence], Diagnosis] = diagnose) -> None:
        """Keep nothing yet; `diagnose_` is what is called where nothing is kept."""
        self._diagnose = diagnose_
        self._seen: Evidence | None = None
        """The last attempt, without its times."""
        self._diagnosis: Diagnosis | None = None
        self._bounds: Bounds | None = None
        """Of the times for which the diagnosis is kept; None: for none."""
        self._used = 0
        """Attempts that it was kept for."""
        self._pause = 0
        """Attempts that are left until the rules may be watched."""

    def diagnose(self, evidence: Evidence) -> Diagnosis:
        """Return what `evidence` means: the same object as before, where that is equal."""
        seen, before = drop_times(evidence), self._diagnosis
        if before is None or seen != self._seen:
            self._seen, self._bounds, self._pause = seen, None, 0
            self._diagnosis = diagnosis = self._diagnose(evidence)
            return diagnosis
        times = list_times(evidence)
        if self._bounds is not None:
            if is_within(self._bounds, times):
                self._used += 1
                return before
            self._bounds, self._pause = None, 0 if self._used >= WORTH_WATCHING else PAUSE
        diagnosis = self._diagnose(evidence)
        if diagnosis == before:
            diagnosis = before
        self._diagnosis = diagnosis
        if self._pause:
            self._pause -= 1
        else:
            self._bounds, self._used = self._find_bounds(evidence, times, diagnosis), 0
            self._pause = PAUSE if self._bounds is None else 0
        return diagnosis

    def _find_bounds(
        self, evidence: Evidence, times: list[float], diagnosis: Diagnosis
    ) -> Bounds | None:
        """Return between which times `diagnosis` holds; None where that cannot be said."""
        try:
            watch = Watch(times)
            if self._diagnose(put_times(evidence, watch.list_times())) == diagnosis:
                return watch.bounds
        except Exception:  # noqa: BLE001  (a rule that uses a time in another way; the diagnosis stands)
            return None
        return None
