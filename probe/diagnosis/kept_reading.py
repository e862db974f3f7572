"""What the evidence of one target says, kept for as long as a new look would say the same.

Attempts that saw the same differ in their times only, and what they say depends on those by dates
and limits that pass. Which ones, the functions say themselves: they are run once with watched times.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.watched_time import Bounds, Watch, is_within
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.evidence_times import is_repeat, list_times, put_times
from probe.model.shared import share

WORTH_WATCHING: Final = 8
"""Attempts that a reading has to be kept for: to watch a function costs as much as to call it a few
times."""
PAUSE: Final = 64
"""Attempts for which it is not watched again, where it was not worth it or cannot be done."""

T = TypeVar("T")


class KeptReading(Generic[T]):
    """Applies a pure function to the evidence of one target."""

    __slots__ = ("_bounds", "_evidence", "_pause", "_read", "_reading", "_used")

    def __init__(self, read: Callable[[Evidence], T]) -> None:
        """Keep nothing yet of what `read` returns."""
        self._read = read
        self._evidence: Evidence | None = None
        """Of the last attempt."""
        self._reading: T
        self._bounds: Bounds | None = None
        """Of the times for which the reading is kept; None: for none."""
        self._used = 0
        """Attempts that it was kept for."""
        self._pause = 0
        """Attempts that are left until the function may be watched."""

    def read(self, evidence: Evidence) -> T:
        """Return what `evidence` says: the same object as before, where that is equal."""
        if self._evidence is None or not is_repeat(evidence, self._evidence):
            reading = self._read(evidence)
            self._evidence, self._reading, self._bounds, self._pause = evidence, reading, None, 0
            return reading
        times = list_times(evidence)
        if self._bounds is not None:
            if is_within(self._bounds, times):
                self._used += 1
                self._evidence = evidence
                return self._reading
            self._bounds, self._pause = None, 0 if self._used >= WORTH_WATCHING else PAUSE
        reading = self._read(evidence)
        if reading == self._reading:
            reading = self._reading
        self._evidence, self._reading = evidence, reading
        if self._pause:
            self._pause -= 1
        else:
            self._bounds, self._used = self._find_bounds(evidence, times, reading), 0
            self._pause = PAUSE if self._bounds is None else 0
        return reading

    def _find_bounds(self, evidence: Evidence, times: list[float], reading: T) -> Bounds | None:
        """Return between which times `reading` holds; None where that cannot be said."""
        try:
            watch = Watch(times)
            if self._read(put_times(evidence, watch.list_times())) == reading:
                return watch.bounds
        except Exception:  # noqa: BLE001  (it uses a time in another way; the reading stands)
            return None
        return None


class KeptDiagnosis(KeptReading[Diagnosis]):
    """The diagnosis of one target: a part of its runtime."""

    __slots__ = ()

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__(_diagnose)


def _diagnose(evidence: Evidence) -> Diagnosis:
    return share(diagnose(evidence))
