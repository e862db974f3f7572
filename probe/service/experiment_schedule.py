"""When experiments are made, and how long the results of earlier ones are reused.

A round is made when the comparable outcome changes, then at most once an hour. While that outcome
stays the same, every later attempt reuses the round's results: a proven cause does not flap. If the
unvaried handshake ended in another way than the attempt, the results count for that attempt only.
A variation that would prove a cause is made four to eight times, each time after an unvaried
handshake: otherwise a backend that closes connections at random would prove it.
A target that flaps gets a few rounds an hour at most. Ages are measured with the monotonic clock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import msgspec.structs

from probe.diagnosis.open_questions import choose_experiments, get_comparable_outcome
from probe.diagnosis.readings.address_comparison import (
    choose_other_addresses,
    is_alike,
    read_own_address,
)
from probe.diagnosis.readings.backend_decision import is_confirmed
from probe.diagnosis.readings.experiment_results import (
    SELF_EVIDENT,
    choose_repetitions,
    is_reproduced,
)
from probe.ledger.target_runtime import TargetRuntime
from probe.model.evidence import Ending, Evidence, Experiment, OtherAddress, Varied
from probe.model.shared import share

HOUR: Final = 3600.0
LEAST_REPEATS: Final = 3
"""Repeats, at least, of a variation that went further. If a backend closes 6 of 10 connections at
random, one round without repeats is wrong in 55 % of cases, with three repeats in 2 % (simulated)."""
MOST_REPEATS: Final = 7
"""Repeats while the round has used less than half of its time: then it is hardly ever wrong. They
cost 14 handshakes, only where a variation went further, and at most once an hour."""
MOST_ROUNDS_PER_HOUR: Final = 4
"""Rounds of one target in an hour, even if its outcome changes more often."""

MakeRound = Callable[[Sequence[Varied], float], Awaitable[tuple[Experiment, ...]]]
"""Makes the unvaried handshake, then the given variations, within the given number of seconds."""


TryAddresses = Callable[[Sequence[str], float], Awaitable[tuple[OtherAddress, ...]]]
"""Makes a handshake with each of the addresses, within the given number of seconds."""


@dataclass(slots=True)
class _OtherAddresses:
    """How other addresses of one target's name were, stored in its runtime."""

    begun: float | None = None
    """When they were last tried, monotonic seconds."""
    known: dict[str, OtherAddress] = field(default_factory=dict)
    """By address, that of the attempt then included."""


@dataclass(frozen=True, slots=True)
class _Round:
    """A round whose results still hold, the comparable outcome it belongs to, and its monotonic time."""

    experiments: tuple[Experiment, ...]
    outcome: tuple[object, ...]
    at: float


@dataclass(slots=True)
class _ExperimentHistory:
    """One target's earlier rounds, stored in its runtime."""

    begun: tuple[float, ...] = ()
    """Start times of the last rounds, in monotonic seconds."""
    holding: _Round | None = None
    ending: Ending | None = None
    """Of the last attempt that was looked at."""


