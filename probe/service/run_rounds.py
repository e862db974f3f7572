"""Rounds of attempts over a list of targets, as a command makes them; `run` has a schedule instead."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import is_expected
from probe.model.target import Target
from probe.service.pipeline import Observation, Pipeline, PipelineSettings
from probe.text.secret_register import SecretRegister

ROUND_PAUSE: Final = 1.0
"""Seconds between two rounds."""


async def run_rounds(
    targets: Sequence[Target],
    settings: PipelineSettings | None = None,
    *,
    concurrency: int = 100,
    limit: float = 0.0,
    register: SecretRegister | None = None,
    report: Callable[[Sequence[Observation]], None] = lambda _observed: None,
) -> list[Observation]:
    """Try each target once, and again until all are as expected or `limit` seconds have passed.

    Args:
        targets: what to try.
        settings: what attempts have in common; each waits for its turn to experiment.
        concurrency: how many attempts may be under way.
        limit: seconds; 0 makes one round.
        register: masks secrets; None: a new one.
        report: called with what a target gave: one observation, or one of each address.

    Returns:
        The last round, in the order of the targets, and of the addresses of each.
    """
    settings = replace(settings or PipelineSettings(), wait_for_slot=True)
    pipeline = Pipeline(Ledger(targets), settings, register=register)
    slots = asyncio.Semaphore(concurrency)

    async def observe(target: Target) -> tuple[Observation, ...]:
        async with slots:
            observed = await pipeline.probe_addresses(target, slots=slots)
        report(observed)
        return observed

    end = time.monotonic() + limit
    async with pipeline.clocks.run_in_background():
        while True:
            rounds = await asyncio.gather(*map(observe, targets))
            observations = [each for observed in rounds for each in observed]
            if time.monotonic() + ROUND_PAUSE > end or all(
                is_expected(evidence, diagnosis) for _, evidence, diagnosis in observations
            ):
                return observations
            await asyncio.sleep(ROUND_PAUSE)
