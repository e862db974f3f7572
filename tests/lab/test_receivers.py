"""The backend's own side: a real Collector's receivers and their files, seen from next to them."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from probe.diagnosis.readings.receiver_attempt import SLACK
from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.target import Target
from probe.model.tls_names import OPENSSL_NAMES
from probe.service.pipeline import Pipeline
from tests.config.conftest import CONFIG
from tests.config.promtool import rules_of
from tests.lab.credentials import LabPki
from tests.lab.monitoring import prometheus
from tests.lab.receivers import attempt_all, neighbour
from tests.lab.running_probe import running_probe
from tests.lab.servers import HOST
from tests.support.pki import Authority, write_pem

RULE_FILE: Final = CONFIG / "prometheus" / "rules" / "mtls-probe.yml"
RULES: Final = rules_of(RULE_FILE.read_text(encoding="utf-8"))
SYSTEM_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
NAMES: Final = ("otlp/grpc", "otlp/http")
NOT_REQUESTED: Final = "MtlsProbeClientCertificateNotRequested"
PATIENCE: Final = 3.0
"""Seconds that a failure must have lasted; five minutes in the rules that people install."""


@pytest.fixture
def tls(pki: LabPki) -> dict[str, Any]:
    """The TLS settings of a receiver with mutual TLS."""
    return {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }


def findings(diagnosis: Diagnosis) -> list[str]:
    """Return the causes of the findings."""
    return [one.cause for one in diagnosis.findings]


def test_a_receiver_that_refuses_for_want_of_a_certificate(
    otelcol: Path, tls: dict[str, Any], tmp_path: Path
) -> None:
    """The probe has none to show: the receiver is as expected when it refuses for that."""
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        targets = backend.load()
        results = attempt_all(targets)
    assert tuple(results) == NAMES
    for name, (_, diagnosis) in results.items():
        assert targets[name].expect_cause == diagnosis.cause == "client_cert_not_sent", diagnosis
        assert (diagnosis.certain, findings(diagnosis)) == (True, [])


def test_ca_file_in_the_place_of_client_ca_file(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """Clients are not asked for a certificate at all: confirmed, with the finding and its line."""
    tls["ca_file"] = tls.pop("client_ca_file")
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        results = attempt_all(backend.load())
        file = backend.file
    for _, diagnosis in results.values():
        assert diagnosis.outcome == "confirmed"
        assert findings(diagnosis) == ["client_cert_not_requested"]
        (finding,) = diagnosis.findings
        assert f"ca_file: {pki.client_ca_file}" in finding.fact
        assert f"{file}:1" in finding.fact
        assert "write client_ca_file in the place of ca_file" in finding.fix[0]


def test_a_receiver_with_a_certificate_of_the_probe(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """With a client certificate in `defaults` the receiver must accept the probe."""
    own = {"cert_file": str(pki.client.cert_file), "key_file": str(pki.client.key_file)}
    with (
        neighbour(otelcol, tmp_path, tls, defaults={"tls": own}) as backend,
        backend.running(),
    ):
        results = attempt_all(backend.load())
    for _, diagnosis in results.values():
        assert (diagnosis.outcome, findings(diagnosis)) == ("confirmed", [])


@pytest.mark.parametrize("broken", ["missing", "other key", "not a certificate"])
def test_a_file_with_which_it_does_not_start(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path, broken: str
) -> None:
    """A file that the Collector cannot use is the receiver's failure, running or not."""
    with neighbour(otelcol, tmp_path, tls) as backend:
        with backend.running():
            match broken:
                case "missing":
                    tls["client_ca_file"] = str(tmp_path / "nothing.crt")
                case "other key":
                    tls["key_file"] = str(pki.client.key_file)
                case _:
                    tls["cert_file"] = str(write_pem(tmp_path, "text.crt", b"hello\n"))
            backend.tls = tls
            backend.write()
            running = attempt_all(backend.load())
        stopped = attempt_all(backend.load())
    for _, diagnosis in (*running.values(), *stopped.values()):
        assert diagnosis.cause == "receiver_file_unusable", diagnosis


def public_cas() -> bytes:
    """Return some CAs of the system's bundle; without those whose serial number is not positive."""
    blocks = SYSTEM_BUNDLE.read_bytes().split(b"-----BEGIN ")[1:]
    named = [block for block in blocks if b"CERTIFICATE" in block[:20]]
    return b"".join(b"-----BEGIN " + block for block in named[-5:])


