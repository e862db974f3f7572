"""CPU of an attempt with telemetry on against one without, as a ratio.

Spans are exported over OTLP/HTTP to a receiver in a process of its own: the exporter's thread and
the flush at the end of each round count as the probe's. Once with the default share of successes,
which has a limit, and once with every attempt recorded, as while it fails. Ten attempts are in
flight; sides are measured in turn, in one run, and the ratio is the median of the rounds' ratios.
"""

import asyncio
import gc
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiohttp import web

from probe.config.span_destination import SpanDestination
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.target import Endpoint, Target
from probe.service.pipeline import Pipeline, PipelineSettings
from probe.telemetry.telemetry import Telemetry
from tests.bench.backends import HOST, serving
from tests.bench.figures import Figure, Settings, show

ROUNDS = 25
QUICK_ROUNDS = 7
ATTEMPTS = 100
IN_FLIGHT = 10
DEFAULT_SHARE = 0.01
LIMIT = 1.15


def receive(pipe: Connection) -> None:
    """Take spans over OTLP/HTTP until the parent closes its end of the pipe."""

    async def main() -> None:
        async def take(request: web.Request) -> web.Response:
            await request.read()
            return web.Response()

        application = web.Application(client_max_size=1 << 26)
        application.router.add_post("/v1/traces", take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)
        await runner.cleanup()

    uvloop.run(main())


@dataclass
class Side:
    """One probe under measurement."""

    pipeline: Pipeline
    telemetry: Telemetry | None
    spent: list[float]

    async def round(self, target: Target) -> None:
        """Make attempts, and count what they and their spans cost."""

        async def several(count: int) -> None:
            for _ in range(count):
                await self.pipeline.probe_once(target)

        gc.collect()
        began = time.process_time()
        await asyncio.gather(*(several(ATTEMPTS // IN_FLIGHT) for _ in range(IN_FLIGHT)))
        if self.telemetry is not None:
            await self.telemetry.flush()
        self.spent.append((time.process_time() - began) / ATTEMPTS)


def side(target: Target, telemetry: Telemetry | None) -> Side:
    """Return a probe of `target` with metrics, and with telemetry where it is given."""
    ledger = Ledger([target])
    Metrics(ledger)
    if telemetry is None:
        return Side(Pipeline(ledger), None, [])
    ledger.subscribe(telemetry.record)
    pipeline = Pipeline(ledger, PipelineSettings(propagate=True), sampler=telemetry.sampler)
    return Side(pipeline, telemetry, [])


async def compare(target: Target, endpoint: str, rounds: int) -> dict[str, float]:
    """Return the ratio by what was on, the sides measured in turn."""
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{endpoint}/v1/traces"
    sent = dict.fromkeys(("exported", "failed", "dropped"), 0)

    def count(result: str, spans: int) -> None:
        sent[result] += spans

    async with AsyncExitStack() as stack:
        sides = {"without": side(target, None)}
        for name, share in (("default", DEFAULT_SHARE), ("every", 1.0)):
            telemetry = Telemetry(
                SpanDestination("http/protobuf", endpoint), resource={}, sample_successes=share
            )
            await stack.enter_async_context(telemetry.run(count))
            sides[name] = side(target, telemetry)
        for each in sides.values():
            _, _, diagnosis = await each.pipeline.probe_once(target)
            assert diagnosis.outcome == "confirmed", diagnosis
        gc.freeze()
        for _ in range(rounds):
            for each in sides.values():
                await each.round(target)
    assert sent["exported"] > rounds * ATTEMPTS, sent
    assert (sent["failed"], sent["dropped"]) == (0, 0), sent
    bare = sides["without"].spent
    return {
        "microseconds": statistics.median(bare) * 1e6,
        **{
            name: statistics.median(w / b for w, b in zip(sides[name].spent, bare, strict=True))
            for name in ("default", "every")
        },
    }


@contextmanager
def receiving() -> Iterator[str]:
    """Run `receive` in a process of its own; yield its endpoint."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://{HOST}:{ours.recv()}"
    finally:
        ours.close()
        process.terminate()
        process.join()


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield what telemetry costs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as (port, tls),
        receiving() as endpoint,
    ):
        target = Target(name="bench", endpoint=Endpoint(HOST, port), tls=tls, timeout=5.0)
        rounds = QUICK_ROUNDS if settings.quick else ROUNDS
        found = uvloop.run(compare(target, endpoint, rounds))
    without = found["microseconds"]
    for name, share in (("default", f"{DEFAULT_SHARE:.0%}"), ("every", "100%")):
        yield Figure(
            f"attempt with spans of {share} of successes",
            without * found[name],
            "us",
            "with : without",
            found[name],
            LIMIT if name == "default" else None,
        )


if __name__ == "__main__":
    sys.exit(show(measure))
