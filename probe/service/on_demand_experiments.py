"""Experiments for `/probe`, as for the schedule: few, and what they showed holds for later scrapes.

Names come from whoever asks: of each endpoint and module only the last attempt is kept, of the last
`KEPT` that were asked for.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from probe.attempt.prober import Prober
from probe.model.evidence import Evidence, Experiment
from probe.model.target import Target
from probe.service.experiment_schedule import Settling

KEPT: Final = 256
ROUNDS_AT_ONCE: Final = 4
LEAST_TIME: Final = 0.2
"""Seconds of a scrape's timeout that must be left for a round."""


class OnDemandRounds:
    """Adds experiments to the evidence of attempts that scrapes ask for."""

    def __init__(self, prober: Callable[[], Prober], *, enabled: bool) -> None:
        """Take what makes a prober for one round; not `enabled`, no experiment is made."""
        self._prober = prober
        self._settling = Settling(
            self._round, enabled=enabled, concurrency=ROUNDS_AT_ONCE, patient=True
        )
        self._before: OrderedDict[str, Evidence] = OrderedDict()

    async def settle(
        self, module: str, target: Target, evidence: Evidence, deadline: float
    ) -> Evidence:
        """Return `evidence` with what experiments show that end before `deadline`.

        Args:
            module: the name of the module; another one's files are another question.
            target: the one that was tried.
            evidence: of the attempt.
            deadline: monotonic seconds, when the scrape wants its answer.
        """
        left = deadline - monotonic()
        key = f"{module}\n{target.name}"
        if left >= LEAST_TIME:
            # One half to wait for a place, the other for the round.
            limited = replace(target, name=key, timeout=left / 2)
            evidence = await self._settling.settle(limited, evidence, self._before.get(key))
        self._before[key] = evidence
        self._before.move_to_end(key)
        while len(self._before) > KEPT:
            oldest, _ = self._before.popitem(last=False)
            self._settling.forget({oldest})
        return evidence

    async def _round(
        self, target: Target, evidence: Evidence, *rest: Any
    ) -> tuple[Experiment, ...]:
        # Under its own name, of which the caller lets go; the module's is only ours.
        named = replace(target, name=target.name.partition("\n")[2])
        return await self._prober().experiment(named, evidence, *rest)
