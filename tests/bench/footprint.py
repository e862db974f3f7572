"""A sidecar's memory, and how long and how much CPU it takes to its first result on /metrics.

One healthy target over the SDK's environment variables, as in a pod without a configuration file;
the backend runs in a process of its own. Also shown, without a limit: the same with the probe's own
telemetry, exported over HTTP to the same place.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from probe.model.target import TlsSettings
from tests.bench.backends import serving
from tests.bench.figures import Figure, Settings, show
from tests.bench.meters import cpu_seconds, get, read_memory, started
from tests.support.ports import reserved_port

STARTS = 5
QUICK_STARTS = 2
WARM = 5.0
"""Seconds after which memory is read."""
QUICK_WARM = 2.0
START_LIMIT = 0.8
CPU_LIMIT = 1.2
MEMORY_LIMIT = 66.0
PROPORTIONAL_LIMIT = 58.0
TRACED = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
}
RESULT = b'mtls_probe_success{target="sdk"} 1'


def environment(port: int, tls: TlsSettings) -> dict[str, str]:
    """Return the variables that an SDK with these files would have.

    What is installed is compiled, so this start is measured with bytecode kept.
    """
    others = ("OTEL_", "PYTHONDONTWRITEBYTECODE")
    unset = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return unset | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": tls.ca_file or "",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": tls.cert_file or "",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": tls.key_file or "",
    }


def has_result(port: int) -> bool:
    """Return whether /metrics shows the target's first result."""
    try:
        return RESULT in get(port, "/metrics")
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds and CPU seconds to the first result, and MB once warm."""

    seconds: float
    cpu: float
    resident: float
    proportional: float


def start(environ: dict[str, str], warm: float) -> Start:
    """Start `run`, read its memory after `warm` seconds, and end it."""
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        command = [sys.executable, "-m", "probe", "run", "--listen", f"127.0.0.1:{port}"]
        began = time.monotonic()
        pid = stack.enter_context(started(["env", "-i", *_assign(environ), *command]))
        while not has_result(port):
            if time.monotonic() - began > 30:
                sys.exit("`run` showed no result")
            time.sleep(0.01)
        seconds, cpu = time.monotonic() - began, cpu_seconds(pid)
        time.sleep(warm)
        return Start(seconds, cpu, read_memory(pid, "Rss"), read_memory(pid, "Pss"))


def _assign(environ: dict[str, str]) -> Iterator[str]:
    return (f"{name}={value}" for name, value in environ.items())


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield memory and start of a sidecar."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (port, tls):
        environ = environment(port, tls)
        warm = QUICK_WARM if settings.quick else WARM
        # The first start warms the file cache.
        starts = [start(environ, warm) for _ in range(QUICK_STARTS if settings.quick else STARTS)]
        traced = start(environ | TRACED, warm)
    later = starts[1:]
    seconds = statistics.median(each.seconds for each in later)
    cpu = statistics.median(each.cpu for each in later)
    memory = statistics.median(each.resident for each in later)
    proportional = statistics.median(each.proportional for each in later)
    yield Figure("sidecar: first result after", seconds, "s", limit=START_LIMIT)
    yield Figure("sidecar: CPU to the first result", cpu, "s", limit=CPU_LIMIT)
    yield Figure("sidecar: resident memory", memory, "MB", limit=MEMORY_LIMIT)
    yield Figure("sidecar: proportional memory", proportional, "MB", limit=PROPORTIONAL_LIMIT)
    yield Figure("sidecar: resident memory with its own spans", traced.resident, "MB")


if __name__ == "__main__":
    sys.exit(show(measure))
