"""What changed just before an outcome did: a part of a target's runtime, without I/O and clock.

The first question after a failure is what else is not as it was. Each attempt is compared with those
that went well before it. Replicas behind one address may differ for ever, which is not a change: a
value of the backend that comes back soon after another one was seen is one of a set, and a set
changes only when what replaced a member has stayed for long and the member has not been seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from probe.changes.compared_facts import (
    Fact,
    describe_facts,
    extract_facts,
    extract_key,
    find_parts,
    is_same,
)
from probe.model.change import OF_THE_BACKEND, WHATS, Change, What
from probe.model.evidence import ClockReading, Evidence

SETTLED: Final = 20
"""Attempts after which a value of the backend counts as gone: of two replicas behind one address,
one is left out as often in a row once in a million times."""
RETURNED: Final = 10
"""Attempts within which a value that comes back is one of a set, and not an undone change."""
REPORTED_FOR: Final = 86_400.0
"""Seconds for which a change that did no harm is reported."""
_KEPT: Final = 8
"""The most values of one kind that are remembered, and changes that are reported at a time."""
_SETTINGS: Final = (
    "endpoint",
    "protocol",
    "signal",
    "depth",
    "reference_identifier",
    "timeout",
    "plaintext",
    "insecure_skip_verify",
    "cert_file",
    "key_file",
    "ca_file",
    "header_names",
    "exporter",
)
"""What recorded evidence says of a target's settings, as far as it may decide an outcome."""
_PLACES: Final[Mapping[What, int]] = {what: place for place, what in enumerate(WHATS)}
_NOT_SEEN: Final = object()
_NOTHING: Final[Mapping[What, Any]] = MappingProxyType({})
"""What most targets have of what is rare: it is replaced and never changed."""
_CLOCK_STEP: Final = 5.0
"""Seconds by which a clock's offset must move to be another one; uncertainties come on top."""


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """The settings of a target between two reloads, by what the last reload changed."""

    number: int
    keys: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Seen:
    """One value, and when it was seen: times in seconds since 1970, numbers of attempts."""

    fact: Fact
    first_at: float
    last_at: float
    first: int
    last: int
    good: bool
    """Whether it was seen in an attempt that went well."""


@dataclass(slots=True)
class _Aspect:
    """The values of one kind, made when a second one is seen."""

    seen: list[_Seen]
    usual: list[_Seen]
    """Those that attempts which went well had; several only where they alternate."""
    last: _Seen


