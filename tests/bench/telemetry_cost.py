"""CPU of an attempt with telemetry on against one without, as a ratio.

Like `attempt_cost`, with spans exported over OTLP/HTTP to a receiver in the backend's process: the
exporter's thread and the flush at the end of each round count as the probe's. Once with the default
share of successes, which has a limit, and once with every attempt recorded, as while it fails.
"""

import asyncio
import gc
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection

import uvloop
from aiohttp import web

from probe.config.span_destination import SpanDestination
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.target import Endpoint, Target
from probe.service.pipeline import Pipeline, PipelineSettings
from probe.telemetry.telemetry import Telemetry
from tests.bench.attempt_cost import IN_FLIGHT, serve

ROUNDS = 25
ATTEMPTS = 100
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


async def measure(target: Target, endpoint: str) -> dict[str, float]:
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
        for _ in range(ROUNDS):
            for each in sides.values():
                await each.round(target)
    assert sent["exported"] > ROUNDS * ATTEMPTS, sent
    assert (sent["failed"], sent["dropped"]) == (0, 0), sent
    bare = sides["without"].spent
    return {
        "microseconds": statistics.median(bare) * 1e6,
        **{
            name: statistics.median(w / b for w, b in zip(sides[name].spent, bare, strict=True))
            for name in ("default", "every")
        },
    }


def main() -> int:
    """Print the figures; exit 1 where the limit is exceeded."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    spans, to_spans = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        others = [
            spawn.Process(target=serve, args=(folder, theirs), daemon=True),
            spawn.Process(target=receive, args=(to_spans,), daemon=True),
        ]
        for process in others:
            process.start()
        port, settings = ours.recv()
        target = Target(
            name="bench", endpoint=Endpoint("127.0.0.1", port), tls=settings, timeout=5.0
        )
        found = uvloop.run(measure(target, f"http://127.0.0.1:{spans.recv()}"))
        ours.close()
        spans.close()
        for process in others:
            process.terminate()
    print(f"attempt without telemetry   {found['microseconds']:6.0f} us of CPU")
    print(f"with it, {DEFAULT_SHARE:.0%} of successes    {found['default']:6.3f} (limit {LIMIT})")
    print(f"with every attempt recorded {found['every']:6.3f}")
    return 0 if found["default"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
