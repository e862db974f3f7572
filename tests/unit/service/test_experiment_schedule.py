"""When experiments run: on a change, then hourly; what they resolved does not flap."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec.structs
import pytest

from probe.attempt.kept_evidence import KeptEvidence
from probe.attempt.masking import EvidenceMasker
from probe.diagnosis.diagnose import diagnose
from probe.ledger.target_runtime import TargetRuntime
from probe.model.evidence import Ending, Evidence, Experiment, Varied
from probe.model.target import Endpoint, Target
from probe.service.experiment_schedule import (
    HOUR,
    LEAST_REPEATS,
    MOST_REPEATS,
    MOST_ROUNDS_PER_HOUR,
    ExperimentSchedule,
)
from probe.text.secret_register import SecretRegister
from tests.support.certificate_facts import AT, EXPORTER
from tests.support.evidence import attempt, complete_handshake, held_credentials, partial_handshake

TARGET = Target(name="t", endpoint=Endpoint("collector", 4317))
CLOSED = attempt("handshake", "close", handshake=partial_handshake())
RESET = attempt("handshake", "reset", handshake=partial_handshake())
TAKEN = attempt("export", "answered", handshake=partial_handshake())


class Laboratory:
    """Counts the rounds that are asked for, and answers with a result that bears its number."""

    def __init__(self, *, repeats: bool = True) -> None:
        """Begin at none; `repeats` says whether the unvaried handshake ends as the attempt did."""
        self.rounds = 0
        self.repeats = repeats
        self.held_up = False
        self.asked: list[tuple[Varied, ...]] = []
        self.goes_on: list[Varied] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(
        self, target: Target, evidence: Evidence, varied: Sequence[Varied], budget: float
    ) -> tuple[Experiment, ...]:
        """Make one round; the variations in `goes_on` go on, each as often as it stands there."""
        self.rounds += 1
        self.asked.append(tuple(varied))
        ending = Ending(stage="handshake", kind="close", detail=str(self.rounds))
        await self.may_end.wait()
        if self.held_up:
            ours = Ending(stage="handshake", kind="probe_fault", detail="held up")
            first = Experiment(
                varied="unvaried", at=evidence.at, ending=ours, handshake=partial_handshake()
            )
        elif self.repeats:
            first = Experiment(
                varied="unvaried",
                at=evidence.at,
                ending=evidence.ending,
                handshake=partial_handshake(),
            )
        else:
            first = Experiment(
                varied="unvaried",
                at=evidence.at,
                ending=Ending(stage="accept", kind="application_data"),
                handshake=complete_handshake(),
            )
        return (first, *(self._made(one, evidence, ending) for one in varied))

    def _made(self, one: Varied, evidence: Evidence, ending: Ending) -> Experiment:
        if one not in self.goes_on:
            return Experiment(
                varied=one, at=evidence.at, ending=ending, handshake=partial_handshake()
            )
        self.goes_on.remove(one)
        went = Ending(stage="handshake", kind="completed")
        return Experiment(varied=one, at=evidence.at, ending=went, handshake=complete_handshake())


class Resolving:
    """A schedule, the runtimes of its targets, and the laboratory that makes the rounds."""

    def __init__(self, laboratory: Any, **bounds: Any) -> None:
        """Begin with targets that nothing is known of."""
        self._laboratory = laboratory
        self._schedule = ExperimentSchedule(**bounds)
        self.runtimes: dict[str, TargetRuntime] = {}

    async def resolve(self, evidence: Evidence, target: Target = TARGET) -> Evidence:
        """Return `evidence` with the experiments that the schedule adds."""
        runtime = self.runtimes.setdefault(target.name, TargetRuntime(target))
        kept = runtime.get_store(KeptEvidence)  # which says whether the attempt repeats
        evidence = kept.mask_evidence(evidence, EvidenceMasker(SecretRegister()))
        make = partial(self._laboratory, target, evidence)
        return await self._schedule.add_experiments(
            runtime, evidence, make, target.timeout, repeats=kept.repeats
        )


def at(seconds: float, evidence: Evidence = CLOSED) -> Evidence:
    """Return the same attempt, made `seconds` later."""
    return msgspec.structs.replace(evidence, at=AT + seconds)


async def test_the_first_failure_is_experimented_with_and_the_next_reuses_it() -> None:
    """Every later attempt that ends in the same way carries the same results."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory)
    first = await resolving.resolve(at(0))
    second = await resolving.resolve(at(30))
    third = await resolving.resolve(at(60))
    assert laboratory.rounds == 1
    assert first.experiments
    assert first.experiments == second.experiments == third.experiments


