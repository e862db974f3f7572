"""Real servers as processes: Go's net/http, and the OpenTelemetry Collector."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.faults.servers import STARTS_WITHIN, kill, suspend
from tests.faults.truth import Stall
from tests.lab.collector_build import collector_binary
from tests.lab.compiled import go_server
from tests.lab.stacks.go import PROGRAM
from tests.support.builds import NotBuiltError


class RealServer:
    """A program that is started again for each behaviour; it measures no stalls."""

    ready: str
    """The line of its log once it listens."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        """Start nothing yet."""
        self._name = address
        self._listen = f"{address}:{port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def command(self, wanted: dict[str, Any]) -> list[str]:
        """Return the command for the wanted behaviour."""
        raise NotImplementedError

    def serve(self, wanted: dict[str, Any] | None) -> None:
        """Start a new process with the wanted behaviour; None: nothing listens.

        Raises:
            AssertionError: with its log, where it does not start.
        """
        self.kill()
        if wanted is None:
            return
        self._starts += 1
        log = self._folder / f"{self._name}-{self._starts}.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(wanted), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        end = time.monotonic() + STARTS_WITHIN
        while self.ready not in (text := log.read_text(errors="replace")):
            assert self._process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.01)

    def kill(self) -> None:
        """End the process by SIGKILL."""
        if self._process is not None:
            kill(self._process)
            self._process = None

    def suspend(self) -> None:
        """Stop the process where it is."""
        assert self._process is not None
        suspend(self._process.pid)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stalls(self) -> tuple[Stall, ...]:
        """Return nothing: it measures no stalls."""
        return ()

    def end(self) -> None:
        """End for good."""
        self.kill()


class GoServer(RealServer):
    """Go's net/http over crypto/tls, which speaks OTLP/HTTP."""

    ready = "port "

    def command(self, wanted: dict[str, Any]) -> list[str]:
        """Return how to run it."""
        command = [str(go_server(PROGRAM)), "-listen", self._listen]
        command += ["-cert", wanted["server"][0], "-key", wanted["server"][1]]
        command += ["-client-ca", wanted["client_ca"][0], "-tls", wanted["max_version"]]
        command += ["-ahead", f"{wanted.get('clock_offset', 0)}s"]
        return command + (["-refuse-names"] if wanted.get("refuses_names") else [])


class CollectorServer(RealServer):
    """The OpenTelemetry Collector with one OTLP receiver over gRPC."""

    ready = "Everything is ready"

    def command(self, wanted: dict[str, Any]) -> list[str]:
        """Write its configuration and return how to run it."""
        tls = {
            "cert_file": wanted["server"][0],
            "key_file": wanted["server"][1],
            "client_ca_file": wanted["client_ca"][0],
        }
        receiver = {"protocols": {"grpc": {"endpoint": self._listen, "tls": tls}}}
        pipeline = {"receivers": ["otlp"], "exporters": ["debug"]}
        configuration = {
            "receivers": {"otlp": receiver},
            "exporters": {"debug": {}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": pipeline},
            },
        }
        file = self._folder / f"{self._name}.yaml"
        file.write_text(json.dumps(configuration))
        return [str(collector_binary()), f"--config={file}"]


def missing(behaviour: str) -> str:
    """Return why the real server `behaviour` cannot be run here; empty where it can."""
    if shutil.which("go") is None:
        return "Go is not installed"
    if behaviour == "otelcol":
        try:
            collector_binary()
        except NotBuiltError as error:
            return str(error)
    return ""
