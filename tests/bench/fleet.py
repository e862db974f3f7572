"""A fleet in one process: CPU, lateness, hold-ups of the loop, memory for each target.

The probe is `run` with a configuration file, in a process of its own; the backend is nginx. In the hostile fleet every tenth target is dead, silent or talks without end, and
/metrics is read every five seconds.
"""

import asyncio
import gc
import http.client
import math
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from tests.bench.backends import NAME, Site, nginx_site
from tests.bench.figures import Figure, Settings, show
from tests.bench.meters import cpu_seconds, read_memory
from tests.support.ports import reserved_port

TICK: Final = 0.005
"""Seconds between two looks at the loop; a hold-up is measured to within that."""
SCRAPE_EVERY: Final = 5.0
CPU_LIMIT: Final = 0.7
LATE_LIMIT: Final = 0.25
STALL_LIMIT: Final = 0.02
MEMORY_LIMIT: Final = 210.0
EACH_LIMIT: Final = 14.0
"""Thousands of bytes for each target, beyond what a service without one has."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is watched: how many targets, how often, after how long, for how long."""

    targets: int
    interval: float
    wait: float
    seconds: float
    hostile: bool = False
    scrape: bool = False
    ticking: bool = False
    """Whether hold-ups of the loop are noted, which costs CPU."""


WHOLE: Final = Arrangement(10_000, 30.0, wait=40.0, seconds=60.0)
QUICK: Final = Arrangement(2_000, 6.0, wait=5.0, seconds=15.0)
"""As many attempts a second."""
HOSTILE: Final = Arrangement(
    2_000, 6.0, wait=5.0, seconds=30.0, hostile=True, scrape=True, ticking=True
)


@dataclass
class Watch:
    """What the probe's process sees of itself between two marks."""

    late: list[float] = field(default_factory=list)
    stalls: list[tuple[float, str]] = field(default_factory=list)
    """Each with what ran meanwhile."""
    used: float = math.inf
    """CPU of the loop's thread at the last tick."""
    seen: str = ""
    collections: list[float] = field(default_factory=list)
    """Seconds of CPU of garbage collections."""
    began: float = 0.0
    cpu: float = 0.0

    def mark(self) -> None:
        """Begin anew."""
        self.late.clear()
        self.stalls.clear()
        self.collections.clear()
        self.began, self.cpu = time.monotonic(), time.process_time()

    def read(self) -> dict[str, Any]:
        """Return what was seen since the mark."""
        late = sorted(self.late) or [0.0]
        seconds = time.monotonic() - self.began
        return {
            "seconds": seconds,
            "cpu": (time.process_time() - self.cpu) / seconds,
            "attempts": len(self.late),
            "late_p50": late[len(late) // 2],
            "late_p99": late[int(len(late) * 0.99)],
            "late_max": late[-1],
            "collections": sorted(self.collections, reverse=True)[:6],
            "stalls": sorted(self.stalls, reverse=True)[:12],
            "over_limit": sum(each > STALL_LIMIT for each, _ in self.stalls),
        }


async def watch_loop(watch: Watch, pipe: Connection, *, ticking: bool) -> None:
    """Note by how much each tick is late, and answer the parent."""
    while True:
        for _ in range(10):
            await asyncio.sleep(TICK if ticking else TICK * 10)
            if ticking:
                # CPU of this thread, not time: a busy machine takes it off the core now and then.
                used, watch.used = watch.used, time.thread_time()
                if (held := watch.used - used) > 0.001:
                    watch.stalls.append((round(held, 4), watch.seen))
                watch.seen = ""
        if pipe.poll():
            if pipe.recv() == "mark":
                watch.mark()
                pipe.send(None)
            else:
                pipe.send(watch.read())


def look_at_stalls(watch: Watch, main: int) -> None:
    """Note what the main thread does while its loop does not tick; runs in a thread of its own."""
    clock = time.pthread_getcpuclockid(main)
    while True:
        time.sleep(0.003)
        if time.clock_gettime(clock) - watch.used > 0.012:
            frame = sys._current_frames().get(main)
            stack = traceback.extract_stack(frame)[-7:]
            watch.seen = " < ".join(
                f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in reversed(stack)
            )


def run_probe(file: str, listen: str, pipe: Connection, ticking: bool) -> None:
    """Run the service as the command does, and watch it."""
    import click

    from probe.cli.load_configuration import make_loader
    from probe.cli.run_command import estimate_attempts, run_in_loop
    from probe.config.arguments import read_listen
    from probe.metrics.service_metrics import ServiceMetrics
    from probe.service.service import serve

    sys.stderr = Path(file).with_suffix(".log").open("w", encoding="utf-8")
    watch = Watch()
    observe = ServiceMetrics.observe_lateness

    def observe_too(self: ServiceMetrics, seconds: float) -> None:
        watch.late.append(seconds)
        observe(self, seconds)

    ServiceMetrics.observe_lateness = observe_too  # type: ignore[method-assign]

    began = 0.0

    def time_collection(phase: str, _info: object) -> None:
        nonlocal began
        if phase == "start":
            began = time.thread_time()
        elif (took := time.thread_time() - began) > 0.002:
            watch.collections.append(round(took, 4))

    async def main() -> None:
        if ticking:
            gc.callbacks.append(time_collection)
            threading.Thread(
                target=look_at_stalls, args=(watch, threading.get_ident()), daemon=True
            ).start()
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_loop(watch, pipe, ticking=ticking))
            await serve(loaded, loader=loader, on_listening=lambda _: watch.mark())

    with click.Context(click.Command("run")):
        loader = make_loader(Path(file), read_listen(listen), human=False)
    loaded = asyncio.run(loader.read())
    run_in_loop(main(), attempts=estimate_attempts(loaded))


