"""What changed before a failure: each change is made at a real backend, and named, and no other.

A backend is stopped and started again on the same port, as somebody who changes it would do.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target, TlsSettings
from probe.report.result import build_result
from probe.service.pipeline import Pipeline
from tests.lab import servers
from tests.lab.credentials import LabPki, Pair
from tests.lab.nginx import run_nginx
from tests.lab.running_probe import running_probe
from tests.lab.servers import run_collector
from tests.lab.test_replicas import NAME, Zone
from tests.lab.test_replicas import collector as run_replica
from tests.lab.test_replicas import target as describe_target
from tests.support.command_line import configuration
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

AES: Final = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
CHACHA: Final = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
ATTEMPTS: Final = 1000


@dataclass(frozen=True)
class Setup:
    """Server settings of a Collector, and what the exporter's files are copies of."""

    server: Mapping[str, Any]
    client: Pair
    ca_file: Path
    target: Mapping[str, Any] = field(default_factory=dict)
    """Further TLS settings of the target."""


@contextmanager
def collector(otelcol: Path, folder: Path, port: int, tls: Mapping[str, Any]) -> Iterator[None]:
    """Run a Collector whose gRPC port is `port`."""
    listen = {
        "grpc": {"endpoint": f"{servers.HOST}:{port}", "tls": tls},
        "http": {"endpoint": f"{servers.HOST}:0"},
    }
    settings = {
        "receivers": {"otlp": {"protocols": listen}},
        "exporters": {"debug": {}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
        },
    }
    file = folder / "collector.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with run_collector(otelcol, [f"--config={file}"], folder / "collector.log"):
        yield


def server_tls(pki: LabPki, **changed: str | list[str]) -> dict[str, Any]:
    """Return the TLS settings of a receiver that demands a certificate of the client CA."""
    known: dict[str, Any] = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }
    return known | changed


def list_setups(pki: LabPki, both_cas: Path) -> dict[str, tuple[str, str, Setup, Setup]]:
    """Return for each change what it is called, its cause, and the setups before and after it."""
    other_server = pki.write(
        "server-of-other", pki.other_ca.issue("backend", usages=("serverAuth",))
    )
    other_client = pki.write(
        "client-of-other", pki.other_ca.issue("exporter", usages=("clientAuth",))
    )
    usual = Setup(server_tls(pki), pki.client, pki.server_ca_file)
    both = Setup(server_tls(pki, client_ca_file=str(both_cas)), pki.client, pki.server_ca_file)
    old = {"max_version": "1.2", "cipher_suites": (AES,)}
    tls12 = replace(usual, target=old)

    def served(**changed: str | list[str]) -> Setup:
        return replace(usual, server=server_tls(pki, **changed))

    return {
        "the list of accepted CAs lost the exporter's": (
            "acceptable_cas", "client_ca_untrusted",
            both, served(client_ca_file=str(pki.other_ca_file)),
        ),
        "the backend's certificate is of another CA": (
            "server_chain", "server_ca_untrusted",
            usual,
            served(cert_file=str(other_server.cert_file), key_file=str(other_server.key_file)),
        ),
        "the exporter's certificate is of another CA": (
            "client_certificate", "client_ca_untrusted", usual, replace(usual, client=other_client),
        ),
        "the exporter's ca_file holds another CA": (
            "ca_file", "server_ca_untrusted", usual, replace(usual, ca_file=pki.other_ca_file),
        ),
        "a suite was removed": (
            "cipher", "no_shared_cipher",
            tls12, replace(served(cipher_suites=[CHACHA], max_version="1.2"), target=old),
        ),
        "a TLS version was removed": (
            "tls_version", "protocol_version_mismatch",
            tls12, replace(served(min_version="1.3"), target=old),
        ),
    }  # fmt: skip


CHANGES: Final = (
    "the list of accepted CAs lost the exporter's",
    "the backend's certificate is of another CA",
    "the exporter's certificate is of another CA",
    "the exporter's ca_file holds another CA",
    "a suite was removed",
    "a TLS version was removed",
)


