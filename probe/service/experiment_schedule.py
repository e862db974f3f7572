"""When experiments are made, and which earlier ones still hold (causes.md, "How ties are broken").

A round follows a change of the raw outcome, then at most one an hour; as long as the raw outcome
stays, its results go with every later attempt as data, so that a settled cause does not flap
back. A round that shows nothing, because the unvaried handshake ended otherwise than the attempt,
is kept for that attempt alone. What would prove a cause is made four to eight times, each time
behind an unvaried handshake: a backend that closes some connections would else be taken at its
word.
A target that flaps gets a few rounds an hour and no more. Ages are of the monotonic clock.
"""

import asyncio
from collections import deque
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
from probe.model.evidence import Evidence, Experiment, Varied
from probe.model.target import Target

HOUR: Final = 3600.0
AGAIN: Final = 3
"""How often what goes further is tried again at least. Where six of ten connections are closed at
random, a single round would prove something 55 times in 100; so it is twice (a simulation of such
rounds)."""
MOST: Final = 7
"""How often it is where the round has used less than half of its time: then hardly ever. They cost
fourteen handshakes, where something is found, at most once an hour."""
ROUNDS: Final = 4
"""The most rounds that one target gets in an hour, however often its outcome changes."""

Rounds = Callable[[Target, Evidence, Sequence[Varied], float], Awaitable[tuple[Experiment, ...]]]
"""Makes the unvaried handshake and then these variations, within so many seconds."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A round that holds, of which raw outcome, and when it was made: monotonic seconds."""

    experiments: tuple[Experiment, ...]
    outcome: tuple[object, ...]
    at: float


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
            experiment: makes a round, within one further timeout of the target.
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
        self._made: dict[str, _Made] = {}

    async def settle(self, target: Target, evidence: Evidence, before: Evidence | None) -> Evidence:
        """Return `evidence` with what experiments show; `before` is the attempt before it."""
        earlier = self._earlier(target.name, evidence, before)
        varied = choose_experiments(evidence) if self._enabled else ()
        if not varied:
            return evidence
        if earlier is not None and self._clock() - earlier.at < HOUR:
            return _with_earlier(evidence, earlier)
        made: tuple[Experiment, ...] = ()
        if await self._got_a_place(target.timeout if self._patient else 0.0):
            try:
                if self._may_run(target.name):
                    made = await self._make(target, evidence, varied)
            finally:
                self._places.release()
        if earlier is not None and (not made or _is_our_failure(made)):
            return _with_earlier(evidence, earlier)
        return msgspec.structs.replace(evidence, experiments=made)

    async def _make(
        self, target: Target, evidence: Evidence, varied: Sequence[Varied]
    ) -> tuple[Experiment, ...]:
        """Make one round, and `AGAIN` to `MOST` times more what goes further in it."""
        began = self._clock()
        end = began + target.timeout
        made = await self._experiment(target, evidence, varied, target.timeout)
        shown = msgspec.structs.replace(evidence, experiments=made)
        for times in range(MOST):
            doubtful = choose_repetitions(shown)
            used = self._clock() - began
            if not doubtful or (times >= AGAIN and used > target.timeout / 2):
                break
            again: tuple[Experiment, ...] = ()
            if (left := end - self._clock()) > 0:
                again = await self._experiment(target, evidence, doubtful, left)
            # What could not be tried again is as if it had not been made, unless it was said.
            unconfirmed = set(doubtful) - {one.varied for one in again} - SELF_EVIDENT
            made = tuple(one for one in made if one.varied not in unconfirmed) + again
            shown = msgspec.structs.replace(evidence, experiments=made)
        if is_reproduced(shown):
            self._made[target.name] = _Made(made, get_comparable_outcome(evidence), self._clock())
        elif not _is_our_failure(made):
            self._made.pop(target.name, None)
        return made

    def _earlier(self, name: str, evidence: Evidence, before: Evidence | None) -> _Made | None:
        """Return the round that is about this attempt too; a changed outcome discards it.

        A failure of the probe's own says nothing about the target, and discards nothing.
        """
        known = self._made.get(name)
        if known is None or evidence.ending.kind == "probe_fault":
            return None
        if before is None or known.outcome != get_comparable_outcome(evidence):
            del self._made[name]
            return None
        return known

    def forget(self, names: set[str]) -> None:
        """Drop what is counted of targets that are gone."""
        for name in names:
            self._rounds.pop(name, None)
            self._made.pop(name, None)

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


def _is_our_failure(made: Sequence[Experiment]) -> bool:
    """Whether a round shows nothing because this process failed or was held up."""
    return any(one.varied == "unvaried" and one.ending.kind == "probe_fault" for one in made)


def _with_earlier(evidence: Evidence, earlier: _Made) -> Evidence:
    return msgspec.structs.replace(
        evidence, experiments=earlier.experiments, experiments_reused=True
    )
