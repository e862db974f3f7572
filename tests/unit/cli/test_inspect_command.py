"""`mtls-probe inspect` as its users type it: exit codes, the JSON contract, and no key anywhere."""

import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)

from probe.inspection.file_report import FileReport, Inspection
from probe.model.certificate import CertificateFacts, Name
from probe.model.finding import Finding
from probe.report.inspection import encode_inspection, print_inspection
from tests.support.command_line import configuration
from tests.support.inspections import LEAF, ROOT, document, good_files, run
from tests.support.pki import Authority, new_key

FILE_KEYS: Final = (
    "path role format what blocks certificates keys facts faults remarks targets".split()
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an exporter's good files."""
    return good_files(tmp_path)


def options(folder: Path) -> list[object]:
    """Return the options that name the good files."""
    return ["--cert", folder / "tls.crt", "--key", folder / "tls.key", "--ca", folder / "ca.crt"]


def test_good_files_are_0_with_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Schema, files and faults as documented, each certificate in its file."""
    assert run(*options(folder), "--output", "json") == 0

    seen = document(capsys)
    assert list(seen) == ["schema", "at", "files", "faults"]
    assert seen["schema"] == "mtls-probe/1"
    assert seen["faults"] == []
    assert [list(file) for file in seen["files"]] == [FILE_KEYS] * 3
    assert [(file["role"], file["format"]) for file in seen["files"]] == [
        ("cert", "PEM"), ("key", "PEM"), ("ca", "PEM"),
    ]  # fmt: skip
    chain = seen["files"][0]["certificates"]
    assert [one["subject"] for one in chain] == ["CN=client", "CN=intermediate"]
    assert chain[0]["days_left"] == 364
    assert chain[0]["extended_key_usage"] == ["clientAuth"]


def test_a_fault_is_1_with_cause_fact_and_fix(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands with its file, and once more with its path in the list of all."""
    (folder / "tls.crt").write_bytes(LEAF.certificate.public_bytes(Encoding.DER))

    assert run(*options(folder), "--output", "json") == 1

    seen = document(capsys)
    (fault,) = seen["files"][0]["faults"]
    assert fault["cause"] == "client_file_malformed"
    assert fault["fix"] == [
        f"openssl x509 -inform DER -in {folder}/tls.crt -out {folder}/tls.crt.pem",
        f"Set cert_file to {folder}/tls.crt.pem",
    ]
    assert seen["faults"] == [{"path": f"{folder}/tls.crt", "role": "cert", **fault}]


def test_the_story_has_fact_and_fix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table names the file, its certificates with their days, the fault and the command."""
    old = ROOT.issue("old", not_after=datetime.now(UTC) - timedelta(days=3))
    (folder / "tls.crt").write_bytes(old.pem)

    assert run("--cert", folder / "tls.crt") == 1

    shown = capsys.readouterr()
    assert f"{folder}/tls.crt  (cert)" in shown.out
    assert "certificate 1: CN=old" in shown.out
    assert "expired 3 days ago" in shown.out
    assert "(client_cert_expired)" in shown.out
    assert "fix: Renew the certificate" in shown.out
    assert shown.err == "1 file, 1 fault\n"


@pytest.mark.parametrize("option", ["--cert", "--key", "--ca"])
def test_each_option_may_stand_alone(option: str, folder: Path) -> None:
    """A question about one file is not a setting with a missing half."""
    file = {"--cert": "tls.crt", "--key": "tls.key", "--ca": "ca.crt"}[option]

    assert run(option, folder / file) == 0


@pytest.mark.parametrize(
    ("option", "file", "says"),
    [
        ("--cert", "tls.key", "holds a private key where a certificate is expected"),
        ("--ca", "tls.key", "holds a private key where a CA certificate is expected"),
        ("--key", "tls.crt", "holds a certificate where a private key is expected"),
    ],
)
def test_the_wrong_option_is_recognised(
    option: str, file: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the file is, is reported together with what it should be."""
    assert run(option, folder / file) == 1
    assert says in capsys.readouterr().out


def test_files_need_no_option(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three paths in any order are a certificate, its key and a CA."""
    assert run(folder / "ca.crt", folder / "tls.key", folder / "tls.crt", "--output", "json") == 0

    roles = {Path(file["path"]).name: file["role"] for file in document(capsys)["files"]}
    assert roles == {"tls.crt": "cert", "tls.key": "key", "ca.crt": "ca"}


def test_a_server_certificate_named_without_a_role_is_no_fault(folder: Path) -> None:
    """Nobody said that it is an exporter's; with --cert somebody did."""
    server = ROOT.issue("server", usages=["serverAuth"])
    (folder / "server.crt").write_bytes(server.pem)

    assert run(folder / "server.crt") == 0
    assert run("--cert", folder / "server.crt") == 1


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("localhost", 0),
        ("localhost:4317", 0),
        ("https://localhost:4318/v1/traces", 0),
        ("127.0.0.1", 0),
        ("::1", 1),
        ("[::1]:4317", 1),
        ("elsewhere.example.com", 1),
    ],
)
def test_the_endpoint_may_be_written_as_anywhere(endpoint: str, code: int, folder: Path) -> None:
    """A host, host:port or a URL: its host is the name that has to be covered."""
    (folder / "server.crt").write_bytes(ROOT.issue("server", usages=["serverAuth"]).pem)

    assert run("--cert", folder / "server.crt", "--endpoint", endpoint) == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "x.yml", "--cert", "x"],
        ["--config", "x.yml", "x"],
        ["--endpoint", "host"],
        ["--endpoint", "host", "--key", "x"],
        ["--endpoint", "", "--cert", "x"],
        ["--endpoint", "ftp://host", "--cert", "x"],
        ["--cert", ""],
        ["--nothing"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    """It is said before any file is opened."""
    with pytest.raises(click.UsageError):
        run(*arguments)


def test_nothing_named_and_nothing_set_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what to set, as validate does: nothing looked at is never well."""
    assert run() == 1
    assert "set OTEL_EXPORTER_OTLP_ENDPOINT" in capsys.readouterr().err


def test_the_environment_names_the_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An SDK's variables are read as the SDK in the same pod reads them."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", str(folder / "tls.crt"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", str(folder / "gone.key"))

    assert run("--output", "json") == 1

    seen = document(capsys)
    assert [fault["cause"] for fault in seen["faults"]] == ["client_file_missing"]
    assert seen["files"][0]["targets"] == ["sdk"]


def test_a_configurations_files_are_inspected_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each different set once, with the targets that use it; a missing half is a fault there."""
    tls = {"cert_file": str(folder / "tls.crt"), "key_file": str(folder / "tls.key")}
    targets = [
        {"name": "a", "endpoint": "https://a:4317", "tls": tls},
        {"name": "b", "endpoint": "https://b:4317", "tls": tls | {"server_name_override": "c"}},
        {"name": "c", "endpoint": "https://c:4317", "tls": {"cert_file": tls["cert_file"]}},
        {"name": "d", "endpoint": "https://d:4317"},
    ]
    config = configuration(folder, *targets)

    assert run("--config", config, "--output", "json") == 1

    seen = document(capsys)
    assert [file["targets"] for file in seen["files"]] == [["a", "b"], ["a", "b"], ["c"]]
    assert [(fault["cause"], fault["path"]) for fault in seen["faults"]] == [
        ("client_file_missing", "key_file")
    ]
    assert run("--config", config) == 1
    assert "key_file is not set" in capsys.readouterr().out


def test_a_large_bundle_is_short_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten certificates stand for themselves, JSON has them all."""
    key = new_key()
    bundle = b"".join(Authority.root(f"root {n}", key=key).pem for n in range(30))
    (folder / "ca.crt").write_bytes(bundle)

    assert run("--ca", folder / "ca.crt") == 0
    assert "and 20 more certificates: --output json" in capsys.readouterr().out
    assert run("--ca", folder / "ca.crt", "--output", "json") == 0
    assert len(document(capsys)["files"][0]["certificates"]) == 30


def test_a_report_may_be_empty_of_everything() -> None:
    """Dates beyond the calendar and names without text print and encode."""
    nobody = Name(text="", digest="")
    facts = CertificateFacts(
        subject=nobody, issuer=nobody, serial_number="", not_before=-1e18, not_after=1e18, sha256=""
    )
    fault = Finding(cause="client_file_missing", role="key", path="key_file", fact="gone")
    report = FileReport(path="x", role="cert", format="PEM", what="is PEM", certificates=(facts,))
    inspection = Inspection(at=0.0, files=(report,), faults=(fault,))
    stream = io.StringIO()

    print_inspection(inspection, stream)

    assert "(empty subject)" in stream.getvalue()
    assert "gone (client_file_missing)" in stream.getvalue()
    assert json.loads(encode_inspection(inspection))["files"][0]["certificates"][0]["days_left"] > 0