class Watched:
    """A pipeline that attempts one target, whose files are copies in a folder."""

    def __init__(self, folder: Path, port: int, setup: Setup, **fields: Any) -> None:
        """Write the files."""
        self._folder = folder
        self.write_files(setup)
        tls = TlsSettings(
            ca_file=str(folder / "ca.crt"),
            cert_file=str(folder / "tls.crt"),
            key_file=str(folder / "tls.key"),
            **setup.target,
        )
        self.target = Target(
            name="collector", endpoint=Endpoint("localhost", port), tls=tls, **fields
        )
        self.pipeline = Pipeline(Ledger([self.target]))

    def write_files(self, setup: Setup) -> None:
        """Write what an exporter has in `setup`; what is there already is not touched."""
        for name, source in {
            "ca.crt": setup.ca_file,
            "tls.crt": setup.client.cert_file,
            "tls.key": setup.client.key_file,
        }.items():
            file = self._folder / name
            if not file.exists() or file.read_bytes() != source.read_bytes():
                file.write_bytes(source.read_bytes())

    def attempt(self, times: int = 1) -> tuple[Evidence, Diagnosis]:
        """Make attempts; return the last one."""
        return asyncio.run(self._attempt(times))

    async def _attempt(self, times: int) -> tuple[Evidence, Diagnosis]:
        for _ in range(times):
            _, evidence, diagnosis = await self.pipeline.probe_once(self.target)
        return evidence, diagnosis


def whats(evidence: Evidence) -> list[str]:
    """Return what changed."""
    return [change.what for change in evidence.changed]


@pytest.fixture
def both_cas(pki: LabPki, tmp_path: Path) -> Path:
    """A file with the client CA and that of another team."""
    file = tmp_path / "both.pem"
    file.write_bytes(pki.client_ca_file.read_bytes() + pki.other_ca_file.read_bytes())
    return file


@pytest.mark.parametrize("case", CHANGES)
def test_a_failure_names_the_change_and_no_other(
    otelcol: Path, pki: LabPki, tmp_path: Path, both_cas: Path, case: str
) -> None:
    """And the attempt that goes well again names what came back."""
    what, cause, before, after = list_setups(pki, both_cas)[case]
    with reserved_port() as port:
        watched = Watched(tmp_path, port, before)
        with collector(otelcol, tmp_path, port, before.server):
            evidence, diagnosis = watched.attempt(3)
            assert (diagnosis.outcome, whats(evidence)) == ("confirmed", [])
        watched.write_files(after)
        with collector(otelcol, tmp_path, port, after.server):
            evidence, diagnosis = watched.attempt(2)
            assert (diagnosis.cause, whats(evidence)) == (cause, [what])
            assert evidence.changed[0].at <= evidence.at
            (said,) = build_result(evidence, diagnosis).changed
            assert said.before != said.after
        watched.write_files(before)
        with collector(otelcol, tmp_path, port, before.server):
            evidence, diagnosis = watched.attempt()
            assert (diagnosis.outcome, whats(evidence)) == ("confirmed", [what])


def test_a_reload_with_another_name(otelcol: Path, pki: LabPki, tmp_path: Path) -> None:
    """The key of the configuration is named; neither backend nor files have changed."""
    setup = Setup(server_tls(pki), pki.client, pki.server_ca_file)
    with reserved_port() as port, collector(otelcol, tmp_path, port, setup.server):
        watched = Watched(tmp_path, port, setup)
        watched.attempt(3)
        watched.target = replace(
            watched.target, tls=replace(watched.target.tls, server_name_override="wrong.example")
        )
        watched.pipeline.replace_targets([watched.target])
        evidence, diagnosis = watched.attempt(2)
    assert diagnosis.cause == "server_name_mismatch"
    (change,) = evidence.changed
    assert (change.what, change.after) == ("configuration", ("tls.server_name_override",))


def test_a_name_that_leads_elsewhere(otelcol: Path, pki: LabPki, tmp_path: Path) -> None:
    """Page, log, metric and JSON of `run` name the addresses of before and of now."""
    zone = Zone(tmp_path, "127.0.1.1")
    named = pki.write(
        "replica", pki.server_ca.issue("replica", sans=(f"DNS:{NAME}",), usages=("serverAuth",))
    )
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        stack.enter_context(run_replica(otelcol, tmp_path, pki, "127.0.1.1", port, named))
        file = configuration(tmp_path, describe_target(pki, port, "first"))
        probe = stack.enter_context(running_probe(file, before=zone.enter))
        probe.becomes("eu", None)
        zone.lead_to("127.0.1.9")
        result = probe.becomes("eu", "tcp_refused")
        (change,) = result["changed"]
        assert change | {"at": "", "text": ""} == {
            "what": "addresses", "before": "127.0.1.1", "after": "127.0.1.9", "at": "", "text": "",
        }  # fmt: skip
        assert "What changed" in probe.get("/targets/eu")
        name = 'mtls_probe_backend_changed_timestamp_seconds{target="eu",what="addresses"}'
        assert name in probe.get("/metrics")
        logged = probe.log.wait_for(r".*tcp_refused.*")[0]
        assert "the addresses of the backend's name: was 127.0.1.1, is 127.0.1.9" in logged


