"""When experiments are made, and which earlier ones still hold (causes.md, "How ties are broken").

A round follows a change of the raw outcome, then at most one an hour; as long as the raw outcome
stays, its results go with every later attempt as data, so that a settled cause does not flap
back. A target that flaps gets a few rounds an hour and no more.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

import msgspec.structs

from probe.causes.experiments import open_questions, raw_outcome
from probe.evidence import Evidence, Experiment, Varied
from probe.target import Target

HOUR: Final = 3600.0
ROUNDS: Final = 4
"""The most rounds that one target gets in an hour, however often its outcome changes."""

Rounds = Callable[[Target, Evidence, Sequence[Varied]], Awaitable[tuple[Experiment, ...]]]


class Settling:
    """Adds to an attempt's evidence the experiments that settle what it left open."""

    def __init__(
        self,
        experiment: Rounds,
        *,
        enabled: bool = True,
        concurrency: int = 4,
        patient: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Take what makes a round.

        Args:
            experiment: makes the variations, within one further timeout of the target.
            enabled: False makes none, ever.
            concurrency: how many rounds may be under way over all targets.
            patient: whether an attempt waits for its turn, up to the target's timeout, or goes
                on without a round when all are taken: the next attempt asks again.
            clock: monotonic seconds.
        """
        self._experiment = experiment
        self._enabled = enabled
        self._places = asyncio.Semaphore(concurrency)
        self._patient = patient
        self._clock = clock
        self._rounds: dict[str, deque[float]] = {}

    async def settle(self, target: Target, evidence: Evidence, before: Evidence | None) -> Evidence:
        """Return `evidence` with what experiments show; `before` is the attempt before it."""
        varied = open_questions(evidence) if self._enabled else ()
        if not varied:
            return evidence
        earlier = _still_holding(evidence, before)
        if earlier and abs(evidence.at - earlier[0].at) < HOUR:
            return msgspec.structs.replace(evidence, experiments=earlier)
        made: tuple[Experiment, ...] = ()
        if await self._got_a_place(target.timeout if self._patient else 0.0):
            try:
                if self._may_run(target.name):
                    made = await self._experiment(target, evidence, varied)
            finally:
                self._places.release()
        return msgspec.structs.replace(evidence, experiments=made or earlier)

    def forget(self, names: set[str]) -> None:
        """Drop what is counted of targets that are gone."""
        for name in names & self._rounds.keys():
            del self._rounds[name]

    async def _got_a_place(self, patience: float) -> bool:
        """Whether there is a place for one more round, or comes to be within `patience` seconds."""
        if self._places.locked() and not patience:
            return False
        try:
            async with asyncio.timeout(patience or None):
                return await self._places.acquire()
        except TimeoutError:
            return False

    def _may_run(self, name: str) -> bool:
        now = self._clock()
        rounds = self._rounds.setdefault(name, deque(maxlen=ROUNDS))
        if len(rounds) == ROUNDS and now - rounds[0] < HOUR:
            return False
        rounds.append(now)
        return True


def _still_holding(evidence: Evidence, before: Evidence | None) -> tuple[Experiment, ...]:
    if before is None or not before.experiments:
        return ()
    return before.experiments if raw_outcome(before) == raw_outcome(evidence) else ()