def serve_hostile(pipe: Connection) -> None:
    """Accept connections: on one port say nothing, on the other talk without end."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        record = b"\x16\x03\x03\x40\x00" + b"\x0b\x00\xff\xff" + bytes(0x3FFC)
        try:
            while True:
                writer.write(record)
                await writer.drain()
        except OSError:
            writer.close()

    async def main() -> None:
        servers = [await asyncio.start_server(one, "127.0.0.1", 0) for one in (silent, endless)]
        pipe.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)

    asyncio.run(main())


def write_configuration(
    folder: Path, count: int, interval: float, site: Site, hostile: list[int]
) -> Path:
    """Write a configuration of so many targets; every tenth is of a port in `hostile`, if any."""
    lines = [
        f"defaults: {{interval: {interval:g}s, timeout: 3s, protocol: http/protobuf, tls: "
        f"{{ca_file: {site.files.path('ca.crt')}, cert_file: {site.files.path('tls.crt')}, "
        f"key_file: {site.files.path('tls.key')}, server_name_override: {NAME}}}}}",
        "targets:",
    ]
    for number in range(count):
        own = hostile[number // 10 % len(hostile)] if hostile and number % 10 == 0 else site.http1
        lines.append(
            f"  - {{name: collector-{number:05}, endpoint: 'https://127.0.0.1:{own}', "
            f"labels: {{team: team-{number % 50}}}}}"
        )
    file = folder / f"fleet-{count}.yml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def scrape(port: int, path: str = "/metrics") -> tuple[float, bytes]:
    """Return the seconds that an answer takes, and the answer."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
    try:
        connection.request("GET", path)
        body = connection.getresponse().read()
    finally:
        connection.close()
    return time.monotonic() - began, body


@contextmanager
def probe(file: Path, *, ticking: bool) -> Iterator[tuple[int, int, Connection]]:
    """Run the probe; yield its process, its port and its pipe."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    with reserved_port() as port:
        process = spawn.Process(
            target=run_probe, args=(str(file), f"127.0.0.1:{port}", theirs, ticking), daemon=True
        )
        process.start()
        assert process.pid is not None
        try:
            while True:
                try:
                    scrape(port, "/-/ready")
                    break
                except OSError:
                    if not process.is_alive():
                        sys.exit(f"the probe ended: {file.with_suffix('.log').read_text()}")
                    time.sleep(0.02)
            yield process.pid, port, ours
        finally:
            process.terminate()
            process.join(10)


def ask(pipe: Connection, what: str) -> Any:
    """Return what the probe's process answers."""
    pipe.send(what)
    return pipe.recv()


