"""Attempts of the product one after another, without a schedule: the same steps in every run.

Arguments: folder of the files, port, protocol, and how many; `steps` runs it under tools that
count. `count_calls` counts within this process.
"""

import asyncio
import gc
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop

from probe.attempt import loop_delays
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.target import Endpoint, Protocol, Target, TlsSettings
from probe.service.pipeline import Pipeline
from tests.bench.backends import HOST, NAME

WARM = 5
"""Attempts before anything is counted: they load files and import what is imported late."""


def make_target(folder: Path, port: int, protocol: Protocol) -> Target:
    """Return a target with the files of `folder`."""
    tls = TlsSettings(
        ca_file=str(folder / "ca.crt"),
        cert_file=str(folder / "tls.crt"),
        key_file=str(folder / "tls.key"),
        server_name_override=NAME,
    )
    return Target(
        name="bench", endpoint=Endpoint(HOST, port), protocol=protocol, tls=tls, timeout=60.0
    )


async def attempt(target: Target, count: int, after: Callable[[], None]) -> None:
    """Make `count` attempts that all succeed, and call `after` after each."""
    ledger = Ledger([target])
    Metrics(ledger)
    pipeline = Pipeline(ledger)
    for _ in range(count):
        _, _, diagnosis = await pipeline.probe_once(target)
        assert diagnosis.outcome == "confirmed", diagnosis
        after()


def count_calls(target: Target, count: int) -> float:
    """Return how many functions, of Python and of C, an attempt calls: the median of `count`."""
    calls = 0
    marks: list[int] = []

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    async def main() -> None:
        sys.setprofile(profile)
        try:
            await attempt(target, WARM + count + 1, lambda: marks.append(calls))
        finally:
            sys.setprofile(None)

    # A collection calls what waits for objects to go, whenever it comes.
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    finally:
        gc.enable()
    later = marks[WARM:]
    return statistics.median(b - a for a, b in pairwise(later))


def main() -> None:
    """Make the attempts that the arguments ask for."""
    folder, port, protocol, count = sys.argv[1:]
    target = make_target(Path(folder), int(port), "grpc" if protocol == "grpc" else "http/protobuf")
    gc.disable()
    # Under a tool an attempt takes as long as fifty: no other one has so many ticks.
    loop_delays.TICK = 1.0  # type: ignore[misc]  # for this process alone
    uvloop.run(attempt(target, WARM + int(count), lambda: None))


if __name__ == "__main__":
    main()
