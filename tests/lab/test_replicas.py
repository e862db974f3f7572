"""A name with three addresses: real Collectors behind two of them, nothing behind the third.

The name stands in a hosts file that only the probe sees, in a mount namespace of its own.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from tests.lab.credentials import LabPki, Pair
from tests.lab.monitoring import Prometheus, prometheus
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.servers import run_collector
from tests.support.command_line import ROOT, configuration, environment
from tests.support.ports import reserved_port

NAME: Final = "collector.replicas.example"
ONE, TWO, THREE = "127.0.1.1", "127.0.1.2", "127.0.1.3"
HOLD: Final = 3.0
"""Seconds that a failure must have lasted; five minutes in the rules that people install."""


class Zone:
    """The hosts file of the probe, and the command that shows it to a program alone."""

    def __init__(self, folder: Path, *addresses: str) -> None:
        """Let the name lead to `addresses`."""
        self._file = folder / "hosts"
        self.lead_to(*addresses)

    def lead_to(self, *addresses: str) -> None:
        """Let the name lead to `addresses` from now on, in that order."""
        lines = ["127.0.0.1 localhost", *(f"{address} {NAME}" for address in addresses)]
        # In place: what is mounted is this very file.
        self._file.write_text("\n".join(lines) + "\n", encoding="ascii")

    @property
    def enter(self) -> Sequence[str]:
        """The beginning of a command that sees the file."""
        mount = f'mount --bind "{self._file}" /etc/hosts && exec "$@"'
        return ("unshare", "--mount", "sh", "-c", mount, "sh")


@contextmanager
def collector(
    otelcol: Path, folder: Path, pki: LabPki, at: str, port: int, own: Pair
) -> Iterator[None]:
    """Run a Collector that shows `own` at one address."""
    folder = folder / at
    folder.mkdir(exist_ok=True)
    tls = {
        "cert_file": str(own.cert_file),
        "key_file": str(own.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }
    listen = {"grpc": {"endpoint": f"{at}:{port}", "tls": tls}, "http": {"endpoint": f"{at}:0"}}
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


@pytest.fixture
def good(pki: LabPki) -> Pair:
    """The certificate of the name."""
    return pki.write(
        "replica", pki.server_ca.issue("replica", sans=(f"DNS:{NAME}",), usages=("serverAuth",))
    )


@pytest.fixture
def other(pki: LabPki) -> Pair:
    """The certificate of another name."""
    sans = ("DNS:elsewhere.example",)
    return pki.write("elsewhere", pki.server_ca.issue("other", sans=sans, usages=("serverAuth",)))


def target(pki: LabPki, port: int, addresses: str) -> dict[str, Any]:
    """Return the target of the name."""
    return {
        "name": "eu",
        "endpoint": f"{NAME}:{port}",
        "addresses": addresses,
        "interval": "500ms",
        "timeout": "400ms",
        "tls": {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(pki.client.cert_file),
            "key_file": str(pki.client.key_file),
        },
    }


def check(zone: Zone, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `mtls-probe check`."""
    return subprocess.run(
        [*zone.enter, sys.executable, "-m", "probe", "check", "--config", str(file), *options],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip  # one call


def test_three_addresses_are_told_apart_everywhere(
    otelcol: Path, pki: LabPki, good: Pair, other: Pair, tmp_path: Path
) -> None:
    """One refuses, one shows another certificate, one is healthy; two get fixed, and DNS fails."""
    zone = Zone(tmp_path, THREE, ONE, TWO)
    rules = tmp_path / "rules.yml"
    group = build_rule_group(Thresholds(patience=HOLD), Pages())
    rules.write_text(render_rule_file(group), "utf-8")
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        stack.enter_context(collector(otelcol, tmp_path, pki, ONE, port, good))
        wrong = stack.enter_context(ExitStack())
        wrong.enter_context(collector(otelcol, tmp_path, pki, TWO, port, other))
        file = configuration(tmp_path, target(pki, port, "each"))

        assert_commands_tell_them_apart(zone, file)

        probe = stack.enter_context(running_probe(file, before=zone.enter))
        jobs = [{"job_name": "mtls-probe", "static_configs": [{"targets": [probe.address]}]}]
        watching = stack.enter_context(prometheus(tmp_path, jobs, rule_files=[rules]))

        assert_pages_tell_them_apart(probe)
        watching.wait(lambda: len(failing(watching)) == 2, 30, "fired")
        assert failing(watching) == {
            "server_name_mismatch": f"eu: 1 of 3 addresses is not as expected, "
            f"server_name_mismatch: {TWO}",
            "tcp_refused": f"eu: 1 of 3 addresses is not as expected, tcp_refused: {THREE}",
        }

        stack.enter_context(collector(otelcol, tmp_path, pki, THREE, port, good))
        watching.wait(lambda: [*failing(watching)] == ["server_name_mismatch"], 30, "resolved one")
        wrong.close()
        stack.enter_context(collector(otelcol, tmp_path, pki, TWO, port, good))
        watching.wait(lambda: not failing(watching), 30, "resolved both")
        assert watching.query("mtls_probe_addresses_unexpected")[0][1] == 0

        zone.lead_to()
        watching.has('mtls_probe_cause{target="eu",address="",cause="dns_failure"}')
        assert len(watching.query('mtls_probe_success{address=~".+"} == 1')) == 3
        zone.lead_to(TWO, THREE, ONE)
        watching.wait(
            lambda: not watching.query('mtls_probe_success{target="eu",address=""}'), 20, "resolved"
        )


def failing(watching: Prometheus) -> dict[str, str]:
    """Return the summary of each alert by its cause."""
    return {
        alert["labels"]["cause"]: alert["annotations"]["summary"]
        for alert in watching.alerts()
        if alert["labels"]["alertname"] == "MtlsProbeFailing"
    }


def assert_commands_tell_them_apart(zone: Zone, file: Path) -> None:
    """The table, JSON and JUnit have a result of each, and the exit code is that of all."""
    table = check(zone, file)
    assert table.returncode == 1, table.stderr
    summary = f"2 of 3 addresses fail: {TWO} (server_name_mismatch), {THREE} (tcp_refused)"
    assert f"eu: {summary}" in table.stdout
    assert f"-connect {TWO}:" in table.stdout
    assert f"-servername {NAME}" in table.stdout
    (command,) = re.findall(r"To see its names: (openssl s_client .*)", table.stdout)
    shown = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)  # noqa: PLW1510  (a printed command, typed into a shell)
    assert "elsewhere.example" in shown.stdout

    document = json.loads(check(zone, file, "--output", "json").stdout)
    found = [
        (one["target"], one["labels"], one["peer_address"], one["cause"])
        for one in document["results"]
    ]
    assert found == [
        ("eu", {"address": ONE}, ONE, None),
        ("eu", {"address": TWO}, TWO, "server_name_mismatch"),
        ("eu", {"address": THREE}, "", "tcp_refused"),
    ]
    assert [one["summary"] for one in document["addresses"]] == [summary]

    junit = check(zone, file, "--output", "junit").stdout
    assert f'name="eu ({THREE})"' in junit
    assert "2 of 3 addresses fail" in junit