def test_a_bundle_of_public_cas(otelcol: Path, tls: dict[str, Any], tmp_path: Path) -> None:
    """client_ca_file is the system's bundle: whoever has a certificate of any CA is accepted."""
    tls["client_ca_file"] = str(write_pem(tmp_path, "bundle.crt", public_cas()))
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        results = attempt_all(backend.load())
    for _, diagnosis in results.values():
        assert diagnosis.cause == "client_cert_not_sent"
        assert findings(diagnosis) == ["client_ca_too_broad"]


def test_cas_that_were_replaced_on_disk(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """A running Collector that still trusts the old file is a finding; one that reads it again is not.

    Where a renewed CA has the name of before, the list of CAs stays the same: that the file was
    replaced is known, and that it is read once.
    """
    other, again = pki.other_ca.pem, pki.client_ca.rekeyed().pem
    cases = {"read once": (False, other), "reloaded": (True, other), "same name": (False, again)}

    async def watch(targets: dict[str, Target]) -> dict[str, tuple[Diagnosis, Diagnosis]]:
        pipeline = Pipeline(Ledger(list(targets.values())))
        before = {case: (await pipeline.probe_once(one))[2] for case, one in targets.items()}
        for case, (_, text) in cases.items():
            write_pem(tmp_path / case, "client-ca.pem", text)
        for one in targets.values():
            await pipeline.probe_once(one)
        await asyncio.sleep(SLACK + 1)
        return {
            case: (before[case], (await pipeline.probe_once(one))[2])
            for case, one in targets.items()
        }

    with ExitStack() as stack:
        targets = {}
        for case, (reload, _) in cases.items():
            (tmp_path / case).mkdir()
            trusted = write_pem(tmp_path / case, "client-ca.pem", pki.client_ca.pem)
            settings = tls | {"client_ca_file": str(trusted), "client_ca_file_reload": reload}
            backend = stack.enter_context(neighbour(otelcol, tmp_path / case, settings))
            stack.enter_context(backend.running())
            targets[case] = replace(backend.load()["otlp/grpc"], name=case)
        results = asyncio.run(watch(targets))
    for case, (before, after) in results.items():
        assert findings(before) == []
        assert after.cause == "client_cert_not_sent"
        assert findings(after) == ([] if case == "reloaded" else ["backend_not_reloading"])
    replaced = results["read once"][1].findings[0].fact
    assert pki.other_ca.certificate.subject.rfc4514_string() in replaced
    assert "client_ca_file_reload is not true" in replaced
    assert "was replaced" in results["same name"][1].findings[0].fact


def test_suites_have_no_effect_with_client_ca_file_reload(
    otelcol: Path, tls: dict[str, Any], tmp_path: Path
) -> None:
    """The Collector makes each connection's settings anew, without suites and groups: a remark says so."""
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    agreed = {}
    for reload in (False, True):
        settings = tls | {
            "max_version": "1.2",
            "cipher_suites": [suite],
            "client_ca_file_reload": reload,
        }
        with neighbour(otelcol, tmp_path / str(reload), settings) as backend, backend.running():
            results = attempt_all(backend.load())
        evidence, diagnosis = results["otlp/grpc"]
        assert evidence.handshake is not None
        agreed[reload] = evidence.handshake.cipher
        assert ("exporter_setting_ignored" in findings(diagnosis)) is reload
    assert agreed[False] == OPENSSL_NAMES[suite]
    assert agreed[True] != OPENSSL_NAMES[suite]


def test_from_a_misplaced_key_to_the_alert_and_back(
    otelcol: Path, tls: dict[str, Any], tmp_path: Path
) -> None:
    """ca_file for client_ca_file: the alert fires, and resolves once file and Collector are right."""
    misplaced = {key: value for key, value in tls.items() if key != "client_ca_file"}
    misplaced["ca_file"] = tls["client_ca_file"]
    rules = tmp_path / "rules.yml"
    group = build_rule_group(Thresholds(patience=PATIENCE), Pages())
    rules.write_text(render_rule_file(group), "utf-8")
    options = {"defaults": {"interval": "500ms"}, "web": {"listen": f"{HOST}:0"}}
    with (
        neighbour(otelcol, tmp_path, misplaced, **options) as backend,
        ExitStack() as misconfigured,
        ExitStack() as corrected,
        running_probe(backend.probe_file) as probe,
        prometheus(
            tmp_path,
            [{"job_name": "mtls-probe", "static_configs": [{"targets": [probe.address]}]}],
            rule_files=[rules],
        ) as watching,
    ):
        misconfigured.enter_context(backend.running())
        for name in NAMES:
            result = probe.becomes(name, None)
            assert [one["cause"] for one in result["findings"]] == ["client_cert_not_requested"]
        watching.wait(lambda: NOT_REQUESTED in names(watching.alerts()), 30, "fired")

        misconfigured.close()
        backend.tls = tls
        backend.write()
        corrected.enter_context(backend.running())
        for name in NAMES:
            probe.becomes(name, "client_cert_not_sent")
            watching.wait(lambda name=name: is_well(probe.result(name)), 20, "was as expected")
        watching.wait(lambda: watching.alerts() == [], 30, "ceased to fire")


def test_a_client_ca_that_ends_soon_is_two_notifications(
    otelcol: Path, tls: dict[str, Any], tmp_path: Path
) -> None:
    """Each rule on the CAs of receivers finds it, in a real Prometheus, with its name and file."""
    now = datetime.now(UTC)
    ending = Authority.root(
        "Ends in five days", not_before=now - timedelta(days=360), not_after=now + timedelta(days=5)
    )
    tls["client_ca_file"] = str(write_pem(tmp_path, "ending.pem", ending.pem))
    with (
        neighbour(otelcol, tmp_path, tls) as backend,
        backend.running(),
        running_probe(backend.probe_file) as probe,
        prometheus(
            tmp_path,
            [{"job_name": "mtls-probe", "static_configs": [{"targets": [probe.address]}]}],
            rule_files=[RULE_FILE],
        ) as watching,
    ):
        for name in NAMES:
            probe.becomes(name, "client_cert_not_sent")
        rules = [rule for rule in RULES if "receiver_client_ca" in rule["expr"]]
        assert {rule["labels"]["severity"] for rule in rules} == {"warning", "critical"}
        for rule in rules:
            found = watching.has(rule["expr"])
            assert {labels["subject"] for labels, _ in found} == {"CN=Ends in five days"}
            assert {labels["path"] for labels, _ in found} == {tls["client_ca_file"]}
            assert {labels["target"] for labels, _ in found} == set(NAMES)


def is_well(result: dict[str, Any] | None) -> bool:
    """Whether a target is as expected, and nothing else is to be said of it."""
    return result is not None and result["expected"] and result["findings"] == []


def names(alerts: list[dict[str, Any]]) -> set[str]:
    """Return the names of these alerts."""
    return {alert["labels"]["alertname"] for alert in alerts}


def test_a_receiver_that_can_accept_nobody(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """client_ca_file holds a certificate and no CA: that the probe is refused proves nothing."""
    tls["client_ca_file"] = str(pki.server.cert_file)
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        targets = backend.load()
        results = attempt_all(targets)
    for _, diagnosis in results.values():
        assert diagnosis.cause == "client_ca_untrusted"
        assert "an end entity's certificate and not a CA's" in diagnosis.facts[0]


def test_a_chain_that_clients_refuse(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """The served certificate is judged as Go's clients judge it, whatever they trust."""
    issued = pki.server_ca.issue("backend", usages=("clientAuth",))
    nameless = pki.server_ca.issue("backend", usages=("serverAuth",), sans=())
    yesterday = datetime.now(UTC) - timedelta(days=1)
    ended = pki.server_ca.issue("backend", usages=("serverAuth",), not_after=yesterday)
    for cause, pair in (
        ("server_cert_wrong_usage", issued),
        ("server_name_mismatch", nameless),
        ("server_cert_expired", ended),
    ):
        folder = tmp_path / cause
        folder.mkdir()
        files = {
            "cert_file": str(write_pem(folder, "tls.crt", pair.pem)),
            "key_file": str(write_pem(folder, "tls.key", pair.key_pem)),
        }
        with neighbour(otelcol, folder, tls | files) as backend, backend.running():
            results = attempt_all({"otlp/grpc": backend.load()["otlp/grpc"]})
        assert results["otlp/grpc"][1].cause == cause
