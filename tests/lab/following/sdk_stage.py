"""The stage with an application in the exporter's place: Python's SDK, set by its variables."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from probe.model.target import Protocol
from tests.lab.following.stage import Side, Stage, reserve_stage
from tests.support.command_line import environment

VARIABLES: Final = {
    "ca_file": "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "cert_file": "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "key_file": "OTEL_EXPORTER_OTLP_CLIENT_KEY",
}
RUNTIMES: Final[Mapping[Protocol, str]] = {"grpc": "python-grpc", "http/protobuf": "python-http"}


@dataclass
class Application(Side):
    """The process with the SDK; its settings become variables when it starts."""

    protocol: Protocol = "grpc"
    process: subprocess.Popen[str] | None = field(default=None)

    def save(self) -> None:
        """Do nothing: variables are given at the start."""

    def variables(self) -> dict[str, str]:
        """Return the settings as variables."""
        (exporter,) = self.settings["exporters"].values()
        own = {VARIABLES[key]: path for key, path in exporter["tls"].items()}
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": exporter["endpoint"],
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
            "MTLS_PROBE_EXPORTER": RUNTIMES[self.protocol],
            **own,
        }

    def start(self) -> bool:
        """Start the application, or start it again; return whether its exporter could be made."""
        self.stop()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.following.application", self.protocol],
            cwd=self.folder, env=environment({**self.variables(), "GRPC_VERBOSITY": "NONE"}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            self.stop()
            return False
        return True

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            with self.process as ending:
                ending.kill()
            self.process = None

    def export(self) -> bool:
        """Let it export a span; return whether it says that it did."""
        if self.process is None:
            return False
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "yes\n"


class SdkStage(Stage):
    """Exporter and backend, where the exporter is an application's."""

    application: Application

    def make_exporter(self, folder: Path, otelcol: Path) -> Side:
        """Return the application."""
        self.application = Application(folder, otelcol, protocol=self.protocol)
        return self.application

    def configure(self) -> None:
        """An SDK's endpoint is a URL with both protocols."""
        super().configure()
        settings = self.exporter_settings
        settings["endpoint"] = f"https://localhost:{self.ports[self.protocol]}"
        for key in set(settings) - {"endpoint", "tls"}:
            del settings[key]

    def export(self) -> bool:
        """Let the application export a span."""
        return self.application.export()

    def check(self) -> tuple[dict[str, Any], int]:
        """Run `mtls-probe check` with the application's variables, as a sidecar has them."""
        ended = subprocess.run(
            [sys.executable, "-m", "probe", "check", "--output", "json", "--quiet"],
            cwd=self.exporter.folder, env=environment(self.application.variables()), check=False,
            capture_output=True, timeout=60,
        )  # fmt: skip
        assert ended.stdout, ended.stderr
        (target,) = json.loads(ended.stdout)["results"]
        return target, ended.returncode


@contextmanager
def sdk_stage(otelcol: Path, protocol: Protocol) -> Iterator[SdkStage]:
    """Set up a stage whose exporter is Python's."""
    with reserve_stage() as (folder, ports):
        there = SdkStage(folder, otelcol, protocol, ports)
        try:
            yield there
        finally:
            there.stop()