_NGINX: Final = """
server {{
  listen {host}:{port} ssl;
  ssl_certificate {cert}; ssl_certificate_key {key};
  ssl_client_certificate {ca}; ssl_verify_client on;
  default_type application/x-protobuf;
  location / {{ return {status}; }}
}}
"""


@pytest.fixture
def start_nginx(pki: LabPki, tmp_path: Path) -> Callable[..., Any]:
    """A function that runs nginx on a port with its clock moved by so much."""
    for program in ("nginx", "faketime"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed")

    def run(port: int, clock: str = "", status: int = 200, ca: Path | None = None) -> Any:
        settings = _NGINX.format(
            host=servers.HOST,
            port=port,
            cert=pki.server.cert_file,
            key=pki.server.key_file,
            ca=ca or pki.client_ca_file,
            status=status,
        )
        return run_nginx(tmp_path, port, http=settings, clock=clock)

    return run


def test_a_clock_that_was_set(start_nginx: Callable[..., Any], pki: LabPki, tmp_path: Path) -> None:
    """The backend's clock is ten years ahead: its Date says so, and nothing else is another."""
    setup = Setup({}, pki.client, pki.server_ca_file)
    with reserved_port() as port:
        watched = Watched(tmp_path, port, setup, protocol="http/protobuf")
        with start_nginx(port):
            evidence, diagnosis = watched.attempt(3)
            assert (diagnosis.outcome, whats(evidence)) == ("confirmed", [])
        with start_nginx(port, clock="+3650d"):
            evidence, diagnosis = watched.attempt(2)
    assert (diagnosis.cause, whats(evidence)) == ("clock_skew", ["clock_offset"])


def test_a_list_that_lost_another_teams_ca(
    otelcol: Path, pki: LabPki, tmp_path: Path, both_cas: Path
) -> None:
    """The exporter is accepted as before: a finding, a metric and a page say what is gone."""
    wide = server_tls(pki, client_ca_file=str(both_cas))
    setup = Setup(wide, pki.client, pki.server_ca_file)
    with reserved_port() as port:
        watched = Watched(tmp_path, port, setup)
        with collector(otelcol, tmp_path, port, wide):
            watched.attempt(2)
        with collector(otelcol, tmp_path, port, server_tls(pki)):
            evidence, diagnosis = watched.attempt(22)
    assert diagnosis.outcome == "confirmed"
    assert [finding.cause for finding in diagnosis.findings] == ["backend_changed"]
    (change,) = evidence.changed
    assert change.removed == ("CN=Lab CA of another team",)
    assert "lost CN=Lab CA of another team" in diagnosis.findings[0].fact


@pytest.mark.slow
def test_a_pair_behind_one_address_never_changes(
    start_nginx: Callable[..., Any], pki: LabPki, tmp_path: Path, both_cas: Path
) -> None:
    """A thousand attempts, each by chance at one of two nginx that differ in all they may."""
    other = pki.write("twin", pki.server_ca.issue("backend", usages=("serverAuth",)))
    setup = Setup({}, pki.client, pki.server_ca_file)
    settings = "".join(
        _NGINX.format(
            host=servers.HOST,
            port="{port} reuseport",
            cert=pair.cert_file,
            key=pair.key_file,
            ca=ca,
            status=200,
        )
        for pair, ca in ((pki.server, pki.client_ca_file), (other, both_cas))
    )
    # Two processes share the port: the kernel deals connections out to them by chance.
    with reserved_port() as port, ExitStack() as stack:
        for number, text in enumerate(settings.split("\nserver")[1:]):
            folder = tmp_path / str(number)
            folder.mkdir()
            http = "server" + text.replace("{port} reuseport ssl", f"{port} ssl reuseport")
            stack.enter_context(run_nginx(folder, port, http=http))
        watched = Watched(tmp_path, port, setup, protocol="http/protobuf")
        seen, changed = set(), []
        for _ in range(ATTEMPTS):
            evidence, diagnosis = watched.attempt()
            assert diagnosis.outcome == "confirmed"
            assert evidence.handshake is not None
            seen.add(evidence.handshake.server_chain[0].sha256)
            changed += evidence.changed
    assert len(seen) == 2
    assert changed == []
