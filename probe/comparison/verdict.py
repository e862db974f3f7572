"""What one kind of exporter would do with the target's files and backend."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from probe.exporters.measured import MEASURED
from probe.model.runtime import Runtime

Outcome = Literal["same", "works", "fails"]


class RefusalTexts(Protocol):
    """What exporters print where a backend refuses them; the rows of the table of messages."""

    def get_alert_text(self, runtime: Runtime, number: int) -> str:
        """Return how `runtime` prints an alert that it received; empty where that is not known."""

    def get_refusal_text(self, runtime: Runtime, refusal: Literal["close", "http"]) -> str:
        """Return what `runtime` prints of a refusal without an alert; empty where not known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One runtime, by its id, next to the target's exporter.

    `outcome` is `same` where it ends as the attempt did, `works` where it passes the point at which
    that stopped, `fails` where it stops though the attempt did not, or over something else.
    `says` is the line of its log, empty where that is not known; `because` and `why` are the reason.
    """

    runtime: str
    outcome: Outcome
    says: str
    because: str
    measured: str = ""
    """The versions with which it was seen; empty: read in sources, not measured."""
    why: str = field(init=False)

    def __post_init__(self) -> None:
        """Fill in the versions that the laboratory measured, and the reason's other name."""
        object.__setattr__(self, "why", self.because)
        if not self.measured:
            object.__setattr__(self, "measured", MEASURED.get(self.runtime, ""))


def build_verdicts(
    runtimes: Iterable[Runtime], outcome: Outcome, because: str, says: Callable[[Runtime], str]
) -> Iterator[Verdict]:
    """Yield the same verdict for each of `runtimes`, each with its own message."""
    for runtime in runtimes:
        yield Verdict(runtime.id, outcome, says(runtime), because)
