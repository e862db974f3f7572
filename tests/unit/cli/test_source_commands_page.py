"""What the page of sources promises: each file that it names is read, and its exporter confirmed."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT
from tests.support.backends import Backend
from tests.support.command_line import command, run_commands, run_probe
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

PAGE: Final = (ROOT / "docs" / "sources.md").read_text("utf-8")
ELSEWHERE: Final = {
    "environment": "test_environment_source.py",
    "process": "test_process_exporters.py",
    "manifest": "test_read_manifest.py",
    "receiver": "test_receivers.py",
    "file_sd": "test_source_commands.py",
    "http_sd": "test_source_commands.py",
}
"""Sources of the page whose reading is shown by tests of their own."""

VARIABLES: Final = """OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:{port}
OTEL_EXPORTER_OTLP_PROTOCOL=grpc
OTEL_EXPORTER_OTLP_CERTIFICATE={folder}/server-ca.pem
OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE={folder}/tls.crt
OTEL_EXPORTER_OTLP_CLIENT_KEY={folder}/tls.key
"""
PROPERTIES: Final = """otel.exporter.otlp.endpoint=https://127.0.0.1:{port}
otel.exporter.otlp.protocol=grpc
otel.exporter.otlp.certificate={folder}/server-ca.pem
otel.exporter.otlp.client.certificate={folder}/tls.crt
otel.exporter.otlp.client.key={folder}/tls.key
"""
FILES: Final = {
    "shop.service": "[Service]\n"
    + "".join(f"Environment={line}\n" for line in VARIABLES.splitlines()),
    "compose.yaml": "services:\n  shop:\n    image: shop\n    volumes: ['{folder}:{folder}:ro']\n"
    "    environment:\n" + "".join(f"      - {line}\n" for line in VARIABLES.splitlines()),
    ".env": VARIABLES,
    "otel.properties": PROPERTIES,
    "application.yaml": PROPERTIES.replace("=", ": "),
    "sdk.yaml": """file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: https://127.0.0.1:{port}
            tls: {{ca_file: {folder}/server-ca.pem, cert_file: {folder}/tls.crt, key_file: {folder}/tls.key}}
""",
    "config.yaml": """receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}}}}}}}
exporters:
  otlp:
    endpoint: 127.0.0.1:{port}
    tls: {{ca_file: {folder}/server-ca.pem, cert_file: {folder}/tls.crt, key_file: {folder}/tls.key}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp]}}}}}}
""",
}
"""By the name that the page gives, a file of that kind."""


def list_sources() -> list[tuple[str, str]]:
    """Return kind and value of every source in the page's table."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]
    cells = [row.split("|")[2] for row in rows if row.count("|") == 4]
    return re.findall(
        r"`(sdk|collector|receiver|process|manifest|file_sd|http_sd): ([^`]+)`", " ".join(cells)
    )


def list_shown() -> list[tuple[str, str]]:
    """Return those that name a file which is read here."""
    return [
        (kind, value)
        for kind, value in list_sources()
        if kind not in ELSEWHERE and value not in ELSEWHERE
    ]


def write(folder: Path, name: str, backend: Backend) -> Path:
    """Write a file of the kind that `name` is, for a backend; return its path."""
    path = folder / name
    path.write_text(FILES[name].format(folder=folder, port=backend.port), "utf-8")
    return path


def test_every_source_of_the_page_is_shown_somewhere() -> None:
    """Here or in the test that ELSEWHERE names."""
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

    assert {Path(value).name for _, value in list_shown()} == set(FILES)
    assert set(ELSEWHERE.values()) <= tests


async def test_each_file_of_the_page_is_confirmed(backend: Backend, tmp_path: Path) -> None:
    """Against a backend that demands a client certificate, from the one line of the page."""
    PKI.settings(tmp_path, PKI.exporter())
    runs = [
        command(
            *("check", "--config", "/dev/stdin", "--output", "json"),
            stdin=f"sources: [{{{kind}: {write(tmp_path, Path(value).name, backend)}}}]".encode(),
        )
        for kind, value in list_shown()
    ]
    for ended, (_, value) in zip(await run_commands(*runs), list_shown(), strict=True):
        assert ended.code == 0, (value, ended.out + ended.err)
        assert [one["outcome"] for one in ended.document["results"]] == ["confirmed"], value


async def test_the_certificate_that_a_file_names_counts(backend: Backend, tmp_path: Path) -> None:
    """Without it, each of them fails: nothing is green by chance."""
    PKI.settings(tmp_path, PKI.exporter())
    (tmp_path / "tls.crt").unlink()
    paths = [write(tmp_path, name, backend) for name in FILES if name != "config.yaml"]
    sources = ", ".join(f"{{sdk: {path}}}" for path in paths)
    ended = await run_probe(
        "check",
        "--config",
        "/dev/stdin",
        "--output",
        "json",
        stdin=f"sources: [{sources}]".encode(),
    )

    assert ended.code == 1
    assert {one["cause"] for one in ended.document["results"]} == {"client_file_missing"}