async def test_after_an_hour_it_asks_again() -> None:
    """At most hourly, and not never again: what the backend allows may have changed."""
    now = 0.0
    laboratory = Laboratory()
    resolving = Resolving(laboratory, clock=lambda: now)
    first = await resolving.resolve(at(0))
    now = HOUR - 1
    assert (await resolving.resolve(at(now))).experiments == first.experiments
    now = HOUR + 1
    again = await resolving.resolve(at(now))
    assert laboratory.rounds == 2
    assert again.experiments != first.experiments


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0, -86400.0])
async def test_a_step_of_the_wall_clock_is_no_hour(step: float) -> None:
    """Neither forwards nor back: the age of what was found is of the monotonic clock."""
    now = 0.0
    laboratory = Laboratory()
    resolving = Resolving(laboratory, clock=lambda: now)
    first = await resolving.resolve(at(0))
    now = 30.0
    second = await resolving.resolve(at(30 + step))
    assert second.experiments == first.experiments
    now = HOUR + 31.0
    await resolving.resolve(at(0))
    assert laboratory.rounds == 2


async def test_a_round_that_shows_nothing_is_not_kept() -> None:
    """The next attempt makes another one, a few times an hour."""
    laboratory = Laboratory(repeats=False)
    resolving = Resolving(laboratory, clock=lambda: 0.0)
    for turn in range(MOST_ROUNDS_PER_HOUR + 3):
        await resolving.resolve(at(turn))
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR
    laboratory.repeats = True
    resolving.runtimes.clear()
    held = await resolving.resolve(at(30))
    assert (await resolving.resolve(at(60))).experiments == held.experiments
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR + 1


async def test_what_goes_further_is_tried_again() -> None:
    """Behind unvaried handshakes, and alone; all results go with the evidence."""
    laboratory = Laboratory()
    laboratory.goes_on = ["every_cipher"] * (1 + MOST_REPEATS)
    resolved = await Resolving(laboratory).resolve(at(0))
    assert laboratory.asked[1:] == [("every_cipher",)] * MOST_REPEATS
    assert [one.varied for one in resolved.experiments].count("every_cipher") == 1 + MOST_REPEATS
    assert diagnose(resolved).cause == "no_shared_cipher"


async def test_on_a_slow_path_it_is_tried_again_less_often() -> None:
    """Where half of the time is used up, the fewest repetitions are enough."""
    now = 0.0

    async def slow(*asked: Any) -> tuple[Experiment, ...]:
        nonlocal now
        now += 0.2 * TARGET.timeout
        return await laboratory(*asked)

    laboratory = Laboratory()
    laboratory.goes_on = ["every_cipher"] * (1 + MOST_REPEATS)
    resolved = await Resolving(slow, clock=lambda: now).resolve(at(0))
    assert laboratory.asked[1:] == [("every_cipher",)] * LEAST_REPEATS
    assert diagnose(resolved).cause == "no_shared_cipher"


@pytest.mark.parametrize("times", range(1, 1 + MOST_REPEATS))
async def test_what_does_not_always_go_further_proves_nothing(times: int) -> None:
    """A backend that closes now and then."""
    laboratory = Laboratory()
    laboratory.goes_on = ["every_cipher"] * times
    diagnosis = diagnose(await Resolving(laboratory).resolve(at(0)))
    assert (diagnosis.cause, diagnosis.certain) == ("connection_closed", False)
    assert "no_shared_cipher" in diagnosis.also


async def test_what_goes_further_in_the_last_moment_proves_nothing() -> None:
    """No time is left to try it again: it is as if it had not been made."""
    ticking = iter([0.0, 0.0, *[TARGET.timeout + 1] * 20])
    laboratory = Laboratory()
    laboratory.goes_on = ["every_cipher"]
    resolved = await Resolving(laboratory, clock=lambda: next(ticking)).resolve(at(0))
    assert laboratory.rounds == 1
    assert "every_cipher" not in {one.varied for one in resolved.experiments}
    assert diagnose(resolved).cause == "connection_closed"


async def test_a_changed_outcome_discards_what_was_found() -> None:
    """Another ending, other files, or a success in between."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory)
    first = await resolving.resolve(at(0))
    reset = await resolving.resolve(at(30, RESET))
    assert reset.experiments != first.experiments
    other_files = msgspec.structs.replace(
        CLOSED, credentials=held_credentials(EXPORTER, generation="2")
    )
    rotated = await resolving.resolve(at(60, other_files))
    assert rotated.experiments != first.experiments
    well = await resolving.resolve(at(90, TAKEN))
    assert well.experiments == ()
    assert laboratory.rounds == 3


async def test_an_attempt_that_was_not_looked_at_counts_for_none_after_it() -> None:
    """A round of before it is not taken for one that holds, though the next attempt repeats."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory)
    first = await resolving.resolve(at(0))
    kept = resolving.runtimes[TARGET.name].get_store(KeptEvidence)
    kept.mask_evidence(at(30, RESET), EvidenceMasker(SecretRegister()))  # and then it was cancelled
    reset = await resolving.resolve(at(60, RESET))
    assert kept.repeats
    assert reset.experiments != first.experiments


