"""What a service keeps after very many attempts: memory, descriptors, tasks and threads.

Half of the attempts are confirmed, a quarter are refused by an alert, and a quarter find nobody
who listens. The whole service makes them under its own schedule, with a short interval, and its
metrics are scraped meanwhile. What it holds after the first tenth, and again at the end, is read
while no attempt is under way. SOAK=1000000 is the full form, an hour of it.
"""

import asyncio
import gc
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
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
from tests.bench.figures import Figure, Settings, show
from tests.support.ports import reserved_port

COUNT = int(os.environ.get("SOAK") or 60_000)
QUICK_COUNT = 6_000
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
    port: int, dead_port: int, folder: Path, accepted: TlsSettings, interval: float
) -> list[Target]:
    """Return the targets: of each four, two that are accepted, one refused, and one dead."""
    stranger = (str(folder / "stranger.crt"), str(folder / "stranger.key"))
    refused = replace(accepted, cert_file=stranger[0], key_file=stranger[1])
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
                print(held[-1], flush=True)
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
            await asyncio.sleep(SCRAPE_EVERY)
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while await reader.read(65536):
                pass
            writer.close()
            await writer.wait_closed()

    def _count(self, runtime: TargetRuntime) -> None:
        diagnosis = runtime.diagnosis
        assert diagnosis is not None
        self.outcomes[diagnosis.cause or diagnosis.outcome] += 1


def resident() -> float:
    """Return the memory of this process that is resident, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(count: int, rate: float) -> list[Held]:
    """Return what is held after the first tenth of the attempts, and at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dead_port = stack.enter_context(reserved_port())
        port, settings = stack.enter_context(serving(folder))
        configure_logging(human=False, mask=str)
        service = Soak(make_targets(port, dead_port, folder, settings, TARGETS / rate))
        map_large_buffers()
        held = uvloop.run(service.run(count))
    print(service.outcomes.most_common(), file=sys.stderr)
    return held


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield what grew."""
    held = soak(QUICK_COUNT if settings.quick else COUNT, RATE)
    first, last = held[0], held[-1]
    growth = last.memory - first.memory
    name = f"soak: memory from {first.attempts:,} to {last.attempts:,} attempts"
    yield Figure(name, growth, "MB", limit=GROWTH_LIMIT)
    for what in ("descriptors", "tasks", "threads"):
        more = getattr(last, what) - getattr(first, what)
        yield Figure(f"soak: {what} more", more, "", limit=0)


if __name__ == "__main__":
    sys.exit(show(measure))
