"""Real servers as processes on loopback: the OpenTelemetry Collector and openssl s_server.

Each binds port 0 and says in its log which port it got, so that no two of them ever compete for
one. The log goes to a file; nothing blocks on a pipe that no one reads.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from probe.model.target import SIGNALS, Signal
from tests.lab.credentials import LabPki, Pair

HOST: Final = "127.0.0.1"
SHARED_MEMORY: Final = Path("/dev/shm")
"""Where faketime leaves its clock files after it was terminated."""
START_TIMEOUT: Final = 30.0
"""Seconds that a server may take to start on a busy machine."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a server has written so far, standard output and error together."""

    path: Path

    def text(self) -> str:
        """Return all of it."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern: str, *, timeout: float = 5.0) -> re.Match[str]:
        """Return the first match of `pattern`, waiting up to `timeout` seconds.

        Raises:
            AssertionError: with the log, where it does not come.
        """
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text())
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"no {pattern!r} within {timeout} s in:\n{self.text()}")
            time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Collector:
    """A running Collector: OTLP over gRPC and over HTTP, both with mutual TLS."""

    grpc_port: int
    http_port: int
    log: Log


@dataclass(frozen=True, slots=True)
class SServer:
    """A running openssl s_server, which serves one connection after another."""

    port: int
    log: Log


@contextmanager
def process(command: Sequence[str], log: Path, *, cwd: Path | None = None) -> Iterator[Log]:
    """Run `command` with its output in `log`; terminate it and its children at the end."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            process_group=0,
        ) as running,
    ):
        try:
            yield Log(log)
        finally:
            # faketime waits for the server as its child, and passes no signal on.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
            for left in SHARED_MEMORY.glob(f"*faketime_s*_{running.pid}"):
                left.unlink(missing_ok=True)


def accepting(port: int, log: Log) -> None:
    """Wait until a server that logs nothing accepts connections.

    Raises:
        AssertionError: with its log, where it never does.
    """
    end = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            assert time.monotonic() < end, log.text()
            time.sleep(0.02)
        else:
            return


def started(log: Log, pattern: str) -> re.Match[str]:
    """Return the match of the line with which a server reports that it is ready."""
    return log.wait_for(pattern, timeout=START_TIMEOUT)


@contextmanager
def collector(
    binary: Path,
    folder: Path,
    pki: LabPki,
    *,
    min_version: str = "1.2",
    max_version: str = "1.3",
    client_ca_file: Path | None = None,
    server: Pair | None = None,
    exporter: Mapping[str, object] = MappingProxyType({"debug": {"verbosity": "detailed"}}),
    before: Sequence[str] = (),
) -> Iterator[Collector]:
    """Run a Collector that demands a client certificate on both ports; `folder` is its own.

    `before` stands before its command.
    """
    server = server or pki.server
    tls = {
        "cert_file": str(server.cert_file),
        "key_file": str(server.key_file),
        "client_ca_file": str(client_ca_file or pki.client_ca_file),
        "min_version": min_version,
        "max_version": max_version,
    }
    with serve_collector(binary, folder, tls, exporter=exporter, before=before) as running:
        yield running


@contextmanager
def serve_collector(
    binary: Path,
    folder: Path,
    tls: Mapping[str, str] | None,
    *,
    exporter: Mapping[str, object] = MappingProxyType({"debug": {"verbosity": "detailed"}}),
    processors: Mapping[str, object] = MappingProxyType({}),
    signals: Sequence[Signal] = SIGNALS,
    before: Sequence[str] = (),
) -> Iterator[Collector]:
    """Run a Collector with the server settings `tls` on both ports; `folder` is its own.

    None: both ports are without TLS. What it receives of `signals` goes through `processors` to
    `exporter`.
    """
    listen = {"endpoint": f"{HOST}:0", "tls": tls}
    pipeline = {
        "receivers": ["otlp"],
        "processors": list(processors),
        "exporters": list(exporter),
    }
    configuration = {
        "receivers": {"otlp": {"protocols": {"grpc": listen, "http": listen}}},
        "processors": dict(processors),
        "exporters": dict(exporter),
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": dict.fromkeys(signals, pipeline),
        },
    }
    # Every JSON document is a YAML document.
    file = folder / "collector.yaml"
    file.write_bytes(msgspec.json.encode(configuration))
    log = folder / "collector.log"
    with run_collector(binary, [f"--config={file}"], log, before=before) as running:
        yield running


@contextmanager
def run_collector(
    binary: Path, arguments: Sequence[str], log: Path, *, before: Sequence[str] = ()
) -> Iterator[Collector]:
    """Run `binary` with `arguments` until its ports accept; they are read from its log."""
    with process([*before, str(binary), *arguments], log) as output:
        started(output, "Everything is ready")
        # On another line than the other: (?:.*) does not cross line ends.
        grpc = started(output, r'Starting GRPC server.*"endpoint": "[^"]*:(\d+)"')
        http = started(output, r'Starting HTTP server.*"endpoint": "[^"]*:(\d+)"')
        yield Collector(int(grpc[1]), int(http[1]), output)


@contextmanager
def s_server(
    folder: Path,
    pki: LabPki,
    *arguments: str,
    tls: str = "1.3",
    alpn: str = "h2",
    client_ca_file: Path | None = None,
    ask_for_certificate: bool = True,
    server: Pair | None = None,
) -> Iterator[SServer]:
    """Run openssl s_server on a port of its own; `arguments` are further options of its own.

    With `ask_for_certificate` it demands a client certificate that verifies against
    `client_ca_file` and ends the handshake with an alert where there is none.
    """
    server = server or pki.server
    command = [openssl(), "s_server", "-accept", f"{HOST}:0"]
    command += ["-cert", str(server.cert_file), "-key", str(server.key_file)]
    command += ["-tls" + tls.replace(".", "_")] if tls else []
    command += ["-alpn", alpn] if alpn else []
    if ask_for_certificate:
        trusted = str(client_ca_file or pki.client_ca_file)
        command += ["-CAfile", trusted, "-Verify", "1", "-verify_return_error"]
    with process([*command, *arguments], folder / "s_server.log") as output:
        found = started(output, r"ACCEPT \S*:(\d+)")
        yield SServer(int(found[1]), output)


def openssl() -> str:
    """Return the path of the openssl command.

    Raises:
        FileNotFoundError: where there is none.
    """
    path = shutil.which("openssl")
    if path is None:
        raise FileNotFoundError("the openssl command is not installed")
    return path


StartCollector = Callable[..., Collector]
StartSServer = Callable[..., SServer]
