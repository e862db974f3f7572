"""What a sidecar costs: memory, CPU and time from its start to the first result on /metrics.

One healthy target over the SDK's environment variables, as in a pod without a configuration
file; the backend runs in a process of its own. Also shown, without a limit: the memory with the
probe's own telemetry, exported over HTTP to the same place. Under a quota of a twentieth of a core
(`quota.py`), what counts is when it is ready.
"""

import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe.model.target import TlsSettings
from tests.bench.backends import serving
from tests.bench.figures import Figure, Settings, show
from tests.bench.quota import limited_to
from tests.support.ports import reserved_port

STARTS: Final = 5
WARM: Final = 5.0
"""Seconds after which memory is read."""
START_LIMIT: Final = 0.8
CPU_LIMIT: Final = 1.2
MEMORY_LIMIT: Final = 66.0
SHARE_LIMIT: Final = 58.0
QUOTA: Final = 0.05
READY_LIMIT: Final = 40.0
LONGEST: Final = 120.0
TRACED: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
}
RESULT: Final = b'mtls_probe_success{target="sdk"} 1'


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds to the first result, and CPU seconds until then; memory in MB."""

    seconds: float
    cpu: float
    resident: float = 0.0
    proportional: float = 0.0


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


def get(port: int, path: str) -> bytes:
    """Return what the probe answers, and nothing while it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return b""
    finally:
        connection.close()
    return body if answer.status == 200 else b""


@contextmanager
def running(environ: Mapping[str, str], before: Sequence[str] = ()) -> Iterator[tuple[int, Start]]:
    """Start `run`; yield its process id, and what its start took."""
    with reserved_port() as port:
        command = [*before, sys.executable, "-m", "probe", "run", "--listen", f"127.0.0.1:{port}"]
        began = time.monotonic()
        process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
        try:
            while RESULT not in get(port, "/metrics"):
                if process.poll() is not None or time.monotonic() - began > LONGEST:
                    sys.exit(f"`run` ended with {process.returncode} and showed no result")
                time.sleep(0.01)
            yield process.pid, Start(time.monotonic() - began, cpu_seconds(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far (proc_pid_stat(5))."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, of: str) -> float:
    """Return `Rss` or `Pss` of a process in MB (proc_pid_smaps(5) counts in 1024 bytes)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(rollup.partition(f"\n{of}:")[2].split()[0]) * 1024 / 1e6


def measure_start(environ: Mapping[str, str], starts: int = STARTS) -> Start:
    """Return the medians of several starts, and the memory of the last once it is warm."""
    begun = []
    for _ in range(starts - 1):
        with running(environ) as (_, start):
            begun.append(start)
    with running(environ) as (pid, start):
        begun.append(start)
        time.sleep(WARM)
        return Start(
            statistics.median(each.seconds for each in begun),
            statistics.median(each.cpu for each in begun),
            memory(pid, "Rss"),
            memory(pid, "Pss"),
        )


def measure(settings: Settings) -> Iterator[Figure]:
    """Measure the sidecar."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (port, tls):
        environ = environment(port, tls)
        found = measure_start(environ)
        yield Figure("sidecar: first result", found.seconds, "s", limit=START_LIMIT)
        yield Figure("sidecar: CPU until then", found.cpu, "s", limit=CPU_LIMIT)
        yield Figure("sidecar: resident", found.resident, "MB", limit=MEMORY_LIMIT)
        yield Figure("sidecar: its share (PSS)", found.proportional, "MB", limit=SHARE_LIMIT)
        if settings.quick:
            return
        traced = measure_start(environ | TRACED, starts=1)
        yield Figure("sidecar: resident, with its own spans", traced.resident, "MB")
        with limited_to(QUOTA) as before, running(environ, before) as (_, start):
            name = f"sidecar: first result under {QUOTA:.0%} of a core"
            yield Figure(name, start.seconds, "s", limit=READY_LIMIT)


if __name__ == "__main__":
    sys.exit(show(measure))