def wait_for_all(port: int, count: int, limit: float) -> float:
    """Return the seconds until every target has a result; scrapes are rare, as they cost CPU."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        _, body = scrape(port, "/api/v1/targets" if count < 100 else "/metrics")
        if body.count(b"\nmtls_probe_last_attempt_timestamp_seconds{") >= count:
            return time.monotonic() - began
        time.sleep(min(1.0 + count / 2000, 3.0))
    return limit


def watch_fleet(arguments: Arrangement, folder: Path) -> dict[str, Any]:
    """Run the fleet and return all figures."""
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        site = stack.enter_context(nginx_site(folder))
        hostile = []
        if arguments.hostile:
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=serve_hostile, args=(theirs,), daemon=True)
            process.start()
            stack.callback(process.terminate)
            hostile = [*ours.recv(), 1]
        count, interval = arguments.targets, arguments.interval
        if not arguments.hostile:
            empty = write_configuration(folder, 1, interval, site, [])
            with probe(empty, ticking=False) as (pid, own_port, _):
                scrape(own_port)
                time.sleep(2.0)
                found["empty_kb"] = read_memory(pid, "Rss") * 1e3
        file = write_configuration(folder, count, interval, site, hostile)
        began = time.monotonic()
        with probe(file, ticking=arguments.ticking) as (pid, own_port, pipe):
            found["ready_after"] = time.monotonic() - began
            used = cpu_seconds(site.pid)
            found["first_results_after"] = wait_for_all(own_port, count, 300.0)
            found["start"] = ask(pipe, "read")
            found["backend_start_cpu"] = (cpu_seconds(site.pid) - used) / found["start"]["seconds"]
            time.sleep(arguments.wait)
            ask(pipe, "mark")
            used = cpu_seconds(site.pid)
            scrapes = []
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end:
                if arguments.scrape:
                    seconds, body = scrape(own_port)
                    scrapes.append(seconds)
                    found["metrics_mb"] = len(body) / 1e6
                time.sleep(min(SCRAPE_EVERY, max(end - time.monotonic(), 0)))
            found["steady"] = ask(pipe, "read")
            found["backend_cpu"] = (cpu_seconds(site.pid) - used) / found["steady"]["seconds"]
            if scrapes:
                found["scrape_seconds"] = statistics.median(scrapes)
            found["resident_kb"] = read_memory(pid, "Rss") * 1e3
            _, body = scrape(own_port)
            missed = body.partition(b"\nmtls_probe_schedule_missed_total ")[2].split(b"\n")[0]
            found["missed"] = float(missed)
    if count and "empty_kb" in found:
        found["each_kb"] = (found["resident_kb"] - found["empty_kb"]) / (count - 1)
    return found


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield the figures of a fleet of healthy backends, then of one with hostile ones."""
    with tempfile.TemporaryDirectory() as folder:
        found = watch_fleet(QUICK if settings.quick else WHOLE, Path(folder))
    steady = found["steady"]
    yield Figure("fleet: CPU of a core", steady["cpu"] * 100, "%", limit=CPU_LIMIT * 100)
    cost = steady["cpu"] * steady["seconds"] / steady["attempts"]
    yield Figure("fleet: CPU of an attempt", cost * 1e6, "us")
    yield Figure("fleet: CPU of the backend", found["backend_cpu"] * 100, "% of a core")
    yield Figure("fleet: late, p99", steady["late_p99"] * 1e3, "ms", limit=LATE_LIMIT * 1e3)
    yield Figure("fleet: missed", found["missed"], "", limit=0)
    yield Figure("fleet: all have a result after", found["first_results_after"], "s")
    memory, each = (None, None) if settings.quick else (MEMORY_LIMIT, EACH_LIMIT)
    yield Figure("fleet: resident memory", found["resident_kb"] / 1e3, "MB", limit=memory)
    yield Figure("fleet: memory of a target", found["each_kb"], "kB", limit=each)
    with tempfile.TemporaryDirectory() as folder:
        found = watch_fleet(HOSTILE, Path(folder))
    longest = max((seconds for seconds, *_ in found["steady"]["stalls"]), default=0.0)
    name = "hostile fleet: longest hold-up of the loop"
    yield Figure(name, longest * 1e3, "ms", limit=STALL_LIMIT * 1e3)
    yield Figure("hostile fleet: a scrape", found["scrape_seconds"] * 1e3, "ms")


if __name__ == "__main__":
    sys.exit(show(measure))
