"""`check --pid` of real exporters gives what a probe gives that somebody has configured by hand."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from probe.model.target import Protocol
from tests.lab.credentials import LabPki, Pair
from tests.lab.process_stage import Credentials, P, command_of, started, wait_for_memory
from tests.lab.servers import Collector, StartCollector
from tests.support.command_line import command, configuration, run_commands

EXPORTERS: Final[Mapping[str, tuple[Protocol, str]]] = {
    "java-okhttp": ("grpc", "sender-okhttp"),
    "java-jdk": ("http/protobuf", "sender-jdk"),
    "python-grpc": ("grpc", "cygrpc"),
    "python-http": ("http/protobuf", "libssl"),
    "node-grpc": ("grpc", "node"),
    "go-http": ("http/protobuf", "exporters"),
    "rust-tonic": ("grpc", "exporters"),
}
"""By exporter its protocol, and what is in its memory once it runs."""

FAULTS: Final[Mapping[str, Callable[[LabPki], Pair]]] = {
    "client_ca_untrusted": lambda pki: pki.stranger,
    "client_cert_key_mismatch": lambda pki: pki.swapped,
    "client_cert_expired": lambda pki: pki.expired,
    "client_cert_not_yet_valid": lambda pki: pki.not_yet_valid,
}
"""Documented causes 1, 2, 3 and 6, by files that bring them."""

Document = Mapping[str, Any]
COMPARED: Final = (
    "endpoint",
    "protocol",
    "exporter",
    "outcome",
    "stage",
    "cause",
    "certain",
    "also",
)


class Stage:
    """The processes, and the same targets as somebody would write them."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        """Hold no process yet."""
        self.folder, self.credentials = folder, credentials
        self.pids: list[int] = []
        self.by_hand: list[dict[str, Any]] = []

    def add(self, pid: int, exporter: str, protocol: Protocol, port: int) -> None:
        """Add a running one."""
        self.pids.append(pid)
        self.by_hand.append(
            {
                "name": exporter,
                "endpoint": f"https://localhost:{port}",
                "protocol": protocol,
                "exporter": exporter,
                "tls": self.credentials.settings(),
            }
        )

    async def check(self) -> tuple[list[Document], list[Document]]:
        """Return the results by process and those by hand, in the same order."""
        file = configuration(self.folder, *self.by_hand)
        pids = [f"--pid={pid}" for pid in self.pids]
        ended = await run_commands(
            command("check", *pids, "--output=json"),
            command("check", "--config", file, "--output=json"),
        )
        for one in ended:
            assert one.out, one.err
        by_process, by_hand = (one.document["results"] for one in ended)
        assert len(by_process) == len(self.pids), ended[0].err
        return by_process, by_hand


@pytest.fixture(scope="module")
def stage(
    collector: StartCollector,
    otelcol: Path,
    pki: LabPki,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Exporters of six languages and a Collector, and a backend that accepts them all."""
    with run_exporters(collector(), otelcol, pki, tmp_path_factory.mktemp("processes")) as there:
        yield there


@contextmanager
def run_exporters(backend: Collector, otelcol: Path, pki: LabPki, folder: Path) -> Iterator[Stage]:
    """Run each exporter, set by variables; Java's by variables and options, a Collector by its file."""
    there = Stage(folder, Credentials(folder, pki))
    ports = {"grpc": backend.grpc_port, "http/protobuf": backend.http_port}
    with ExitStack() as stack:
        line = run_as_a_gateway(otelcol, there, backend.grpc_port)
        variables = {"BACKEND": f"localhost:{backend.grpc_port}"}
        process = stack.enter_context(started(line, variables, folder=folder))
        wait_for_memory(process.pid, "otelcol")
        there.add(process.pid, "collector", "grpc", backend.grpc_port)
        for exporter, (protocol, library) in EXPORTERS.items():
            line = command_of(exporter)
            variables = {
                P + "ENDPOINT": f"https://localhost:{ports[protocol]}",
                P + "PROTOCOL": protocol,
                **there.credentials.variables(),
            }
            if exporter.startswith("java"):
                del variables[P + "CLIENT_KEY"], variables[P + "CERTIFICATE"]
                file = folder / "ca.args"
                file.write_text(
                    f"# the CA\n'-Dotel.exporter.otlp.certificate={there.credentials.ca}'"
                )
                variables["JDK_JAVA_OPTIONS"] = f"@{file}"
                key = f"-Dotel.exporter.otlp.client.key={there.credentials.key}"
                line = [line[0], key, *line[1:]]
            process = stack.enter_context(started(line, variables, folder=folder))
            wait_for_memory(process.pid, library)
            there.add(process.pid, exporter, protocol, ports[protocol])
        yield there


def run_as_a_gateway(otelcol: Path, there: Stage, port: int) -> list[str]:
    """Return the command of a Collector that exports over gRPC to the backend at `port`."""
    settings = json.dumps(there.credentials.settings())
    (there.folder / "gateway.yaml").write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}}\n"
        f"exporters: {{otlp_grpc: {{endpoint: '${{env:BACKEND}}', tls: {settings}}}}}\n"
        "service:\n  telemetry: {metrics: {level: none}}\n"
        "  pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}\n"
    )
    return [str(otelcol), "--config", "gateway.yaml"]


async def test_what_each_exporter_would_reach(stage: Stage) -> None:
    """All are confirmed, with the runtime that each one is."""
    by_process, by_hand = await stage.check()
    for one, other in zip(by_process, by_hand, strict=True):
        assert _compared(one) == _compared(other)
        assert one["outcome"] == "confirmed"
        assert any("the process is recognised as" in fact for fact in one["facts"])


@pytest.mark.parametrize("cause", FAULTS)
async def test_a_documented_cause(stage: Stage, pki: LabPki, cause: str) -> None:
    """Each process has it as a configuration by hand has it."""
    stage.credentials.put(FAULTS[cause](pki))
    by_process, by_hand = await stage.check()
    for one, other in zip(by_process, by_hand, strict=True):
        assert _compared(one) == _compared(other)
        assert one["outcome"] == "failed"
    causes = {one["exporter"]: one["cause"] for one in by_process}
    assert causes["go-http"] == causes["python-grpc"] == cause, causes


async def test_a_file_that_is_something_else(stage: Stage, pki: LabPki) -> None:
    """Documented cause 5: the files have another format than each exporter reads."""
    stage.credentials.put(pki.client)
    der = pki.plain.certificate.public_bytes(Encoding.DER)
    stage.credentials.cert.write_bytes(der)
    by_process, by_hand = await stage.check()
    stage.credentials.put(pki.client)
    assert [_compared(one) for one in by_process] == [_compared(one) for one in by_hand]
    outcomes = {one["exporter"]: one["outcome"] for one in by_process}
    assert outcomes["java-okhttp"] == "confirmed", "Java reads DER too"
    assert outcomes["go-http"] == outcomes["node-grpc"] == "failed"


async def test_a_name_that_the_backends_certificate_does_not_have(
    collector: StartCollector, otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """Documented cause 4, seen by every process as by hand."""
    named = pki.server_ca.issue("b", sans=("DNS:other.example",), usages=("serverAuth",))
    backend = collector(server=pki.write("server-of-another-name", named))
    with run_exporters(backend, otelcol, pki, tmp_path) as there:
        by_process, by_hand = await there.check()
    assert [_compared(one) for one in by_process] == [_compared(one) for one in by_hand]
    assert {one["cause"] for one in by_process} == {"server_name_mismatch"}


def _compared(result: Document) -> dict[str, Any]:
    return {key: result[key] for key in COMPARED}
