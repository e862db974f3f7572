"""`mtls-probe inspect` as its users type it: exit codes, the JSON contract, and no key anywhere."""

import base64
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.commands.inspect import inspect as command
from probe.credential_facts import CertificateFacts, CredentialFault, Name
from probe.demo.pki import Authority, new_key
from probe.inspection.inspection import inspect as look
from probe.inspection.inspection import sets_of
from probe.inspection.report import FileReport, Inspection
from probe.outputs.file_report import files_document, print_files
from probe.sources.error import ConfigurationError
from tests.unit.command_line import configuration

ROOT: Final = Authority.root("root")
INTERMEDIATE: Final = ROOT.intermediate("intermediate")
LEAF: Final = INTERMEDIATE.issue("client")
FILE_KEYS: Final = (
    "path role format what blocks certificates keys facts faults remarks targets".split()
)
BODY: Final = 16
"""Characters of base64 that, of a key, may stand nowhere."""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with an exporter's good files."""
    (tmp_path / "tls.crt").write_bytes(INTERMEDIATE.chain_pem(LEAF))
    (tmp_path / "tls.key").write_bytes(LEAF.key_pem)
    (tmp_path / "ca.crt").write_bytes(ROOT.pem)
    return tmp_path


def run(*arguments: object) -> int:
    """Run the command in this process; return its exit code."""
    code = command.main([str(one) for one in arguments], standalone_mode=False)
    assert isinstance(code, int)
    return code


def options(folder: Path) -> list[object]:
    """Return the options that name the good files."""
    return ["--cert", folder / "tls.crt", "--key", folder / "tls.key", "--ca", folder / "ca.crt"]


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what was printed, read as JSON."""
    return json.loads(capsys.readouterr().out)


def test_good_files_are_0_with_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Schema, files and faults as interfaces.md has them, each certificate in its file."""
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
        f"openssl x509 -inform DER -in {folder}/tls.crt -out {folder}/tls.crt.pem"
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
    assert "fix:  renew the certificate" in shown.out
    assert shown.err == "1 file, 1 fault\n"


@pytest.mark.parametrize("option", ["--cert", "--key", "--ca"])
def test_each_option_may_stand_alone(option: str, folder: Path) -> None:
    """A question about one file is no setting with a missing half."""
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
    """What the file is, is told together with what it should have been."""
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


def test_nothing_named_and_nothing_set_is_a_configuration_error() -> None:
    """It says what to set, as validate does."""
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        run()


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


def test_what_is_no_file_ends_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A FIFO, a folder, a device without an end, a huge file and nothing at all: faults, no wait."""
    os.mkfifo(folder / "fifo")
    with (folder / "huge").open("wb") as file:
        file.truncate(10**10)
    strange = [folder / "fifo", folder, "/dev/zero", folder / "huge", folder / "nothing"]

    assert run(*strange, "--output", "json") == 1

    seen = document(capsys)
    assert [file["format"] for file in seen["files"]] == ["unreadable"] * len(strange)
    assert len(seen["faults"]) == len(strange)


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


def test_hostile_text_does_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes, markup and line breaks in names and paths are shown, not obeyed."""
    hostile = ROOT.issue("a\x1b]0;owned\x07[red]b\nfault: none", sans=[])
    path = folder / "a\x1b[31m[bold]\n.crt"
    path.write_bytes(hostile.pem)

    run(path)

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"a\x1b]0\;owned\x07[red]b\x0afault: none" in shown
    assert r"a\x1b[31m[bold]\x0a.crt" in shown


def test_a_report_may_be_empty_of_everything() -> None:
    """Dates beyond the calendar and names without text print and encode."""
    nobody = Name(text="", digest="")
    facts = CertificateFacts(
        subject=nobody, issuer=nobody, serial_number="", not_before=-1e18, not_after=1e18, sha256=""
    )
    fault = CredentialFault(cause="client_file_missing", role="key", path="key_file", fact="gone")
    report = FileReport(path="x", role="cert", format="PEM", what="is PEM", certificates=(facts,))
    inspection = Inspection(at=0.0, files=(report,), faults=(fault,))
    stream = io.StringIO()

    print_files(inspection, stream)

    assert "(empty subject)" in stream.getvalue()
    assert "gone (client_file_missing)" in stream.getvalue()
    assert json.loads(files_document(inspection))["files"][0]["certificates"][0]["days_left"] > 0


KEYS: Final = [
    key.private_bytes(encoding, form, encryption)
    for key in (new_key("ec"), new_key("rsa2048"))
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    for encoding in (Encoding.PEM, Encoding.DER)
    for encryption in (NoEncryption(), BestAvailableEncryption(b"x"))
    if not (
        form is PrivateFormat.TraditionalOpenSSL
        and encoding is Encoding.DER
        and not isinstance(encryption, NoEncryption)
    )
]


def bodies(raw: bytes) -> list[str]:
    """Return the base64 of a key file, as it stands in PEM or would."""
    if raw.startswith(b"-----"):
        lines = [
            line for line in raw.split(b"\n") if line and b"-" not in line and b":" not in line
        ]
        return [b"".join(lines).decode()]
    return [base64.b64encode(raw[skipped:]).decode() for skipped in range(3)]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=st.sampled_from(KEYS),
    before=st.sampled_from([b"", LEAF.pem, b"\xef\xbb\xbf", b"  ", b'{"a": "']),
    edits=st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 255)), max_size=3),
    kept=st.integers(0, 2000),
    wrap=st.sampled_from([bytes, base64.b64encode, lambda raw: raw.replace(b"\n", b"\\n")]),
)  # fmt: skip
def test_no_key_is_ever_printed(
    raw: bytes, before: bytes, edits: list[tuple[int, int]], kept: int, wrap: Any, tmp_path: Path
) -> None:
    """However a key file is damaged or wrapped, 16 characters of it stand nowhere."""
    mutated = bytearray(raw)
    for at, value in edits:
        if at < len(mutated):
            mutated[at] = value
    path = tmp_path / "k"
    path.write_bytes(before + wrap(bytes(mutated[:kept])))

    shown = everything_of(path)

    for body in bodies(raw):
        assert not any(body[at : at + BODY] in shown for at in range(len(body) - BODY))


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=st.binary(max_size=300)
    | st.text(alphabet='-BEGIN CRTFAD\n=:ek\\{"}', max_size=300).map(str.encode)
    | st.builds(
        lambda whole, at, tail: whole[:at] + tail,
        st.sampled_from([LEAF.pem, LEAF.certificate.public_bytes(Encoding.DER), *KEYS]),
        st.integers(0, 1200),
        st.binary(max_size=40),
    )
)  # fmt: skip
def test_any_bytes_end_without_an_exception(raw: bytes, tmp_path: Path) -> None:
    """Whatever a file holds and whatever it is named as, it is told in safe lines."""
    path = tmp_path / "k"
    path.write_bytes(raw)

    shown = everything_of(path)

    assert all(char.isprintable() or char == "\n" for char in shown)


def everything_of(path: Path) -> str:
    """Return all that inspect prints of `path`, named as each role and as none, in both forms."""
    from probe.inspection.inspection import FileSet
    from probe.target import TlsSettings

    name = str(path)
    sets = [
        *sets_of([name]),
        *(
            FileSet(tls=TlsSettings(**{setting: name}))
            for setting in ("cert_file", "key_file", "ca_file")
        ),
    ]
    inspection = look(sets, 1.8e9, "host")
    stream = io.StringIO()
    print_files(inspection, stream)
    return stream.getvalue() + files_document(inspection).decode()