@dataclass(slots=True)
class ChangeTracker:
    """Compares the attempts of one target, in their order."""

    at_backend: Mapping[What, float] = field(default_factory=lambda: _NOTHING)
    """When the backend was last seen to have changed what."""
    settings: SettingsVersion = SettingsVersion(0, ())
    """What a reload left of the target; whoever reloads sets it."""
    settings_at: float = 0.0
    _number: int = 0
    """Of the present attempt."""
    _at: float = 0.0
    """When the attempt before it was made."""
    _good_at: float = 0.0
    """When the last attempt was made that went well; 0: none."""
    _was_good: bool = False
    _last: Evidence | None = None
    """The attempt before it."""
    _last_settings: SettingsVersion = SettingsVersion(0, ())
    """Those that it was made with."""
    _usual: list[Fact] = field(default_factory=list)
    """The values of the kinds that have had one alone, in the order of `WHATS`."""
    _aspects: Mapping[What, _Aspect] = field(default_factory=lambda: _NOTHING)
    _clock: tuple[ClockReading, ...] = ()
    """What each clock showed when one of them last moved."""
    _offset: float = 0.0
    """The one that counts."""
    _failed: Mapping[What, Fact] = field(default_factory=lambda: _NOTHING)
    """What the last attempt saw that none had that went well; all of it, where none has."""
    _lasting: tuple[Change, ...] = ()
    """Changes of the backend that did no harm, the latest last."""

    def observe(self, evidence: Evidence, *, good: bool) -> tuple[Change, ...]:
        """Take the next attempt; return what changed before it, in the order of `WHATS`.

        Args:
            evidence: What the attempt saw.
            good: Whether it ended as it should.

        Returns:
            After a failure all that no attempt that went well had; after the first one that went
            well again, what came with that; else what has changed at the backend lately and did no harm.
        """
        self._number += 1
        at, last, settings = evidence.at, self._last, self._last_settings
        self._last, self._last_settings = evidence, self.settings
        has_moved = self._take_clock(evidence.clock)
        steady = good == self._was_good and not self._aspects and not has_moved
        steady = steady and settings == self.settings
        if steady and last is not None and extract_key(evidence) == extract_key(last):
            self._at, self._good_at = at, at if good else self._good_at
            return self._list_lasting(at) if good else ()
        facts = extract_facts(evidence)
        facts["configuration"] = self.settings
        if self._clock:
            facts["clock_offset"] = self._offset
        if self._good_at:
            recovered = good and not self._was_good
            changes = self._compare(facts, at, good=good, recovered=recovered)
        else:
            recovered = good
            changes = list_differences(self._failed, facts, at, self._at) if good else ()
            self._usual = [facts.get(what, _NOT_SEEN) if good else _NOT_SEEN for what in WHATS]
            self._failed = _NOTHING if good else facts
        self._was_good, self._at = good, at
        if good:
            self._good_at = at
        return changes if recovered or not good else self._list_lasting(at)

    def _compare(
        self, facts: dict[What, Fact], at: float, *, good: bool, recovered: bool
    ) -> tuple[Change, ...]:
        changes: list[Change] = []
        failed: dict[What, Fact] = {}
        for what in WHATS:
            if what not in facts:
                continue
            fact = facts[what]
            aspect = self._follow(what, fact, at, good=good)
            if aspect is None:
                continue
            was_seen_before = aspect.last.good
            is_usual = aspect.last in aspect.usual
            if not good and not is_usual and not was_seen_before:
                failed[what] = fact
                changes.append(self._make_change(what, aspect.usual[-1], aspect.last))
            elif recovered and what in self._failed and fact != self._failed[what]:
                changes.append(self._make_recovery(what, aspect, self._failed[what], at))
            elif recovered and not was_seen_before and not is_usual:
                changes.append(self._make_change(what, aspect.usual[-1], aspect.last))
            if good:
                self._take_as_usual(what, aspect)
        self._failed = failed or _NOTHING
        return tuple(changes)

    def _follow(self, what: What, fact: Fact, at: float, *, good: bool) -> _Aspect | None:
        """Enter what was seen; return its history where there is more than one value."""
        aspect = self._aspects.get(what)
        if aspect is None:
            known = self._usual[_PLACES[what]]
            if known is _NOT_SEEN:
                if good:
                    self._usual[_PLACES[what]] = fact
                return None
            if known == fact:
                return None
            before = _Seen(known, 0.0, self._good_at, 0, self._number - 1, good=True)
            aspect = _Aspect([before], [before], before)
            self._aspects = {**self._aspects, what: aspect}
        seen = next((each for each in aspect.seen if each.fact == fact), None)
        if seen is None:
            first_at = self.settings_at if what == "configuration" else at
            seen = _Seen(fact, first_at, at, self._number, self._number, good=False)
            aspect.seen = [*aspect.seen[-_KEPT + 1 :], seen]
        elif aspect.last is not seen and what in OF_THE_BACKEND:
            if self._number - seen.last <= RETURNED:
                _join(aspect, seen, aspect.last)
            elif seen not in aspect.usual:
                seen.first, seen.first_at, seen.good = self._number, at, False
        seen.last, seen.last_at, aspect.last = self._number, at, seen
        return aspect

    def _take_as_usual(self, what: What, aspect: _Aspect) -> None:
        """Take the value of an attempt that went well as a usual one, where it has stayed."""
        now = aspect.last
        now.good = True
        if what not in OF_THE_BACKEND:
            self._replace(what, aspect, now)
            return
        if now not in aspect.usual:
            if self._number - max(each.last for each in aspect.usual) >= SETTLED:
                self._replace(what, aspect, now)
            return
        if len(aspect.usual) > 1:
            gone = [each for each in aspect.usual if self._number - each.last >= SETTLED]
            for each in gone:
                aspect.usual.remove(each)
                # A rolling restart: both were seen for a while, then the new one alone.
                if each.last - SETTLED < now.first and each.first < now.first:
                    self._report(self._make_change(what, each, now))
        others = (each for each in aspect.seen if each is not now)
        if aspect.usual == [now] and all(self._number - each.last >= SETTLED for each in others):
            self._forget(what, aspect)

    def _replace(self, what: What, aspect: _Aspect, now: _Seen) -> None:
        if aspect.usual != [now] and what in OF_THE_BACKEND:
            self._report(self._make_change(what, aspect.usual[-1], now))
        aspect.usual = [now]
        self._forget(what, aspect)

    def _forget(self, what: What, aspect: _Aspect) -> None:
        """Keep of a kind that has one value again that value alone."""
        self._aspects = {kind: kept for kind, kept in self._aspects.items() if kind != what}
        self._usual[_PLACES[what]] = aspect.last.fact

    def _report(self, change: Change) -> None:
        # What changes on the exporter's side and does no harm is renewal, day after day.
        self._lasting = (*self._lasting, change)[-_KEPT:]

    def _make_change(self, what: What, before: _Seen, now: _Seen) -> Change:
        if what in OF_THE_BACKEND:
            self.at_backend = {**self.at_backend, what: now.first_at}
        return _write_change(what, before.fact, now.fact, now.first_at, before.last_at)

    def _make_recovery(self, what: What, aspect: _Aspect, failed: Fact, at: float) -> Change:
        """Return what came with an attempt that went well again: a new value, or the one of before."""
        now = aspect.last
        before = next((each for each in aspect.seen if each.fact == failed), aspect.usual[-1])
        if now not in aspect.usual:
            return self._make_change(what, before, now)
        if what in OF_THE_BACKEND:
            self.at_backend = {**self.at_backend, what: at}
        return _write_change(what, before.fact, now.fact, at, before.last_at)

    def _list_lasting(self, at: float) -> tuple[Change, ...]:
        if self._lasting and self._lasting[0].at + REPORTED_FOR <= at:
            self._lasting = tuple(each for each in self._lasting if each.at + REPORTED_FOR > at)
        return self._lasting

    def _take_clock(self, readings: tuple[ClockReading, ...]) -> bool:
        """Take the offsets of other clocks; return whether one has moved."""
        moved: ClockReading | None = None
        for reading in readings:
            if not self._clock:
                self._offset = reading.offset
            known = next((one.offset for one in self._clock if one.source == reading.source), None)
            if known is None:
                self._clock = (*self._clock, reading)
            elif abs(reading.offset - known) > _CLOCK_STEP + reading.uncertainty:
                moved = reading
        if moved is None:
            return False
        # Where it is ours that was set, all of them move.
        self._offset = moved.offset
        self._clock = tuple({reading.source: reading for reading in readings}.values())
        return True


