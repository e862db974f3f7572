"""What a service keeps after very many attempts: memory, descriptors, tasks and threads.

Half of the attempts are confirmed, a quarter are refused by an alert, and a quarter find nobody
who listens. The whole service makes them under its own schedule, with a short interval, and its
metrics are scraped meanwhile. What it holds after the first tenth, and again at the end, is read
while no attempt is under way. `--count 1000000` is the full form, half an hour or more of it;
`--rate` is how many attempts are made a second.
"""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from probe.config.configuration import Configuration, WebSettings
from probe.ledger.target_runtime import TargetRuntime
from probe.log.format import configure_logging
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.service import Service
from probe.system.memory_allocation import map_large_buffers
from tests.bench.backends import serving
from tests.bench.figures import Figure, show
from tests.support.ports import reserved_port

COUNT = 60_000
RATE = 300.0
TARGETS = 100
GROWTH_LIMIT = 2.0
"""MB after the first tenth."""
SCRAPE_EVERY = 5.0


@dataclass(frozen=True)
class Held:
    """What the process holds while no attempt is under way; memory in MB."""

    attempts: int
    memory: float
    descriptors: int
    tasks: int
    threads: int


def make_targets(
    port: int, dead_port: int, settings: list[TlsSettings], interval: float
) -> list[Target]:
    """Return the targets: of each four, two that are accepted, one refused, and one dead."""
    accepted, refused = settings
    kinds = ((port, accepted), (port, refused), (port, accepted), (dead_port, accepted))
    return [
        Target(
            name=f"target-{number}",
            endpoint=Endpoint("127.0.0.1", kinds[number % 4][0]),
            tls=kinds[number % 4][1],
            interval=interval,
            timeout=5.0,
        )
        for number in range(TARGETS)
    ]


class Soak:
    """A service under many attempts."""

    def __init__(self, targets: list[Target]) -> None:
        """Wire the service; nothing runs yet."""
        self.outcomes: Counter[str] = Counter()
        self._targets = targets
        self._service = Service(
            Configuration(targets=tuple(targets), web=WebSettings("127.0.0.1", 0))
        )
        self._service.ledger.subscribe(self._count)

    async def run(self, count: int) -> list[Held]:
        """Make `count` attempts; return what is held after each tenth of them."""
        held = []
        async with self._service.run() as address, asyncio.TaskGroup() as group:
            scraping = group.create_task(self._scrape(address))
            for tenth in range(1, 11):
                while self.outcomes.total() < count * tenth / 10:
                    await asyncio.sleep(0.05)
                held.append(await self._rest())
                print(held[-1], file=sys.stderr, flush=True)
            scraping.cancel()
        return held

    async def _rest(self) -> Held:
        """Return what is held once the attempts under way have ended; then go on."""
        schedule, ledger = self._service._schedule, self._service.ledger
        schedule.replace(())
        # Connections that the backend has yet to close end meanwhile, as those of a scrape do.
        await asyncio.sleep(1.0)
        while ledger.in_flight:
            await asyncio.sleep(0.05)
        gc.collect()
        held = Held(
            attempts=self.outcomes.total(),
            memory=resident(),
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            tasks=len(asyncio.all_tasks()),
            threads=threading.active_count(),
        )
        schedule.replace(self._targets)
        return held

    async def _scrape(self, address: Endpoint) -> None:
        while True:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while await reader.read(65536):
                pass
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(SCRAPE_EVERY)

    def _count(self, runtime: TargetRuntime) -> None:
        diagnosis = runtime.diagnosis
        assert diagnosis is not None
        self.outcomes[diagnosis.cause or diagnosis.outcome] += 1


def resident() -> float:
    """Return the memory of this process that is resident, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(count: int, rate: float) -> Iterator[Figure]:
    """Make `count` attempts, `rate` a second; yield what has grown."""
    configure_logging(human=False, mask=str)
    map_large_buffers()
    with (
        tempfile.TemporaryDirectory() as folder,
        reserved_port() as dead_port,
        serving(Path(folder)) as (port, accepted),
    ):
        files = Path(folder)
        refused = replace(
            accepted,
            cert_file=str(files / "stranger.crt"),
            key_file=str(files / "stranger.key"),
        )
        targets = make_targets(port, dead_port, [accepted, refused], TARGETS / rate)
        service = Soak(targets)
        held = uvloop.run(service.run(count))
    first, last = held[0], held[-1]
    made = f"from {first.attempts:,} to {last.attempts:,} attempts"
    for name, times in service.outcomes.most_common():
        yield Figure(f"soak: {name}", times, "attempts")
    yield Figure(f"soak: memory {made}", last.memory - first.memory, "MB more", limit=GROWTH_LIMIT)
    for name in ("descriptors", "tasks", "threads"):
        grown = getattr(last, name) - getattr(first, name)
        yield Figure(f"soak: {name}", grown, "more", limit=0)


def main() -> int:
    """Read how many attempts to make, and make them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rate", type=float, default=RATE)
    asked = parser.parse_args()
    return show(lambda _settings: soak(asked.count, asked.rate))


if __name__ == "__main__":
    sys.exit(main())