class ExperimentSchedule:
    """Adds to an attempt's evidence the experiments that answer what it left open."""

    def __init__(
        self,
        *,
        enabled: bool = True,
        concurrency: int = 4,
        wait_for_slot: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Take the bounds.

        Args:
            enabled: False makes none, ever.
            concurrency: how many rounds may be under way over all targets.
            wait_for_slot: True: an attempt waits for a slot, at most for the time limit of its round.
                False: if all slots are taken it goes on without a round; the next attempt tries again.
            clock: monotonic seconds.
        """
        self._enabled = enabled
        self._slots = asyncio.Semaphore(concurrency)
        # Addresses that do not answer take long: rounds that decide a cause keep half of the slots.
        self._comparisons = asyncio.Semaphore(max(concurrency // 2, 1))
        self._wait_for_slot = wait_for_slot
        self._clock = clock

    async def add_experiments(
        self,
        runtime: TargetRuntime,
        evidence: Evidence,
        make: MakeRound,
        limit: float,
        *,
        repeats: bool = False,
    ) -> Evidence:
        """Return `evidence` with what experiments show.

        Args:
            runtime: of the target; the rounds that still hold are kept in it.
            evidence: of the attempt that was just made.
            make: makes a round for this attempt.
            limit: seconds for a round, and again for the wait for a slot; 0: no round is made.
            repeats: whether the attempt saw what the one before it saw: a round that holds for that
                one then holds for this one too.
        """
        history = runtime.get_store(_ExperimentHistory)
        # The ending is the same object in attempts that repeat, and only the last one's is kept.
        if repeats and limit > 0 and history.ending is evidence.ending:
            holding = None if evidence.ending.kind == "probe_fault" else history.holding
            if holding is not None and self._clock() - holding.at < HOUR:
                return _with_earlier(evidence, holding)
        history.ending = evidence.ending
        varied = choose_experiments(evidence)
        earlier = _earlier_round(history, evidence, varied)
        if not (varied and self._enabled and limit > 0):
            return evidence
        if earlier is not None and self._clock() - earlier.at < HOUR:
            return _with_earlier(evidence, earlier)
        made: tuple[Experiment, ...] = ()
        if await self._acquire(self._slots, limit):
            try:
                if self._may_begin(history):
                    made = await self._make_round(history, evidence, varied, make, limit)
            finally:
                self._slots.release()
        if earlier is not None and (not made or _is_our_failure(made)):
            return _with_earlier(evidence, earlier)
        return msgspec.structs.replace(evidence, experiments=made)

    async def add_other_addresses(
        self, runtime: TargetRuntime, evidence: Evidence, make: TryAddresses, limit: float
    ) -> Evidence:
        """Return `evidence` with how other addresses of the name are, tried at most once an hour.

        What is known holds while attempts at addresses that were tried end as they did then.

        Args:
            runtime: of the target; what is known is kept in it.
            evidence: of the attempt that was just made.
            make: makes a handshake with each address.
            limit: seconds for all of them, and for the wait for a slot; 0: none is tried.
        """
        others = choose_other_addresses(evidence) if self._enabled else ()
        if not others:
            return evidence
        history, own = runtime.get_store(_OtherAddresses), read_own_address(evidence)
        known = history.known.get(own.address)
        if evidence.ending.kind != "probe_fault" and not (known is None or is_alike(known, own)):
            history.known = {}
        due = history.begun is None or self._clock() - history.begun >= HOUR
        wanted = due and limit > 0 and evidence.ending.kind != "probe_fault"
        if wanted and await self._acquire(self._comparisons, limit):
            try:
                if await self._acquire(self._slots, limit):
                    try:
                        history.begun = self._clock()
                        tried = await make(others, limit)
                    finally:
                        self._slots.release()
                    history.known = {one.address: one for one in (*tried, own)}
            finally:
                self._comparisons.release()
        shown = tuple(history.known[one] for one in others if one in history.known)
        return msgspec.structs.replace(evidence, other_addresses=shown) if shown else evidence

    async def _make_round(
        self,
        history: _ExperimentHistory,
        evidence: Evidence,
        varied: Sequence[Varied],
        make: MakeRound,
        limit: float,
    ) -> tuple[Experiment, ...]:
        """Make one round; repeat variations that go further `LEAST_REPEATS` to `MOST_REPEATS` times."""
        began = self._clock()
        made = await make(varied, limit)
        shown = msgspec.structs.replace(evidence, experiments=made)
        for times in range(MOST_REPEATS):
            doubtful = choose_repetitions(shown)
            used = self._clock() - began
            if not doubtful or (times >= LEAST_REPEATS and used > limit / 2):
                break
            again: tuple[Experiment, ...] = ()
            if (left := began + limit - self._clock()) > 0:
                again = await make(doubtful, left)
            # A variation that could not be repeated does not count, unless one result is proof enough.
            unconfirmed = set(doubtful) - {one.varied for one in again} - SELF_EVIDENT
            made = tuple(one for one in made if one.varied not in unconfirmed) + again
            shown = msgspec.structs.replace(evidence, experiments=made)
        # Where a success cannot be repeated without the target's headers, it is not tried again
        # for an hour either.
        if is_reproduced(shown) or (is_confirmed(evidence) and not _is_our_failure(made)):
            outcome = share(get_comparable_outcome(evidence, choose_experiments(evidence)))
            history.holding = _Round(made, outcome, self._clock())
        elif not _is_our_failure(made):
            history.holding = None
        return made

    async def _acquire(self, slots: asyncio.Semaphore, limit: float) -> bool:
        """Return whether one of `slots` is free, or becomes free within `limit` seconds."""
        if slots.locked() and not self._wait_for_slot:
            return False
        try:
            async with asyncio.timeout(limit):
                return await slots.acquire()
        except TimeoutError:
            return False

    def _may_begin(self, history: _ExperimentHistory) -> bool:
        now, begun = self._clock(), history.begun
        if len(begun) == MOST_ROUNDS_PER_HOUR and now - begun[0] < HOUR:
            return False
        history.begun = (*begun, now)[-MOST_ROUNDS_PER_HOUR:]
        return True


def _earlier_round(
    history: _ExperimentHistory, evidence: Evidence, varied: tuple[Varied, ...]
) -> _Round | None:
    """Return the round that is about this attempt too; a changed outcome discards it.

    A failure of the probe's own says nothing about the target, and discards nothing.
    """
    if evidence.ending.kind == "probe_fault":
        return None
    holding = history.holding
    if holding is not None and holding.outcome != get_comparable_outcome(evidence, varied):
        history.holding = None
    return history.holding


def _is_our_failure(made: Sequence[Experiment]) -> bool:
    """Whether a round shows nothing because this process failed or was held up."""
    return any(one.varied == "unvaried" and one.ending.kind == "probe_fault" for one in made)


def _with_earlier(evidence: Evidence, earlier: _Round) -> Evidence:
    return msgspec.structs.replace(
        evidence, experiments=earlier.experiments, experiments_reused=True
    )
