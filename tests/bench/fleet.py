"""A fleet in one process: CPU, lateness, hold-ups of the loop, memory for each target.

The probe is `run` with a configuration file, in a process of its own; so is the backend, nginx where
it is installed. Without arguments it is 2,000 targets at 6 s: the attempts a second of 10,000 at 30 s.
With `--hostile` every tenth target is dead, silent or talks without end, and with `--scrape` /metrics
is read every five seconds.
"""

import argparse
import asyncio
import gc
import http.client
import json
import math
import multiprocessing
import os
import shutil
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

from probe.model.target import TlsSettings
from tests.support.ports import reserved_port

TICK: Final = 0.005
"""Seconds between two looks at the loop; a hold-up is measured to within that."""
SCRAPE_EVERY: Final = 5.0
CPU_LIMIT: Final = 0.7
LATE_LIMIT: Final = 0.25
STALL_LIMIT: Final = 0.02
EACH_LIMIT: Final = 14.0
"""Thousands of bytes for each target, beyond what a service without one has."""


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
                if (held := watch.used - used) > 0.01:
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
    from probe.cli.run_command import run_in_loop
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
    run_in_loop(main())


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[int, TlsSettings, int | None]]:
    """Run a backend that answers OTLP over HTTP; yield its port, the files for it, its process."""
    from tests.lab.nginx import run_nginx
    from tests.support.pki import Authority, write_pem

    server_ca, client_ca = Authority.root("server CA"), Authority.root("client CA")
    server = server_ca.issue("collector", usages=("serverAuth",))
    client = client_ca.issue("exporter", sans=(), usages=("clientAuth",))
    write_pem(folder, "server.crt", server.pem)
    write_pem(folder, "server.key", server.key_pem)
    write_pem(folder, "client-ca.crt", client_ca.pem)
    settings = TlsSettings(
        ca_file=str(write_pem(folder, "ca.crt", server_ca.pem)),
        cert_file=str(write_pem(folder, "tls.crt", client.pem)),
        key_file=str(write_pem(folder, "tls.key", client.key_pem)),
        server_name_override="localhost",
    )
    with reserved_port() as port:
        http_part = (
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.crt; "
            f"ssl_certificate_key {folder}/server.key; ssl_client_certificate {folder}/client-ca.crt; "
            "ssl_verify_client on; default_type application/x-protobuf; return 200; }"
        )
        top = "worker_rlimit_nofile 4096;"
        with run_nginx(folder, port, http=http_part, top=top):
            yield port, settings, int((folder / "pid").read_text(encoding="ascii"))


@contextmanager
def python_backend(folder: Path) -> Iterator[tuple[int, TlsSettings, int | None]]:
    """Run the backend of `attempt_cost` where there is no nginx."""
    from tests.bench.attempt_cost import serve as serve_python

    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve_python, args=(str(folder), theirs), daemon=True)
    process.start()
    try:
        yield (*ours.recv(), process.pid)
    finally:
        ours.close()
        process.terminate()


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
    folder: Path, count: int, interval: float, port: int, tls: TlsSettings, hostile: list[int]
) -> Path:
    """Write a configuration of so many targets; every tenth is of a port in `hostile`, if any."""
    lines = [
        f"defaults: {{interval: {interval:g}s, timeout: 3s, protocol: http/protobuf, tls: "
        f"{{ca_file: {tls.ca_file}, cert_file: {tls.cert_file}, key_file: {tls.key_file}, "
        "server_name_override: localhost}}",
        "targets:",
    ]
    for number in range(count):
        own = hostile[number // 10 % len(hostile)] if hostile and number % 10 == 0 else port
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


def resident(pid: int) -> float:
    """Return VmRSS of a process in thousands of bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1.024
    return 0.0


def read_cpu(pid: int | None) -> float:
    """Return the seconds of CPU that a process has used."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


def watch_fleet(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the fleet and return all figures."""
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        start_backend = nginx if shutil.which("nginx") else python_backend
        port, tls, backend = stack.enter_context(start_backend(folder))
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
            empty = write_configuration(folder, 1, interval, port, tls, [])
            with probe(empty, ticking=False) as (pid, own_port, _):
                scrape(own_port)
                time.sleep(2.0)
                found["empty_kb"] = resident(pid)
        file = write_configuration(folder, count, interval, port, tls, hostile)
        began = time.monotonic()
        with probe(file, ticking=arguments.ticking) as (pid, own_port, pipe):
            found["ready_after"] = time.monotonic() - began
            used = read_cpu(backend)
            found["first_results_after"] = wait_for_all(own_port, count, 300.0)
            found["start"] = ask(pipe, "read")
            found["backend_start_cpu"] = (read_cpu(backend) - used) / found["start"]["seconds"]
            time.sleep(arguments.wait)
            ask(pipe, "mark")
            used = read_cpu(backend)
            scrapes = []
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end:
                if arguments.scrape:
                    seconds, body = scrape(own_port)
                    scrapes.append(seconds)
                    found["metrics_mb"] = len(body) / 1e6
                time.sleep(min(SCRAPE_EVERY, max(end - time.monotonic(), 0)))
            found["steady"] = ask(pipe, "read")
            found["backend_cpu"] = (read_cpu(backend) - used) / found["steady"]["seconds"]
            if scrapes:
                found["scrape_seconds"] = statistics.median(scrapes)
            found["resident_kb"] = resident(pid)
            _, body = scrape(own_port)
            missed = body.partition(b"\nmtls_probe_schedule_missed_total ")[2].split(b"\n")[0]
            found["missed"] = float(missed)
    if count and "empty_kb" in found:
        found["each_kb"] = (found["resident_kb"] - found["empty_kb"]) / (count - 1)
    return found


def main() -> int:
    """Print the figures; exit 1 where a limit is exceeded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=2000)
    parser.add_argument("--interval", type=float, default=6.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--wait", type=float, default=5.0)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--scrape", action="store_true")
    parser.add_argument("--ticking", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = watch_fleet(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    steady = found["steady"]
    print(f"{arguments.targets} targets at {arguments.interval:g} s")
    print(f"CPU of the probe      {steady['cpu']:8.1%}   (limit {CPU_LIMIT:.0%})")
    print(f"CPU of the backend    {found['backend_cpu']:8.1%}")
    print(
        f"CPU an attempt        {steady['cpu'] * steady['seconds'] / steady['attempts'] * 1e6:8.0f} us"
    )
    print(f"late, p99             {steady['late_p99'] * 1e3:8.1f} ms  (limit {LATE_LIMIT * 1e3:g})")
    print(f"missed                {found['missed']:8.0f}   (limit 0)")
    print(f"resident memory       {found['resident_kb'] / 1e3:8.1f} MB")
    print(f"all have a result     {found['first_results_after']:8.1f} s after the start")
    kept = steady["cpu"] <= CPU_LIMIT and steady["late_p99"] <= LATE_LIMIT and not found["missed"]
    if "each_kb" in found:
        print(f"for each target       {found['each_kb']:8.1f} kB  (limit {EACH_LIMIT:g})")
        kept = kept and found["each_kb"] <= EACH_LIMIT
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
