"""Servers that take one suite, group, scheme or version: the probe ends as the real Collector does."""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from probe.model.runtime import EXPORTERS
from probe.model.target import PROTOCOLS, Protocol
from probe.service.pipeline import PipelineSettings
from probe.service.run_rounds import run_rounds
from tests.lab.credentials import LabPki
from tests.lab.exporters.narrow import read_narrow
from tests.lab.narrow_servers import NARROW, narrow_servers
from tests.lab.observation import observe, target
from tests.lab.servers import HOST, Log, run_collector
from tests.lab.stack import lacking
from tests.support.required_tools import missing

CAUSES: Final = {
    "cipher": "no_shared_cipher",
    "group": "no_shared_group",
    "signature": "no_shared_signature_algorithm",
    "version": "protocol_version_mismatch",
}
ONE_SPAN: Final = json.dumps(
    {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0123456789abcdef0123456789abcdef", "spanId": "0123456789abcdef",
        "name": "lab", "kind": 1, "startTimeUnixNano": "1", "endTimeUnixNano": "2",
    }]}]}]}
).encode()  # fmt: skip


@pytest.fixture(scope="module")
def ports(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The port of each narrow server."""
    if absent := lacking("nginx", "go")():
        missing(absent)
    with narrow_servers(tmp_path_factory.mktemp("narrow"), pki) as running:
        yield running


@pytest.fixture(scope="module")
def exported(
    ports: dict[str, int], otelcol: Path, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> dict[Protocol, dict[str, str]]:
    """By protocol, what a real Collector's exporter for each server says: its error, or nothing."""
    return {
        protocol: export_to(ports, otelcol, pki, tmp_path_factory.mktemp("export"), {}, protocol)
        for protocol in PROTOCOLS
    }


def export_to(
    ports: dict[str, int],
    otelcol: Path,
    pki: LabPki,
    folder: Path,
    tls: dict[str, object],
    protocol: Protocol,
) -> dict[str, str]:
    """Return by server what a real Collector's exporter with the settings `tls` says of one span."""
    kind = "otlp" if protocol == "grpc" else "otlphttp"
    exporters = {
        f"{kind}/{number}": {
            "endpoint": f"https://localhost:{port}",
            "tls": {"ca_file": str(pki.server_ca_file), **tls},
            "compression": "none",
            "retry_on_failure": {"enabled": False},
            "sending_queue": {"enabled": False},
        }
        for number, port in enumerate(ports.values())
    }
    listen = {"endpoint": f"{HOST}:0"}
    pipeline = {"receivers": ["otlp"], "exporters": list(exporters)}
    file = folder / "collector.yaml"
    file.write_text(
        json.dumps(
            {
                "receivers": {"otlp": {"protocols": {"grpc": listen, "http": listen}}},
                "exporters": exporters,
                "service": {
                    "telemetry": {
                        "metrics": {"level": "none"},
                        "logs": {"sampling": {"enabled": False}},
                    },
                    "pipelines": {"traces": pipeline},
                },
            }
        ),
        encoding="utf-8",
    )
    with run_collector(otelcol, [f"--config={file}"], folder / "collector.log") as running:
        send_span(running.http_port)
        return read_errors(running.log, list(ports))


def send_span(port: int) -> None:
    """Send one span in JSON; the Collector answers once each exporter is done."""
    asked = urllib.request.Request(
        f"http://{HOST}:{port}/v1/traces", ONE_SPAN, {"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(asked, timeout=60).close()
    except urllib.error.HTTPError:
        pass  # some exporter failed, which its log says


def read_errors(log: Log, names: list[str]) -> dict[str, str]:
    """Return the error that each exporter logged; empty where it exported."""
    time.sleep(0.2)
    errors = dict.fromkeys(names, "")
    for line in log.text().splitlines():
        found = re.search(r'"otelcol.component.id": "otlp(?:http)?/(\d+)".*"error": "(.+)', line)
        if found:
            errors[names[int(found[1])]] = found[2]
    return errors


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", NARROW)
def test_the_probe_ends_as_the_collector(
    name: str,
    protocol: Protocol,
    ports: dict[str, int],
    exported: dict[Protocol, dict[str, str]],
    pki: LabPki,
) -> None:
    """Confirmed where the export arrives, and where it does not the cause is what is not offered."""
    narrow, error = NARROW[name], exported[protocol][name]
    offered = narrow.offered and (narrow.over_grpc or protocol != "grpc")
    assert (error == "") is offered, error

    _, found = observe(target(pki, ports[name], None, protocol=protocol))

    assert (found.outcome == "confirmed") is offered, found
    if not offered:
        assert (found.cause, found.certain) == (CAUSES[narrow.kind], True), found


SETTINGS: Final[dict[str, dict[str, object]]] = {
    "insecure suites": {
        "cipher_suites": (
            "TLS_RSA_WITH_AES_128_CBC_SHA256",
            "TLS_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        ),
        "include_insecure_cipher_suites": True,
    },
    "insecure suites allowed, none named": {"include_insecure_cipher_suites": True},
    "suites of TLS 1.3 alone": {"cipher_suites": ("TLS_AES_128_GCM_SHA256",)},
    "one suite": {"cipher_suites": ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",)},
    "one curve": {"curve_preferences": ("P384",)},
    "a hybrid alone": {"curve_preferences": ("X25519MLKEM768",)},
    "a hybrid and another curve": {"curve_preferences": ("P256", "X25519MLKEM768")},
    "from TLS 1.0": {"min_version": "1.0"},
    "TLS 1.0 alone": {"min_version": "1.0", "max_version": "1.0"},
    "up to TLS 1.1": {"min_version": "1.0", "max_version": "1.1"},
    "up to TLS 1.2": {"max_version": "1.2"},
    "TLS 1.3 alone": {"min_version": "1.3"},
    "TLS 1.3 alone, one suite of TLS 1.2": {
        "min_version": "1.3",
        "cipher_suites": ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",),
    },
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_bound_the_offer_as_in_the_collector(
    name: str,
    protocol: Protocol,
    ports: dict[str, int],
    otelcol: Path,
    pki: LabPki,
    tmp_path: Path,
) -> None:
    """The same settings, the same servers: the probe is confirmed where the Collector exports."""
    settings = SETTINGS[name]
    exported = export_to(ports, otelcol, pki, tmp_path, settings, protocol)
    watched = [
        replace(target(pki, port, None, protocol=protocol, **settings), name=server)
        for server, port in ports.items()
    ]

    seen = asyncio.run(run_rounds(watched, PipelineSettings(experiments=False), concurrency=10))

    ends = {one.name: found.outcome == "confirmed" for one, _, found in seen}
    differing = {
        server: ports[server] for server in ports if ends[server] is bool(exported[server])
    }
    if differing:
        # On a busy machine one of eighty exports may time out: it is asked once more.
        (again := tmp_path / "again").mkdir()
        exported |= export_to(differing, otelcol, pki, again, settings, protocol)
    assert ends == {server: not error for server, error in exported.items()}, exported
    # grpc-go's own list has no suite of TLS 1.0 and 1.1.
    nothing = protocol == "grpc" and str(settings.get("max_version", "1.3")) < "1.2"
    assert any(ends.values()) is not nothing


@pytest.mark.parametrize("name", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"])
def test_the_printed_setting_helps(
    name: str, ports: dict[str, int], otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """The step names a suite and include_insecure_cipher_suites: with both the export arrives."""
    _, found = observe(target(pki, ports[name], None, protocol="http/protobuf"))
    (step,) = (step for step in found.fix if "cipher_suites of" in step)
    suite = re.search(r"to \[(\w+)\]", step)
    assert suite, found.fix
    assert "include_insecure_cipher_suites: true" in step

    settings = {"cipher_suites": (suite[1],), "include_insecure_cipher_suites": True}
    port = {name: ports[name]}
    assert export_to(port, otelcol, pki, tmp_path, settings, "http/protobuf") == {name: ""}
    _, found = observe(target(pki, ports[name], None, protocol="http/protobuf", **settings))
    assert found.outcome == "confirmed", found


MEASURED: Final = read_narrow()
PROGRAMS_OF_RUNTIMES: Final = {*EXPORTERS, "collector-http"}
"""Others of the lab are variants that no `exporter` names."""


@pytest.mark.parametrize("program", [each for each in MEASURED if each in PROGRAMS_OF_RUNTIMES])
def test_with_each_exporter_the_probe_ends_as_that_one(
    program: str, ports: dict[str, int], pki: LabPki
) -> None:
    """What `make exporters` measured with the real one, at every server that takes one thing only."""
    exporter, protocol = find_exporter(program)
    watched = [
        replace(target(pki, port, None, protocol=protocol), name=server, exporter=exporter)
        for server, port in ports.items()
    ]

    seen = asyncio.run(run_rounds(watched, PipelineSettings(experiments=False), concurrency=10))

    assert {one.name: found.outcome == "confirmed" for one, _, found in seen} == MEASURED[program]


def find_exporter(program: str) -> tuple[str, Protocol]:
    """Return the runtime that a program of the lab is, and the protocol that it speaks there."""
    if program == "collector-http":
        return "collector", "http/protobuf"
    over_grpc = program in {"collector", "java-okhttp"} or "grpc" in program
    return program, "grpc" if over_grpc else "http/protobuf"
