"""The last attempts of a target in short, packed: of a fleet they are most of what is remembered."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, overload

from probe.model.record import Record
from probe.model.shared import share

HISTORY: Final = 60
"""How many attempts of a target are remembered."""

_Kind = tuple[str, str | None, bool]


class HistoryEntry(Record, frozen=True):
    """One past attempt in short; `at` is epoch seconds, `duration` seconds over all stages."""

    at: float
    outcome: str
    cause: str | None
    expected: bool
    duration: float


class History(Sequence[HistoryEntry]):
    """The last `HISTORY` attempts, oldest first: 20 bytes each, where an entry has 130."""

    __slots__ = ("_kinds", "_times", "_which")

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._times = array("d")
        """When each attempt was, and how long it took."""
        self._which = bytearray()
        """The place in `_kinds` of each attempt's kind."""
        self._kinds: tuple[_Kind, ...] = ()
        """How attempts ended; most targets know one way, and the same one."""

    def __len__(self) -> int:
        """Return how many attempts are remembered."""
        return len(self._which)

    @overload
    def __getitem__(self, place: int) -> HistoryEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[HistoryEntry]: ...
    def __getitem__(self, place: int | slice) -> HistoryEntry | list[HistoryEntry]:
        """Return an attempt, or several; -1 is the last one."""
        if isinstance(place, slice):
            return [self._get(each) for each in range(len(self))[place]]
        return self._get(range(len(self))[place])

    def __iter__(self) -> Iterator[HistoryEntry]:
        """Iterate over the attempts, the oldest first."""
        return map(self._get, range(len(self)))

    def add(self, at: float, duration: float, kind: _Kind) -> None:
        """Remember an attempt; the oldest is forgotten where there are `HISTORY`.

        Args:
            at: when it was, epoch seconds.
            duration: seconds over all stages.
            kind: its outcome, its cause, and whether that was expected.
        """
        if len(self._which) == HISTORY:
            del self._which[0], self._times[:2]
            if len(self._kinds) > HISTORY:
                self._forget_kinds()
        if kind not in self._kinds:
            self._kinds = share((*self._kinds, kind))
        self._which.append(self._kinds.index(kind))
        self._times.extend((at, duration))

    def _get(self, place: int) -> HistoryEntry:
        outcome, cause, expected = self._kinds[self._which[place]]
        at, duration = self._times[2 * place], self._times[2 * place + 1]
        return HistoryEntry(
            at=at, outcome=outcome, cause=cause, expected=expected, duration=duration
        )

    def _forget_kinds(self) -> None:
        """Keep only the kinds that a remembered attempt has."""
        each = [self._kinds[place] for place in self._which]
        self._kinds = tuple(dict.fromkeys(each))
        self._which = bytearray(map(self._kinds.index, each))
