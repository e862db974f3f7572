"""`listen` and the real exporters: which cause it names for each fault, and what it hands on."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.credentials import LabPki
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import ExporterProcess
from tests.lab.listened_faults import FAULTS, SERVERS, Stage
from tests.lab.listening import Listen, export, listen
from tests.support.builds import NotBuiltError
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

EXPORTERS = (
    "collector", "collector-http", "go-grpc", "go-http", "java-okhttp", "java-jdk", "java-grpc",
    "python-grpc", "python-http", "node-grpc", "node-http", "rust-tonic", "rust-reqwest",
)  # fmt: skip
KEEPS_TLS = ("collector", "go-grpc", "go-http", "java-grpc")
"""Those that keep TLS with http://, or refuse the endpoint."""
WITHHOLDING = ("go-grpc", "go-http", "java-okhttp", "java-jdk", "java-grpc")
LOOKS_LIKE = {"collector-http": "collector"}
"""By program, the runtime whose ClientHello it sends, where that has another id."""
TRIES = 3

GOAWAY_LENGTH = 17
"""Bytes of a GOAWAY without debug data (RFC 9113 §6.8)."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The files of exporters and listeners."""
    made = Stage(tmp_path_factory.mktemp("listen"))
    assert made.below_missing.cert_file.exists()
    return made


