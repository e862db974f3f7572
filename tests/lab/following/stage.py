"""A real exporter and a real backend, both Collectors, with files that a fault spoils and steps repair.

Each runs on its own configuration in its own folder. A change of a file or of a setting does nothing
until a process reads it: what runs goes on with what it read at its start.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from probe.cli.main import cli
from probe.model.target import Protocol
from probe.text.secret_register import SecretRegister
from tests.lab.following.authorities import Authorities
from tests.lab.servers import HOST, Log, process, started
from tests.lab.stack import with_clock
from tests.support.command_line import environment
from tests.support.logging_state import forget_logging
from tests.support.ntp_server import Says, ntp_server
from tests.support.pki import Authority, Issued, write_pem
from tests.support.ports import reserved_port

EXPORTERS: Final[dict[Protocol, str]] = {"grpc": "otlp_grpc", "http/protobuf": "otlp_http"}
NOBODY: Final = 65_534
_QUICK: Final = {
    "retry_on_failure": {"enabled": False},
    "sending_queue": {"enabled": False},
    "timeout": "3s",
}
"""So that an application is answered with what became of its span."""
_READY: Final = "Everything is ready"
_OVER: Final = r"Error: |collector server run finished with error"


@dataclass
class Side:
    """One of the two Collectors: its folder, its configuration, and the process, where it runs."""

    folder: Path
    otelcol: Path
    settings: dict[str, Any] = field(default_factory=dict)
    """The configuration; `save` writes it."""
    before: tuple[str, ...] = ()
    """What stands before its command, and before that of a probe next to it."""
    running: Log | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _starts: int = 0

    @property
    def file(self) -> Path:
        """The file of the configuration."""
        return self.folder / "otelcol.yaml"

    def save(self) -> None:
        """Write the configuration; every JSON document is a YAML document."""
        self.file.write_text(json.dumps(self.settings, indent=1), encoding="utf-8")
        self.file.chmod(0o644)

    def start(self) -> bool:
        """Start the Collector, or start it again; return whether it serves."""
        self.stop()
        self._starts += 1
        command = [*self.before, str(self.otelcol), f"--config={self.file}"]
        log = self.folder.parent / f"{self.folder.name}-{self._starts}.log"
        running = self._stack.enter_context(process(command, log, cwd=self.folder))
        if started(running, f"{_READY}|{_OVER}")[0] != _READY:
            self.stop()
            return False
        self.running = running
        return True

    def stop(self) -> None:
        """End the process, where one runs."""
        self._stack.close()
        self.running = None

    def write(self, name: str, *parts: bytes) -> Path:
        """Write a file into its folder, and return its path."""
        return write_pem(self.folder, name, *parts)


class Stage:
    """Exporter and backend with the right files, until a fault spoils them."""

    def __init__(
        self,
        folder: Path,
        otelcol: Path,
        protocol: Protocol,
        ports: tuple[int, int],
        *,
        backend_known: bool = False,
    ) -> None:
        """Write the configurations and the files; nothing runs yet.

        Args:
            folder: for all files.
            otelcol: the Collector's binary.
            protocol: what the exporter speaks.
            ports: of the backend, by protocol.
            backend_known: whether the probe is given the backend's configuration too.
        """
        self.folder, self.protocol, self.backend_known = folder, protocol, backend_known
        self.cas = Authorities()
        self.exporter = self.make_exporter(folder / "exporter", otelcol)
        self.backend = Side(folder / "backend", otelcol)
        for side in (self.exporter, self.backend):
            side.folder.mkdir()
        self.ports: dict[Protocol, int] = dict(zip(EXPORTERS, ports, strict=True))
        self.client = self.cas.issue(self.cas.client_issuer, "exporter-7")
        self.server = self.cas.issue(self.cas.server_issuer, "backend", usages=("serverAuth",))
        self.clock = ""
        """The clock of the exporter's machine, on which the probe runs, as faketime's argument."""
        self._spans = 0
        self.use_client(self.client, self.cas.client_issuer)
        self.exporter.write("ca.crt", self.cas.server_root.pem)
        self.use_server(self.server, self.cas.server_issuer)
        self.backend.write("client-ca.crt", self.cas.client_root.pem)
        self.configure()

    def make_exporter(self, folder: Path, otelcol: Path) -> Side:
        """Return the exporter's side."""
        return Side(folder, otelcol)

    def configure(self) -> None:
        """Set both configurations."""
        served = {
            "cert_file": str(self.backend.folder / "server.crt"),
            "key_file": str(self.backend.folder / "server.key"),
            "client_ca_file": str(self.backend.folder / "client-ca.crt"),
        }
        grpc, http = self.ports["grpc"], self.ports["http/protobuf"]
        listen = {
            "grpc": {"endpoint": f"{HOST}:{grpc}", "tls": dict(served)},
            "http": {"endpoint": f"{HOST}:{http}", "tls": dict(served)},
        }
        self.backend.settings = _pipeline({"protocols": listen}, "debug", {})
        used = {
            "ca_file": str(self.exporter.folder / "ca.crt"),
            "cert_file": str(self.exporter.folder / "tls.crt"),
            "key_file": str(self.exporter.folder / "tls.key"),
        }
        scheme = "https://" if self.protocol == "http/protobuf" else ""
        endpoint = f"{scheme}localhost:{self.ports[self.protocol]}"
        into = {"protocols": {"http": {"endpoint": f"{HOST}:0"}}}
        self.exporter.settings = _pipeline(
            into, EXPORTERS[self.protocol], {"endpoint": endpoint, "tls": used, **_QUICK}
        )

    def use_client(self, issued: Issued, by: Authority | None = None) -> None:
        """Write the exporter's pair, with the intermediates of `by`."""
        self.exporter.write("tls.crt", by.chain_pem(issued) if by else issued.pem)
        self.exporter.write("tls.key", issued.key_pem)

    def use_server(self, issued: Issued, by: Authority | None = None) -> None:
        """Write the backend's pair, with the intermediates of `by`."""
        self.backend.write("server.crt", by.chain_pem(issued) if by else issued.pem)
        self.backend.write("server.key", issued.key_pem)

    @property
    def exporter_settings(self) -> dict[str, Any]:
        """The settings of the OTLP exporter."""
        (name,) = self.exporter.settings["exporters"]
        found: dict[str, Any] = self.exporter.settings["exporters"][name]
        return found

    @property
    def client_tls(self) -> dict[str, Any]:
        """The exporter's tls settings."""
        found: dict[str, Any] = self.exporter_settings["tls"]
        return found

    @property
    def receiver(self) -> dict[str, Any]:
        """The settings of the receiver's protocol that the exporter speaks."""
        protocols = self.backend.settings["receivers"]["otlp"]["protocols"]
        found: dict[str, Any] = protocols["grpc" if self.protocol == "grpc" else "http"]
        return found

    @property
    def server_tls(self) -> dict[str, Any]:
        """The tls settings of that receiver."""
        found: dict[str, Any] = self.receiver["tls"]
        return found

    def close_to_the_exporter(self, *names: str) -> None:
        """Take from the exporter's user the right to read files of its folder."""
        if os.geteuid() == 0:
            # Root reads what it likes by these capabilities alone (capabilities(7)).
            self.exporter.before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
        for name in names:
            path = self.exporter.folder / name
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
                path.chmod(0o600)
            else:
                path.chmod(0)

    def read_files(self) -> dict[Path, bytes]:
        """Return what the files of both sides hold."""
        folders = (self.exporter.folder, self.backend.folder)
        return {path: path.read_bytes() for folder in folders for path in folder.iterdir()}

    def start(self) -> None:
        """Save both configurations and start both sides; the exporter may not start."""
        for side in (self.backend, self.exporter):
            side.save()
        assert self.backend.start(), "the backend has to run"
        self.exporter.start()

    def stop(self) -> None:
        """End both."""
        self.exporter.stop()
        self.backend.stop()

    def exports(self, *, within: float = 0.0) -> bool:
        """Send spans through the exporter that runs; return whether one reached the backend in time.

        After a refusal gRPC connects again by itself, a second or two later.
        """
        end = time.monotonic() + within
        while not self.export():
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        return True

    def export(self) -> bool:
        """Send one span, and return whether the backend has it."""
        if self.exporter.running is None or self.backend.running is None:
            return False
        found = started(self.exporter.running, r'Starting HTTP server.*"endpoint": "[^"]*:(\d+)"')
        self._spans += 1
        name = f"span-{self._spans}-of-the-application"
        request = Request(
            f"http://{HOST}:{found[1]}/v1/traces",
            data=json.dumps(
                {"resourceSpans": [{"scopeSpans": [{"spans": [_span(name)]}]}]}
            ).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=20):
                pass
        except (HTTPError, URLError):
            return False
        self.backend.running.wait_for(re.escape(name))
        return True

    def check(self) -> tuple[dict[str, Any], int]:
        """Run `mtls-probe check` on the exporter's configuration; return its target and exit code."""
        configuration = self.folder / "probe.yml"
        sides = [self.exporter, self.backend] if self.backend_known else [self.exporter]
        settings: dict[str, Any] = {"sources": [{"collector": str(one.file)} for one in sides]}
        arguments = ["check", "--config", str(configuration), "--output", "json", "--quiet"]
        with ExitStack() as stack:
            if self.clock:
                port, _ = stack.enter_context(ntp_server(Says()))
                settings["clock"] = {"sources": [{"sntp": f"{HOST}:{port}"}]}
            configuration.write_text(json.dumps(settings), encoding="utf-8")
            if self.clock or self.exporter.before:
                return self._check_elsewhere(arguments)
        written = self.folder / "result.json"
        with chdir(self.exporter.folder):
            code = cli.main(
                [*arguments, "--output-file", str(written)],
                standalone_mode=False,
                obj=SecretRegister(),
            )
        forget_logging()
        (target,) = json.loads(written.read_text(encoding="utf-8"))["results"]
        return target, code

    def _check_elsewhere(self, arguments: list[str]) -> tuple[dict[str, Any], int]:
        """Run the command as the exporter's user, by the clock of its machine."""
        command = [*self.exporter.before, sys.executable, "-m", "probe", *arguments]
        ended = subprocess.run(
            with_clock(command, self.clock),
            cwd=self.exporter.folder, env=environment(), check=False, capture_output=True, timeout=60,
        )  # fmt: skip
        assert ended.stdout, ended.stderr
        (target,) = json.loads(ended.stdout)["results"]
        return target, ended.returncode


def _pipeline(receiver: dict[str, Any], exporter: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "receivers": {"otlp": receiver},
        "exporters": {exporter: settings or {"verbosity": "detailed"}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": [exporter]}},
        },
    }


def _span(name: str) -> dict[str, Any]:
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": name,
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
    }


@contextmanager
def reserve_stage() -> Iterator[tuple[Path, tuple[int, int]]]:
    """Give a folder that every user may enter, with an odd name, and the backend's two ports."""
    with (
        tempfile.TemporaryDirectory(prefix="it's a stage ") as folder,
        reserved_port() as grpc,
        reserved_port() as http,
    ):
        Path(folder).chmod(0o755)
        yield Path(folder), (grpc, http)


@contextmanager
def stage(
    otelcol: Path, protocol: Protocol = "grpc", *, backend_known: bool = False
) -> Iterator[Stage]:
    """Set up a stage of two Collectors; both end with it."""
    with reserve_stage() as (folder, ports):
        there = Stage(folder, otelcol, protocol, ports, backend_known=backend_known)
        try:
            yield there
        finally:
            there.stop()
