"""Exporters of a real Collector and the probe, each in front of a recording server of its own."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import msgspec

from probe.config.loader import load_configuration
from probe.model.target import Target
from probe.service.run_rounds import run_rounds
from tests.lab.credentials import LabPki
from tests.lab.servers import process, started
from tests.lab.wire.recording_server import Recording, Seen, recording_server

LONGEST: Final = 10.0
"""Seconds that the Collector has to export a span through every exporter."""

_SPAN: Final = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "recorded",
    "kind": 2,
    "startTimeUnixNano": "1544712660000000000",
    "endTimeUnixNano": "1544712661000000000",
}


@dataclass(frozen=True)
class Case:
    """One exporter: `{tls}` and `{plain}` in a text of its settings become its servers' ports."""

    id: str
    settings: Mapping[str, Any]


@dataclass
class Bench:
    """The recording servers of cases."""

    pki: LabPki
    stack: ExitStack
    servers: dict[str, dict[str, Recording]] = field(default_factory=dict)

    def add(self, case: Case) -> None:
        """Start the servers of `case`."""
        open_ = self.stack.enter_context
        self.servers[case.id] = {
            name: open_(recording_server(self.pki, tls=name == "tls")) for name in ("tls", "plain")
        }

    def settings(self, case: Case) -> Any:
        """Return the settings of `case` with its ports."""
        return fill_in(case.settings, self.servers[case.id])

    def first_request(self, case: Case) -> Seen | None:
        """Return what came first with a request, or else what came first; ports have no number."""
        seen = [
            without_port(one, recording.port)
            for recording in self.servers[case.id].values()
            for one in list(recording.seen)
        ]
        return next((one for one in seen if one.request), seen[0] if seen else None)


def fill_in(value: Any, servers: Mapping[str, Recording]) -> Any:
    """Return `value` with the servers' ports in the place of their names, at any depth."""
    if isinstance(value, str):
        for name, one in servers.items():
            value = value.replace("{" + name + "}", str(one.port))
        return value
    if isinstance(value, Mapping):
        return {key: fill_in(each, servers) for key, each in value.items()}
    return [fill_in(each, servers) for each in value] if isinstance(value, list) else value


def without_port(seen: Seen, port: int) -> Seen:
    """Return `seen` with a word for the port, which differs at each run."""
    text = msgspec.json.encode(seen).decode().replace(str(port), "PORT")
    return msgspec.json.decode(text.encode(), type=Seen)


def run_collector(
    otelcol: Path,
    folder: Path,
    configuration: Mapping[str, Any],
    bench: Bench,
    cases: Sequence[Case],
) -> None:
    """Let a Collector with `configuration` run until each of `cases` has seen a request."""
    file = folder / "theirs.json"
    file.write_bytes(msgspec.json.encode(configuration))
    with process([str(otelcol), f"--config={file}"], folder / "theirs.log") as log:
        started(log, "Everything is ready")
        port = started(log, r'Starting HTTP server.*"endpoint": "[^"]*:(\d+)"')[1]
        end = time.monotonic() + LONGEST
        send_span(int(port))
        while not all((one := bench.first_request(case)) and one.request for case in cases):
            assert time.monotonic() < end, log.text()[-3000:]
            time.sleep(0.1)


def run_probe(folder: Path, configuration: Mapping[str, Any]) -> tuple[Target, ...]:
    """Let the probe attempt every target of `configuration`, and return them."""
    file = folder / "ours.json"
    file.write_bytes(msgspec.json.encode(configuration))
    probe = folder / "probe.yml"
    probe.write_text(f"sources: [{{collector: {file}}}]\n")
    targets = load_configuration(probe, {}).targets
    asyncio.run(run_rounds(list(targets), concurrency=len(targets) or 1))
    return targets


def with_exporters(exporters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a Collector that sends what it receives to `exporters`."""
    quick = {"retry_on_failure": {"enabled": False}}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {name: {**quick, **settings} for name, settings in exporters.items()},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(exporters)}},
        },
    }


def send_span(port: int) -> None:
    """Send one span to the Collector, as an application does: OTLP/HTTP in JSON."""
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [_SPAN]}]}]}).encode()
    url, headers = f"http://127.0.0.1:{port}/v1/traces", {"Content-Type": "application/json"}
    with urlopen(Request(url, data=body, headers=headers), timeout=10) as response:
        response.read()