async def test_a_failure_of_the_probe_s_own_discards_nothing() -> None:
    """It says nothing about the target: what was found still holds after it, or after several."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory)
    first = await resolving.resolve(at(0))
    for turn in range(1, 4):
        ours = attempt("handshake", "probe_fault", handshake=partial_handshake())
        assert (await resolving.resolve(at(turn, ours))).experiments == ()
    again = await resolving.resolve(at(30))
    assert again.experiments == first.experiments
    assert again.experiments_reused
    assert laboratory.rounds == 1


async def test_a_round_that_the_probe_spoiled_leaves_the_one_before() -> None:
    """An hour later it was held up: what was found before is not taken back for that."""
    now = 0.0
    laboratory = Laboratory()
    resolving = Resolving(laboratory, clock=lambda: now)
    first = await resolving.resolve(at(0))
    now, laboratory.held_up = HOUR + 1, True
    second = await resolving.resolve(at(now))
    assert laboratory.rounds == 2
    assert second.experiments == first.experiments
    laboratory.held_up = False
    third = await resolving.resolve(at(now + 30))
    assert laboratory.rounds == 3
    assert third.experiments != first.experiments


async def test_a_target_that_flaps_gets_a_few_rounds_an_hour() -> None:
    """Its outcome changes each time: the rounds are bounded, and come back after an hour."""
    now = 0.0
    laboratory = Laboratory()
    resolving = Resolving(laboratory, clock=lambda: now)
    for turn in range(20):
        last = await resolving.resolve(at(turn, (CLOSED, RESET)[turn % 2]))
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR
    assert last.experiments == ()
    now = HOUR + 1
    await resolving.resolve(at(30))
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR + 1


async def test_an_outage_of_many_does_not_wait_for_its_turn() -> None:
    """In the service an attempt goes on without experiments when all places are taken."""
    laboratory = Laboratory()
    laboratory.may_end.clear()
    resolving = Resolving(laboratory, concurrency=1)
    busy = asyncio.create_task(resolving.resolve(at(0)))
    await asyncio.sleep(0)
    other = Target(name="u", endpoint=Endpoint("collector", 4317))
    passed = await resolving.resolve(at(0), other)
    assert passed.experiments == ()
    laboratory.may_end.set()
    assert (await busy).experiments
    assert (await resolving.resolve(at(30), other)).experiments


async def test_a_check_waits_for_its_turn() -> None:
    """One round over all targets: each gets its experiments."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory, concurrency=1, wait_for_slot=True)
    others = [Target(name=f"t{n}", endpoint=Endpoint("collector", 4317)) for n in range(5)]
    resolved = await asyncio.gather(*(resolving.resolve(at(0), one) for one in others))
    assert all(one.experiments for one in resolved)


async def test_a_check_does_not_wait_for_ever() -> None:
    """Of a fleet that is mute, each target waits its own timeout for a place, and no longer."""
    laboratory = Laboratory()
    laboratory.may_end.clear()
    resolving = Resolving(laboratory, concurrency=1, wait_for_slot=True)
    busy = asyncio.create_task(resolving.resolve(at(0)))
    await asyncio.sleep(0)
    late = Target(name="late", endpoint=Endpoint("collector", 4317), timeout=0.05)
    async with asyncio.timeout(2):
        assert (await resolving.resolve(at(0), late)).experiments == ()
    laboratory.may_end.set()
    assert (await busy).experiments
    assert (await resolving.resolve(at(1), late)).experiments


async def test_switched_off_it_never_asks() -> None:
    """`experiments: {enabled: false}`."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory, enabled=False)
    assert (await resolving.resolve(at(0))).experiments == ()
    assert laboratory.rounds == 0


async def test_forgetting_a_target_gives_its_name_a_fresh_start() -> None:
    """A reload that removes a target drops its count."""
    laboratory = Laboratory()
    resolving = Resolving(laboratory, clock=lambda: 0.0)
    for turn in range(MOST_ROUNDS_PER_HOUR + 1):
        await resolving.resolve(at(turn, (CLOSED, RESET)[turn % 2]))
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR
    resolving.runtimes.clear()
    await resolving.resolve(at(30))
    assert laboratory.rounds == MOST_ROUNDS_PER_HOUR + 1
