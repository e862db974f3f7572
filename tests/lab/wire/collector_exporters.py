"""Runs exporters of a real Collector, each against its own recording server, all in one process."""

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.config.loader import load_configuration
from probe.model.diagnosis import Diagnosis
from probe.model.target import Target
from tests.lab.credentials import LabPki
from tests.lab.observation import observe
from tests.lab.servers import Log, process, started
from tests.lab.wire.recording_server import Recording, Seen, recording_server

_REFUSED: Final = re.compile(r'failed to start "([^"]+)" exporter|exporters::([^:]+):')


@dataclass(frozen=True)
class Case:
    """One exporter's settings; `{port}` and `{plain}` in a text become its servers' ports."""

    id: str
    settings: Mapping[str, Any]
    extensions: Mapping[str, Any] = field(default_factory=dict)
    servers: Mapping[str, Any] = field(default_factory=dict)
    """Options of its recording server."""


@dataclass
class Outcome:
    """What one side made of a case."""

    seen: list[Seen] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    """Why it does not start, or never exports."""
    ports: list[int] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    target: Target | None = None


def fill_in(value: Any, ports: Mapping[str, str]) -> Any:
    """Return `value` with the ports in the place of their names, at any depth."""
    if isinstance(value, str):
        for name, port in ports.items():
            value = value.replace("{" + name + "}", port)
        return value
    if isinstance(value, Mapping):
        return {fill_in(key, ports): fill_in(each, ports) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_in(each, ports) for each in value]
    return value


class Bench:
    """Recording servers for cases, and both sides in front of them."""

    def __init__(
        self, otelcol: Path, pki: LabPki, folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        """Keep what both sides need."""
        self.otelcol, self.pki, self.folder = otelcol, pki, folder
        self.environ = dict(environ or {})

    def compare(
        self, cases: Sequence[Case], wait: float = 6.0
    ) -> dict[str, tuple[Outcome, Outcome]]:
        """Return what the Collector did and what the probe did, by case."""
        theirs = self.run_collector(cases, wait)
        ours = self.run_probe(cases)
        return {case.id: (theirs[case.id], ours[case.id]) for case in cases}

    def run_collector(self, cases: Sequence[Case], wait: float) -> dict[str, Outcome]:
        """Let a Collector export one span through each exporter."""
        left, outcomes = list(cases), {case.id: Outcome() for case in cases}
        with ExitStack() as stack:
            recordings = {case.id: self._servers(stack, case) for case in cases}
            attempt = 0
            while left:
                attempt += 1
                file = self._write(left, recordings, f"theirs-{attempt}.json")
                refused = self._run_once(file, left, recordings, wait)
                if not refused:
                    break
                for id_, text in refused.items():
                    outcomes[id_].refused = text
                left = [case for case in left if case.id not in refused]
            for case in cases:
                for recording in recordings[case.id].values():
                    outcomes[case.id].seen += recording.seen
                    outcomes[case.id].raw += recording.raw
                    outcomes[case.id].ports.append(recording.port)
        return outcomes

    def _run_once(
        self,
        file: Path,
        cases: Sequence[Case],
        recordings: Mapping[str, Mapping[str, Recording]],
        wait: float,
    ) -> dict[str, str]:
        log = file.with_suffix(".log")
        command = [
            "env",
            *(f"{k}={v}" for k, v in self.environ.items()),
            str(self.otelcol),
            f"--config={file}",
        ]
        known = {case.id for case in cases}
        with process(command, log) as running:
            try:
                match = re_wait(
                    running, r"Everything is ready|collector server run finished with error|Error: "
                )
            except AssertionError:
                return {case.id: "never ready" for case in cases}
            if "ready" not in match:
                time.sleep(0.3)
                text = running.text()
                named = {a or b for a, b in _REFUSED.findall(text)} & known
                if not named:
                    raise AssertionError(text[-3000:])
                return dict.fromkeys(named, text[-700:])
            http = started(running, r'Starting HTTP server.*"endpoint": "[^"]*:(\d+)"')
            end = time.monotonic() + wait
            send(int(http[1]))
            while time.monotonic() < end:
                if all(any(r.seen for r in recordings[case.id].values()) for case in cases):
                    time.sleep(0.5)
                    break
                time.sleep(0.2)
        return {}

    def run_probe(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Let the probe attempt each of the exporters, all of one configuration."""
        outcomes = {case.id: Outcome() for case in cases}
        with ExitStack() as stack:
            recordings = {case.id: self._servers(stack, case) for case in cases}
            for case in cases:
                outcome = outcomes[case.id]
                file = self._write([case], recordings, "ours.json")
                probe = self.folder / "probe.yml"
                probe.write_text(f"sources: [{{collector: {file}}}]\n")
                try:
                    configuration = load_configuration(probe, self.environ)
                except Exception as error:  # noqa: BLE001 - what is compared
                    outcome.refused = str(error)
                    continue
                if not configuration.targets:
                    states = [state.error for state in configuration.source_states]
                    outcome.refused = f"no target: {states}"
                for target in configuration.targets:
                    outcome.target = target
                    _, outcome.diagnosis = observe(target)
            time.sleep(0.2)
            for case in cases:
                for recording in recordings[case.id].values():
                    outcomes[case.id].seen += recording.seen
                    outcomes[case.id].raw += recording.raw
                    outcomes[case.id].ports.append(recording.port)
        return outcomes

    def _servers(self, stack: ExitStack, case: Case) -> dict[str, Recording]:
        text = repr(case.settings)
        found = {}
        if "{port}" in text or "port" in case.servers:
            found["port"] = stack.enter_context(recording_server(self.pki, **case.servers))
        if "{plain}" in text:
            found["plain"] = stack.enter_context(recording_server(self.pki, tls=False))
        return found

    def _write(
        self, cases: Sequence[Case], recordings: Mapping[str, Mapping[str, Recording]], name: str
    ) -> Path:
        exporters = {}
        extensions: dict[str, Any] = {}
        for case in cases:
            ports = {each: str(one.port) for each, one in recordings[case.id].items()}
            settings = fill_in(case.settings, ports)
            exporters[case.id] = {"retry_on_failure": {"enabled": False}, **settings}
            extensions |= fill_in(case.extensions, ports)
        clear = {"endpoint": "127.0.0.1:0"}
        file = self.folder / name
        file.write_bytes(
            msgspec.json.encode(
                {
                    "receivers": {"otlp": {"protocols": {"http": clear}}},
                    "extensions": extensions,
                    "exporters": exporters,
                    "service": {
                        "extensions": list(extensions),
                        "telemetry": {"metrics": {"level": "none"}},
                        "pipelines": {
                            "traces": {"receivers": ["otlp"], "exporters": list(exporters)}
                        },
                    },
                }
            )
        )
        return file


def re_wait(log: Log, pattern: str) -> str:
    """Return what of `pattern` the log has first."""
    return log.wait_for(pattern, timeout=30)[0]


def send(port: int) -> None:
    """Send one span to the Collector."""
    body = (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",'
        b'"spanId":"eee19b7ec3c1b174","name":"x","kind":2,"startTimeUnixNano":"1544712660000000000",'
        b'"endTimeUnixNano":"1544712661000000000"}]}]}]}'
    )
    subprocess.run(
        ["curl", "-s", "-m", "10", "-H", "Content-Type: application/json", "--data-binary", "@-",
         f"http://127.0.0.1:{port}/v1/traces"], input=body, check=False, capture_output=True,
    )  # fmt: skip
