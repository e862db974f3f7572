"""A real Collector next to the probe: its configuration is what the source `receiver` reads."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.config.loader import load_configuration
from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SIGNALS, Target
from probe.service.pipeline import Pipeline
from tests.lab.servers import HOST, process, started
from tests.support.ports import reserved_port

READY: Final = "Everything is ready"


@dataclass
class Neighbour:
    """A Collector on this host, and the files that say what it does."""

    binary: Path
    folder: Path
    grpc_port: int
    http_port: int
    tls: dict[str, Any] | None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Its configuration."""
        return self.folder / "collector.yaml"

    @property
    def probe_file(self) -> Path:
        """The probe's configuration, which names the Collector's."""
        return self.folder / "probe.yaml"

    def write(self) -> None:
        """Write both configurations, as `tls` now is."""
        protocols: dict[str, Any] = {
            "grpc": {"endpoint": f"{HOST}:{self.grpc_port}"},
            "http": {"endpoint": f"{HOST}:{self.http_port}"},
        }
        if self.tls is not None:
            for settings in protocols.values():
                settings["tls"] = self.tls
        pipeline = {"receivers": ["otlp"], "exporters": ["debug"]}
        # Every JSON document is a YAML document.
        self.file.write_bytes(
            msgspec.json.encode(
                {
                    "receivers": {"otlp": {"protocols": protocols}},
                    "exporters": {"debug": {}},
                    "service": {
                        "telemetry": {"metrics": {"level": "none"}},
                        "pipelines": dict.fromkeys(SIGNALS, pipeline),
                    },
                }
            )
        )
        document = {"sources": [{"receiver": str(self.file)}], **self.extra}
        self.probe_file.write_bytes(msgspec.json.encode(document))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it with what its file has by now."""
        command = [str(self.binary), f"--config={self.file}"]
        with process(command, self.folder / "collector.log") as log:
            started(log, READY)
            yield

    def load(self) -> dict[str, Target]:
        """Return the targets that the probe reads, by name."""
        return {one.name: one for one in load_configuration(self.probe_file, {}).targets}


@contextmanager
def neighbour(
    binary: Path, folder: Path, tls: Mapping[str, Any] | None, **extra: Any
) -> Iterator[Neighbour]:
    """Give a Collector with the server settings `tls`, not running yet; `extra` is the probe's."""
    folder.mkdir(parents=True, exist_ok=True)
    with reserved_port() as grpc, reserved_port() as http:
        found = Neighbour(binary, folder, grpc, http, None if tls is None else dict(tls), extra)
        found.write()
        yield found


def attempt_all(targets: Mapping[str, Target]) -> dict[str, tuple[Evidence, Diagnosis]]:
    """Make one attempt on each target."""

    async def run() -> dict[str, tuple[Evidence, Diagnosis]]:
        pipeline = Pipeline(Ledger(list(targets.values())))
        return {name: (await pipeline.probe_once(one))[1:] for name, one in targets.items()}

    return asyncio.run(run())
