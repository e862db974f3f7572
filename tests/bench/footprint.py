"""Resident memory of `run`, and the time from its start to the first result on /metrics.

One healthy target over the SDK's environment variables, as in a pod without a configuration
file; the backend runs in a process of its own. `run` listens on its default port then, so
nothing else may. Also shown, without a limit: the same with the probe's own telemetry, exported
over HTTP to the same place.
"""

import http.client
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probe.model.target import TlsSettings
from tests.bench.backends import serve

PORT = 9943
STARTS = 5
WARM = 5.0
"""Seconds after which memory is read."""
START_LIMIT = 1.5
MEMORY_LIMIT = 80.0
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


def has_result() -> bool:
    """Return whether /metrics shows the target's first result."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1.0)
    try:
        connection.request("GET", "/metrics")
        return RESULT in connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def running(environ: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Start `run`; yield its process id and the seconds until its first result."""
    command = [sys.executable, "-m", "probe", "run"]
    began = time.monotonic()
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        while not has_result():
            if process.poll() is not None or time.monotonic() - began > 30:
                sys.exit(f"`run` ended with {process.returncode} and showed no result")
            time.sleep(0.01)
        yield process.pid, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def resident(pid: int) -> float:
    """Return VmRSS of a process in MB (proc_pid_status(5) counts in units of 1024 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    sys.exit("the kernel tells no VmRSS")


def measure(environ: dict[str, str]) -> tuple[float, float]:
    """Return the median seconds to the first result, and the MB resident once warm."""
    if has_result():
        sys.exit(f"another probe listens on port {PORT}")
    starts = []
    for _ in range(STARTS - 1):
        with running(environ) as (_, seconds):
            starts.append(seconds)
    with running(environ) as (pid, seconds):
        starts.append(seconds)
        time.sleep(WARM)
        return statistics.median(starts), resident(pid)


def main() -> int:
    """Print the figures; exit 1 where a limit is exceeded."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        backend = spawn.Process(target=serve, args=(folder, theirs), daemon=True)
        backend.start()
        try:
            environ = environment(*ours.recv())
            start, memory = measure(environ)
            _, traced = measure(environ | TRACED)
        finally:
            ours.close()
            backend.terminate()
    print(f"first result      {start:8.2f} s after the start   (limit {START_LIMIT})")
    print(f"resident memory   {memory:8.1f} MB   (limit {MEMORY_LIMIT:g})")
    print(f"with its own spans{traced:7.1f} MB")
    return 0 if start <= START_LIMIT and memory <= MEMORY_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
