"""A healthy target among more than sixty kinds of hostile peers stays confirmed, and on time."""

import asyncio
import gc
import re
import time
from asyncio import events
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from probe.config.loader import load_configuration
from probe.ledger.ledger import Ledger
from probe.model.target import Target
from probe.service.pipeline import Pipeline
from tests.lab.credentials import LabPki
from tests.lab.hostile_configuration import HEALTHY, hostile_peers, targets, write_configuration
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.servers import StartCollector

LONGEST_HOLD = 0.02
"""Seconds of CPU for which no peer may hold the loop."""
WARM_UP = 3.0
"""Seconds in which the contexts of a hundred targets are built, our own work and done once."""
SECONDS = 15.0
LATEST = 0.25
KINDS = 60


@contextmanager
def holds() -> Iterator[tuple[ContextVar[str], dict[str, float]]]:
    """Measure how long each callback held the loop, in CPU time of the thread, by callback.

    Other processes of a busy machine thus do not count; nor do collections of garbage.
    """
    whose: ContextVar[str] = ContextVar("whose", default="")
    longest: dict[str, float] = defaultdict(float)
    run = events.Handle._run

    def measured(handle: events.Handle) -> None:
        began = time.thread_time()
        run(handle)
        name = handle._context.get(whose, "")
        longest[name] = max(longest[name], time.thread_time() - began)

    events.Handle._run = measured  # type: ignore[method-assign]  # for the test's duration
    gc.disable()
    try:
        yield whose, longest
    finally:
        gc.enable()
        events.Handle._run = run  # type: ignore[method-assign]  # as it was


async def attempts(
    all_targets: list[Target], whose: ContextVar[str], longest: dict[str, float]
) -> dict[str, str]:
    """Attempt each target twice, ten at a time; return the second results.

    The first builds its context, which is our own work and done once per target.
    """
    pipeline = Pipeline(Ledger(all_targets))
    places = asyncio.Semaphore(10)
    outcomes: dict[str, str] = {}

    async def one(target: Target) -> None:
        async with places:
            whose.set(target.name)
            _, _, diagnosis = await pipeline.probe_once(target)
            outcomes[target.name] = diagnosis.outcome

    await asyncio.gather(*(asyncio.create_task(one(target)) for target in all_targets))
    longest.clear()
    await asyncio.gather(*(asyncio.create_task(one(target)) for target in all_targets))
    return outcomes


@pytest.mark.serial
def test_no_peer_holds_the_loop(pki: LabPki, collector: StartCollector, tmp_path: Path) -> None:
    """Each callback that a peer's bytes set off ends within 20 ms of CPU, and none is confirmed."""
    with hostile_peers(pki, tmp_path) as ports:
        entries = targets(pki, ports, collector().grpc_port)
        configured = load_configuration(write_configuration(tmp_path, entries), {})
        with holds() as (whose, longest):
            outcomes = asyncio.run(attempts(list(configured.targets), whose, longest))

    hostile = {name: outcome for name, outcome in outcomes.items() if name != HEALTHY}
    held = {name: f"{seconds * 1000:.1f} ms" for name, seconds in longest.items()
            if seconds > LONGEST_HOLD}  # fmt: skip
    assert len(hostile) >= KINDS
    assert outcomes[HEALTHY] == "confirmed"
    assert [name for name, outcome in hostile.items() if outcome == "confirmed"] == []
    assert held == {}


def sample(text: str, name: str, **labels: str) -> float:
    """Return the value of one sample of a page of metrics; 0 where it is absent."""
    for line in text.splitlines():
        if line.startswith(name) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


def attempts_seen(probes: list[RunningProbe], seconds: float) -> list[list[float]]:
    """Return when each attempt of the healthy target began, by each probe's own results.

    Raises:
        AssertionError: where one of them was not confirmed, or a service is not healthy.
    """
    seen: list[dict[str, float]] = [{} for _ in probes]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for probe, starts in zip(probes, seen, strict=True):
            result = probe.result(HEALTHY)
            if result is not None:
                assert result["outcome"] == "confirmed", result
                starts[result["at"]] = datetime.fromisoformat(result["at"]).timestamp()
            assert probe.get("/-/healthy")
        time.sleep(0.2)
    return [list(starts.values()) for starts in seen]


def spread(starts: list[float]) -> float:
    """Return the seconds between the earliest and the latest start, each within its own second."""
    shift = [(at - starts[0] + 0.5) % 1.0 - 0.5 for at in starts]
    return max(shift) - min(shift)


@pytest.mark.serial
def test_a_healthy_target_stays_confirmed_and_in_time(
    pki: LabPki, collector: StartCollector, tmp_path: Path
) -> None:
    """With every kind at an interval of one second: all its attempts confirmed, none later than 250 ms.

    A second probe has the healthy target alone; where the test fails, its figure says whether the
    machine was too busy for either.
    """
    with hostile_peers(pki, tmp_path) as ports:
        entries = targets(pki, ports, collector().grpc_port)
        alone = tmp_path / "alone"
        alone.mkdir()
        with (
            running_probe(write_configuration(tmp_path, entries)) as probe,
            running_probe(write_configuration(alone, entries[:1])) as control,
        ):
            time.sleep(WARM_UP)
            starts, undisturbed = attempts_seen([probe, control], SECONDS)
            metrics = probe.get("/metrics")
            results: list[dict[str, Any]] = [probe.result(name) or {} for name in (HEALTHY, *ports)]

    hostile = {result["target"]: result["outcome"] for result in results[1:] if result}
    assert len(hostile) >= KINDS
    assert [name for name, outcome in hostile.items() if outcome == "confirmed"] == []
    assert not re.search(r'mtls_probe_success\{[^}]*target="(?!healthy)[^"]*"[^}]*\} 1', metrics)
    assert len(starts) >= SECONDS * 0.9
    assert sample(metrics, "mtls_probe_failures_total", target=HEALTHY) == 0
    assert spread(starts) <= LATEST, f"alone, a probe is late by {spread(undisturbed):.3f} s here"