def assert_pages_tell_them_apart(probe: RunningProbe) -> None:
    """The list, the target's page and that of each address, the badge and the API."""
    probe.becomes("eu", None)
    summary = "2 of 3 addresses fail"
    assert summary in probe.get("/")
    page = probe.get("/targets/eu")
    assert summary in page
    assert all(address in page for address in (ONE, TWO, THREE))
    assert "elsewhere.example" in probe.get(f"/targets/eu?address={quote(TWO)}")
    assert "ECONNREFUSED" in probe.get(f"/targets/eu?address={quote(THREE)}")
    assert "2 of 3 addresses" in probe.get("/badge/eu.svg")
    document = json.loads(probe.get("/api/v1/targets/eu"))
    assert [one["labels"]["address"] for one in document["results"]] == [ONE, TWO, THREE]
    assert document["addresses"][0]["unexpected"] == 2


def test_a_first_address_that_stands_for_all(
    otelcol: Path, pki: LabPki, good: Pair, other: Pair, tmp_path: Path
) -> None:
    """It is confirmed, and what the others do otherwise is a finding that names them."""
    zone = Zone(tmp_path, ONE, TWO, THREE)
    with (
        reserved_port() as port,
        collector(otelcol, tmp_path, pki, ONE, port, good),
        collector(otelcol, tmp_path, pki, TWO, port, other),
    ):
        file = configuration(tmp_path, target(pki, port, "first"))
        ended = check(zone, file, "--output", "json")

    assert ended.returncode == 0, ended.stderr
    (result,) = json.loads(ended.stdout)["results"]
    assert (result["outcome"], result["peer_address"], result["labels"]) == ("confirmed", ONE, {})
    facts = [one["fact"] for one in result["findings"] if one["cause"] == "addresses_differ"]
    assert [fact.partition(" ")[0] for fact in facts] == [TWO, THREE]
    assert "a certificate that the exporter does not accept" in facts[0]
    assert "refuses connections (ECONNREFUSED)" in facts[1]


def test_more_addresses_than_are_probed(pki: LabPki, tmp_path: Path) -> None:
    """Of a hundred addresses 64 have a result, and each of these says how many have none."""
    zone = Zone(tmp_path, *(f"127.0.2.{last}" for last in range(1, 101)))
    with reserved_port() as port:
        ended = check(zone, configuration(tmp_path, target(pki, port, "each")), "--output", "json")

    document = json.loads(ended.stdout)
    found = {
        (one["cause"], *(finding["cause"] for finding in one["findings"]))
        for one in document["results"]
    }
    assert found == {("tcp_refused", "addresses_left_out")}
    assert document["addresses"][0]["summary"].startswith("64 of 64 addresses fail")
    assert "36 further addresses" in document["results"][0]["findings"][0]["fact"]