def compare_attempts(before: Evidence, after: Evidence) -> tuple[Change, ...]:
    """Return what differs between two recorded attempts against one target."""
    old, new = extract_facts(before), extract_facts(after)
    offsets = {reading.source: reading for reading in before.clock}
    for reading in after.clock:
        known = offsets.get(reading.source)
        if known and abs(reading.offset - known.offset) > _CLOCK_STEP + reading.uncertainty:
            old["clock_offset"], new["clock_offset"] = known.offset, reading.offset
            break
    old["configuration"] = SettingsVersion(0, ())
    changed = tuple(
        name for name in _SETTINGS if getattr(before.target, name) != getattr(after.target, name)
    )
    new["configuration"] = SettingsVersion(int(bool(changed)), changed)
    for what in old.keys() & new.keys():
        if is_same(old[what], new[what]):
            new[what] = old[what]
    return list_differences(old, new, after.at, before.at)


def list_differences(
    before: Mapping[What, Fact], after: Mapping[What, Fact], at: float, last_before: float
) -> tuple[Change, ...]:
    """Return what differs between the facts of two attempts, of what both have seen."""
    return tuple(
        _write_change(what, before[what], after[what], at, last_before)
        for what in WHATS
        if what in before and what in after and before[what] != after[what]
    )


def _write_change(what: What, before: Fact, now: Fact, at: float, last_before: float) -> Change:
    old, new = describe_facts(what, before, now)
    return Change(
        what=what,
        before=old,
        after=new,
        at=at,
        last_before=last_before,
        parts=find_parts(before, now) if what == "server_chain" else (),
    )


def _join(aspect: _Aspect, *alternating: _Seen) -> None:
    aspect.usual = [*aspect.usual, *(each for each in alternating if each not in aspect.usual)]
