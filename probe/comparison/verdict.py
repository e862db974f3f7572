"""What one kind of exporter would do with the target's files and backend."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from probe.model.runtime import Runtime

Outcome = Literal["same", "works", "fails"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One runtime, by its id, next to the probe.

    `outcome` is `same` where it ends as the probe did, `works` where it passes the point at which
    the probe stopped, `fails` where it stops though the probe did not, or over something else.
    `says` is the line of its log, empty where that is not known; `because` is the reason.
    """

    runtime: str
    outcome: Outcome
    says: str
    because: str


def build_verdicts(
    runtimes: Iterable[Runtime], outcome: Outcome, because: str, says: Callable[[Runtime], str]
) -> Iterator[Verdict]:
    """Yield the same verdict for each of `runtimes`, each with its own message."""
    for runtime in runtimes:
        yield Verdict(runtime.id, outcome, says(runtime), because)
