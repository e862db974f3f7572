"""Which faults happen when: everything follows from the seed, and a step alone is always the same.

A step is some faults of different targets, at most one problem of the probe, then a quiet time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final, TypeVar

from tests.faults.fault import Parameters, ProbeTrouble, TargetFault
from tests.faults.file_faults import FILE_FAULTS
from tests.faults.name_faults import NAME_FAULTS
from tests.faults.probe_troubles import PROBE_TROUBLES
from tests.faults.proxy_faults import PROXY_FAULTS
from tests.faults.server_faults import SERVER_FAULTS
from tests.faults.world import Site

FOLLOWED: Final = 0.3
"""The share of replaced servers that are replaced once more before they are healed."""

T = TypeVar("T")

TARGET_FAULTS: Final = (*SERVER_FAULTS, *FILE_FAULTS, *NAME_FAULTS, *PROXY_FAULTS)
MOST_AT_ONCE: Final = 4
"""Targets with a fault in one step; the others show that they stay healthy."""
LATEST: Final = 0.5
"""Seconds from the begin of a step to its last fault."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault of one target, or one problem of the probe."""

    fault: TargetFault | ProbeTrouble
    site: Site | None
    parameters: Parameters
    delay: float
    """Seconds from the step's begin."""
    then: TargetFault | None = None
    """What follows it before the target is healed."""

    @property
    def said(self) -> str:
        """The fault in one line."""
        chosen = ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self.parameters.items()
        )
        where = f"{self.site.name}: " if self.site else ""
        then = f", then {self.then.name}" if self.then else ""
        return f"{where}{self.fault.name}{f' ({chosen})' if chosen else ''}{then}"


@dataclass(frozen=True, slots=True)
class Step:
    """Faults that are injected together; `number` reproduces them with ONLY=."""

    number: int
    strikes: tuple[Strike, ...]


def steps(seed: int, sites: Sequence[Site], kinds: Collection[str] = ()) -> Iterator[Step]:
    """Yield steps without end; `kinds` names the only faults wanted, all where it is empty.

    Each step has its own random generator, so that it does not depend on earlier steps. Kinds of
    faults come in shuffled rounds, so that none is left out for long.

    Raises:
        ValueError: where a kind does not exist.
    """
    known = {each.name for each in (*TARGET_FAULTS, *PROBE_TROUBLES)}
    if unknown := set(kinds) - known:
        raise ValueError(f"no such faults: {sorted(unknown)}; there are {sorted(known)}")
    faults = [
        each
        for each in TARGET_FAULTS
        if (not kinds or each.name in kinds) and any(map(each.fits, sites))
    ]
    troubles = [each for each in PROBE_TROUBLES if not kinds or each.name in kinds]
    number = 0
    while True:
        yield Step(
            number, _strikes(Random(f"{seed}/{number}"), seed, number, faults, troubles, sites)
        )
        number += 1


def take(planned: Iterable[Step], count: int) -> list[Step]:
    """Return the first `count` steps."""
    return list(islice(planned, count))


def _strikes(
    random: Random,
    seed: int,
    number: int,
    faults: Sequence[TargetFault],
    troubles: Sequence[ProbeTrouble],
    sites: Sequence[Site],
) -> tuple[Strike, ...]:
    made: list[Strike] = []
    # Every third step has none, so that the targets' faults are also seen undisturbed.
    its_turn = bool(troubles) and number % 3 != 0
    trouble = (
        _turn(seed, "trouble", 2 * (number // 3) + number % 3 - 1, troubles) if its_turn else None
    )
    if trouble is not None:
        made.append(Strike(trouble, None, trouble.choose(random), random.uniform(0, LATEST)))
    free = list(sites)
    fewest = 2 if trouble is None else int(trouble.needs_a_fault)
    count = random.randint(fewest, MOST_AT_ONCE)
    for at in range(count if faults else 0):
        fault = _turn(seed, "fault", MOST_AT_ONCE * number + at, faults)
        fitting = [site for site in free if fault.fits(site)]
        if fitting:
            site = random.choice(fitting)
            free.remove(site)
            parameters, delay = fault.choose(random), random.uniform(0, LATEST)
            made.append(Strike(fault, site, parameters, delay, _then(random, fault, faults, site)))
    return tuple(made)


def _then(
    random: Random, fault: TargetFault, faults: Sequence[TargetFault], site: Site
) -> TargetFault | None:
    """Choose the fault that follows `fault` at once: findings about the first must not remain."""
    others = [each for each in faults if each.replaces and each is not fault and each.fits(site)]
    if not fault.replaces or not others or random.random() > FOLLOWED:
        return None
    return random.choice(others)


def _turn(seed: int, what: str, at: int, kinds: Sequence[T]) -> T:
    """Return the next kind: every round has all kinds in another order."""
    turn, place = divmod(at, len(kinds))
    order = list(kinds)
    Random(f"{seed}/{what}/{turn}").shuffle(order)
    return order[place]