@pytest.fixture(scope="module")
def listeners(
    stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Listen]]:
    """A running `listen` for each certificate of the backend's."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                listen(tmp_path_factory.mktemp(name), stage.server(name), stage.pki.client_ca_file)
            )
            for name in SERVERS
        }


@pytest.fixture(scope="module", params=EXPORTERS)
def exporter(request: pytest.FixtureRequest) -> Iterator[tuple[str, ExporterProcess]]:
    """A running exporter."""
    try:
        process = ExporterProcess(PROGRAMS[request.param])
    except NotBuiltError as error:
        missing(str(error))
    try:
        yield request.param, process
    finally:
        process.close()


@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_of_a_fault_is_named(
    stage: Stage,
    listeners: dict[str, Listen],
    exporter: tuple[str, ExporterProcess],
    name: str,
) -> None:
    """Each of 13 faults, in the exporter's files or in the backend's, is found from this side."""
    fault, (program, process) = FAULTS[name], exporter
    if fault.scheme == "http" and program in KEEPS_TLS:
        pytest.skip("this exporter sends nothing without TLS")
    listening = listeners[fault.server]
    before = {line["connection"] for line in listening.lines()}
    for _ in range(TRIES):
        export(process, listening.port, fault.client(stage), fault.ca(stage), fault.scheme)
    line = listening.wait_for(
        lambda line: line["connection"] not in before and line["cause"] == fault.cause
    )
    assert line["outcome"] == "failed"
    assert line["fix"]
    if fault.scheme == "https":
        assert LOOKS_LIKE.get(program, program) in line["looks_like"]["exporters"]
        assert line["looks_like"]["near"]


def test_a_healthy_exporter_is_confirmed(
    stage: Stage, listeners: dict[str, Listen], exporter: tuple[str, ExporterProcess]
) -> None:
    """Its request is described: signal, count and service; its certificate is shown."""
    program, process = exporter
    listening = listeners["good"]
    before = {line["connection"] for line in listening.lines()}
    answer = export(process, listening.port, stage.pki.client, stage.pki.server_ca_file)
    assert answer.outcome == "ok", answer.text
    line = listening.wait_for(
        lambda line: line["connection"] not in before and line["outcome"] == "confirmed"
    )
    request = line["requests"][0]
    assert request["signal"] == "traces"
    assert request["taken"]
    # The Collector's clients of this lab send a request with nothing in it.
    assert request["items"] == (0 if program.startswith("collector") else 1)
    assert line["client_certificate"] == "presented"
    assert line["client_certificates"][0]["subject"] == "CN=exporter"
    assert not line["also"]


def test_a_withheld_certificate_is_shown(
    stage: Stage, listeners: dict[str, Listen], exporter: tuple[str, ExporterProcess]
) -> None:
    """Go's and Java's SDKs present none where CAs are named, and one where none is."""
    program, process = exporter
    if program not in WITHHOLDING:
        pytest.skip("this exporter withholds none")
    listening = listeners["good"]
    before = {line["connection"] for line in listening.lines()}
    for _ in range(TRIES + 1):
        export(process, listening.port, stage.pki.stranger, stage.pki.server_ca_file)
    line = listening.wait_for(
        lambda line: (
            line["connection"] not in before
            and line["client_certificate"] == "presented"
            and line["cause"] == "client_ca_untrusted"
        )
    )
    assert not line["named_cas"]
    assert any("withholds it there" in fact for fact in line["facts"])
    withheld = listening.wait_for(
        lambda line: (
            line["connection"] not in before
            and line["client_certificate"] == "none"
            and line["cause"] == "client_ca_untrusted"
        )
    )
    assert withheld["named_cas"] == ["CN=Lab client CA"]
    assert withheld["also"] == ["client_cert_not_sent"]


def test_without_hints_nothing_is_withheld(
    stage: Stage, exporter: tuple[str, ExporterProcess], tmp_path: Path
) -> None:
    """With --no-ca-hints the first connection presents what the exporter has."""
    _, process = exporter
    with listen(tmp_path, stage.pki.server, stage.pki.client_ca_file, "--no-ca-hints") as listening:
        export(process, listening.port, stage.pki.stranger, stage.pki.server_ca_file)
        line = listening.wait_for(lambda line: line["cause"] == "client_ca_untrusted")
    assert line["client_certificate"] == "presented"
    assert line["connection"] == 1


class Relay:
    """Counts the bytes between `listen` and a Collector."""

    def __init__(self, port: int) -> None:
        """Relay to `port` of loopback."""
        self.there = self.back = 0
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nothing more."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", self._to))
            for source, sink, name in ((one, other, "there"), (other, one, "back")):
                threading.Thread(target=self._pump, args=(source, sink, name), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        try:
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def relayed(port: int) -> Iterator[Relay]:
    """Run a relay."""
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.close()


def speaks_grpc(program: str) -> bool:
    """Return whether an exporter of the lab exports over gRPC."""
    return program.endswith("grpc") or program in {"collector", "java-okhttp", "rust-tonic"}


def test_what_is_handed_on_arrives(
    stage: Stage, exporter: tuple[str, ExporterProcess], otelcol: Path, tmp_path: Path
) -> None:
    """A healthy exporter's spans reach a real Collector, and not a byte more or less."""
    program, process = exporter
    spans = tmp_path / "spans.json"
    written = {"file": {"path": str(spans), "rotation": {"max_megabytes": 1}}}
    with ExitStack() as stack:
        collector = stack.enter_context(
            servers.serve_collector(otelcol, tmp_path, None, exporter=written)
        )
        port = collector.grpc_port if speaks_grpc(program) else collector.http_port
        relay = stack.enter_context(relayed(port))
        options = ("--forward", f"127.0.0.1:{relay.port}")
        listening = stack.enter_context(
            listen(tmp_path / "listen", stage.pki.server, stage.pki.client_ca_file, *options)
        )
        learnt = relay.there, relay.back
        answer = export(process, listening.port, stage.pki.client, stage.pki.server_ca_file)
        assert answer.outcome == "ok", answer.text
        process_line = listening.wait_for(lambda line: line["outcome"] == "confirmed")
        assert process_line["requests"][0]["taken"]
        listening.process.terminate()
        listening.process.wait(10)
        lines = listening.lines()
        assert sum(line["bytes_received"] for line in lines) == relay.there - learnt[0]
        assert sum(line["bytes_forwarded"] for line in lines) == relay.there - learnt[0]
        # When the exporter has gone, the Collector may still send a GOAWAY, to nobody.
        returned = sum(line["bytes_returned"] for line in lines)
        assert relay.back - learnt[1] - returned in {0, GOAWAY_LENGTH}
    if not program.startswith("collector"):
        document = json.loads(spans.read_text(encoding="utf-8").splitlines()[0])
        scopes = document["resourceSpans"][0]["scopeSpans"]
        assert sum(len(one["spans"]) for one in scopes) == process_line["items"] == 1


def test_what_is_handed_on_over_tls_arrives(
    stage: Stage, exporter: tuple[str, ExporterProcess], otelcol: Path, tmp_path: Path
) -> None:
    """With https:// the backend's certificate is verified, and the one that is given presented."""
    program, process = exporter
    pki: LabPki = stage.pki
    with servers.collector(otelcol, tmp_path, pki) as collector:
        port = collector.grpc_port if speaks_grpc(program) else collector.http_port
        options = ["--forward", f"https://localhost:{port}", "--forward-ca"]
        options += [str(pki.server_ca_file), "--forward-cert", str(pki.client.cert_file)]
        options += ["--forward-key", str(pki.client.key_file)]
        with listen(tmp_path / "listen", pki.server, pki.client_ca_file, *options) as listening:
            answer = export(process, listening.port, pki.client, pki.server_ca_file)
            assert answer.outcome == "ok", answer.text
            listening.wait_for(lambda line: line["outcome"] == "confirmed")
