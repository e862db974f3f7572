"""When experiments are made, and which earlier ones still hold.

A round follows a change of the comparable outcome, then at most one an hour; as long as the raw outcome
stays, its results go with every later attempt as data, so that a proven cause does not flap.
A round that shows nothing, because the unvaried handshake ended otherwise than the attempt, is
kept for that attempt only. What would prove a cause is made four to eight times, each time after
an unvaried handshake: a backend that closes some connections at random would prove it otherwise.
A target that flaps gets a few rounds an hour and no more. Ages are of the monotonic clock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

import msgspec.structs

from probe.diagnosis.open_questions import choose_experiments, get_comparable_outcome
from probe.diagnosis.readings.experiment_results import (
    SELF_EVIDENT,
    choose_repetitions,
    is_reproduced,
)
from probe.ledger.target_runtime import TargetRuntime
from probe.model.evidence import Evidence, Experiment, Varied

HOUR: Final = 3600.0
AGAIN: Final = 3
"""How often a variation that went further is repeated at least. Where six of ten connections are
closed at random, a single round would prove something 55 times in 100; so it is twice (a simulation
of such rounds)."""
MOST: Final = 7
"""How often it is repeated where the round has used less than half of its time: then hardly ever.
They cost fourteen handshakes, where something is found, at most once an hour."""
ROUNDS: Final = 4
"""The most rounds that one target gets in an hour, however often its outcome changes."""

MakeRound = Callable[[Sequence[Varied], float], Awaitable[tuple[Experiment, ...]]]
"""Makes the unvaried handshake and then these variations of an attempt, within so many seconds."""


@dataclass(frozen=True, slots=True)
class _Round:
    """A round that holds, of which comparable outcome, and when it was made: monotonic seconds."""

    experiments: tuple[Experiment, ...]
    outcome: tuple[object, ...]
    at: float


@dataclass(slots=True)
class _ExperimentHistory:
    """What is kept of one target's experiments: a part of its runtime."""

    begun: tuple[float, ...] = ()
    """When the last rounds began, monotonic seconds."""
    holding: _Round | None = None


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
            wait_for_slot: whether an attempt waits for its turn, as long as its round may take, or
                goes on without a round when all slots are taken: the next attempt asks again.
            clock: monotonic seconds.
        """
        self._enabled = enabled
        self._slots = asyncio.Semaphore(concurrency)
        self._wait_for_slot = wait_for_slot
        self._clock = clock

    async def resolve_experiments(
        self, runtime: TargetRuntime, evidence: Evidence, make: MakeRound, limit: float
    ) -> Evidence:
        """Return `evidence` with what experiments show.

        Args:
            runtime: of the target; the rounds that still hold are kept in it.
            evidence: of the attempt that was just made.
            make: makes a round for this attempt.
            limit: seconds for a round, and as many to wait for a slot; 0: none is made.
        """
        history = runtime.part(_ExperimentHistory)
        earlier = _earlier_round(history, evidence)
        varied = choose_experiments(evidence) if self._enabled and limit > 0 else ()
        if not varied:
            return evidence
        if earlier is not None and self._clock() - earlier.at < HOUR:
            return _with_earlier(evidence, earlier)
        made: tuple[Experiment, ...] = ()
        if await self._acquire_slot(limit):
            try:
                if self._may_begin(history):
                    made = await self._make_round(history, evidence, varied, make, limit)
            finally:
                self._slots.release()
        if earlier is not None and (not made or _is_our_failure(made)):
            return _with_earlier(evidence, earlier)
        return msgspec.structs.replace(evidence, experiments=made)

    async def _make_round(
        self,
        history: _ExperimentHistory,
        evidence: Evidence,
        varied: Sequence[Varied],
        make: MakeRound,
        limit: float,
    ) -> tuple[Experiment, ...]:
        """Make one round, and `AGAIN` to `MOST` times more what goes further in it."""
        began = self._clock()
        made = await make(varied, limit)
        shown = msgspec.structs.replace(evidence, experiments=made)
        for times in range(MOST):
            doubtful = choose_repetitions(shown)
            used = self._clock() - began
            if not doubtful or (times >= AGAIN and used > limit / 2):
                break
            again: tuple[Experiment, ...] = ()
            if (left := began + limit - self._clock()) > 0:
                again = await make(doubtful, left)
            # What could not be repeated is as if it had not been made, unless it proves itself.
            unconfirmed = set(doubtful) - {one.varied for one in again} - SELF_EVIDENT
            made = tuple(one for one in made if one.varied not in unconfirmed) + again
            shown = msgspec.structs.replace(evidence, experiments=made)
        if is_reproduced(shown):
            history.holding = _Round(made, get_comparable_outcome(evidence), self._clock())
        elif not _is_our_failure(made):
            history.holding = None
        return made

    async def _acquire_slot(self, limit: float) -> bool:
        """Return whether there is a slot for one more round, or comes to be within `limit`."""
        if self._slots.locked() and not self._wait_for_slot:
            return False
        try:
            async with asyncio.timeout(limit):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    def _may_begin(self, history: _ExperimentHistory) -> bool:
        now, begun = self._clock(), history.begun
        if len(begun) == ROUNDS and now - begun[0] < HOUR:
            return False
        history.begun = (*begun, now)[-ROUNDS:]
        return True


def _earlier_round(history: _ExperimentHistory, evidence: Evidence) -> _Round | None:
    """Return the round that is about this attempt too; a changed outcome discards it.

    A failure of the probe's own says nothing about the target, and discards nothing.
    """
    if evidence.ending.kind == "probe_fault":
        return None
    if history.holding is not None and history.holding.outcome != get_comparable_outcome(evidence):
        history.holding = None
    return history.holding


def _is_our_failure(made: Sequence[Experiment]) -> bool:
    """Whether a round shows nothing because this process failed or was held up."""
    return any(one.varied == "unvaried" and one.ending.kind == "probe_fault" for one in made)


def _with_earlier(evidence: Evidence, earlier: _Round) -> Evidence:
    return msgspec.structs.replace(
        evidence, experiments=earlier.experiments, experiments_reused=True
    )
