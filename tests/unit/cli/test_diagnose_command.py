"""`mtls-probe diagnose` and `check --evidence`: what was seen, kept, and judged again later."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.evidence import Evidence, from_json, to_json
from probe.model.target import TlsSettings
from probe.report.result import name_evidence_file, write_evidence
from tests.contract.test_recorded_evidence import FOLDER
from tests.support.backends import Backend
from tests.support.command_line import command, configuration, entry, run_commands, run_probe
from tests.support.loopback_client import OTHER_CA, SERVER_CA, Start
from tests.support.pki import write_pem

pytestmark = pytest.mark.slow

STRANGER = OTHER_CA.issue("stranger")
REFUSED = FOLDER / "client_ca_untrusted--asked_again.json"
CONFIRMED = FOLDER / "exporter_not_reloading--both_files.json"


@pytest.fixture
async def backend(start: Start) -> Backend:
    """A healthy backend whose name is none for a file."""
    return await start(name="eu/west: 1")


async def test_what_check_wrote_diagnose_reads(backend: Backend, tmp_path: Path) -> None:
    """The same cause, facts and fix come out, and no header value and no key are in the file."""
    tls = TlsSettings(
        ca_file=str(write_pem(tmp_path, "ca.crt", SERVER_CA.pem)),
        cert_file=str(write_pem(tmp_path, "tls.crt", STRANGER.pem)),
        key_file=str(write_pem(tmp_path, "tls.key", STRANGER.key_pem)),
    )
    headers = {"authorization": "Bearer s3cr3t-t0ken"}
    written = configuration(tmp_path, entry(backend, tls, headers=headers))
    folder = tmp_path / "evidence" / "of today"
    checked = await run_probe(
        "check", "--config", written, "--evidence", folder, "--output", "json"
    )
    (file,) = folder.iterdir()
    again = await run_probe("diagnose", file, "--output", "json")
    assert (checked.code, again.code) == (1, 1)
    assert again.document["results"] == checked.document["results"]
    kept = file.read_text(encoding="utf-8")
    assert "s3cr3t" not in kept
    key_body = STRANGER.key_pem.decode().splitlines()[1]
    assert key_body[:16] not in kept
    assert file.name.startswith("eu-west-1-")


async def test_since_says_what_changed(backend: Backend, tmp_path: Path) -> None:
    """A file that was swapped since is named, in the table and in JSON; without one, nothing is."""
    good = SERVER_CA.issue("unused")
    write_pem(tmp_path, "ca.crt", SERVER_CA.pem)
    write_pem(tmp_path, "tls.crt", STRANGER.pem)
    write_pem(tmp_path, "tls.key", STRANGER.key_pem)
    tls = TlsSettings(
        ca_file=str(tmp_path / "ca.crt"),
        cert_file=str(tmp_path / "tls.crt"),
        key_file=str(tmp_path / "tls.key"),
    )
    written = configuration(tmp_path, entry(backend, tls))
    folder = tmp_path / "before"
    since = ("check", "--config", written, "--since", folder)
    await run_probe("check", "--config", written, "--evidence", folder)
    same = await run_probe(*since, "--output", "json")
    assert same.document["results"][0]["changed"] == []
    write_pem(tmp_path, "tls.crt", good.pem)
    write_pem(tmp_path, "tls.key", good.key_pem)
    other = await run_probe(*since, "--output", "json")
    assert [one["what"] for one in other.document["results"][0]["changed"]] == [
        "client_certificate"
    ]
    shown = await run_probe(*since)
    assert "what changed" in shown.out
    assert "the exporter's certificate: was" in " ".join(shown.out.split())


@pytest.mark.parametrize("content", ["", "{}", "not evidence"])
async def test_since_needs_evidence(tmp_path: Path, content: str) -> None:
    """What is not evidence is named, before anything is tried."""
    file = tmp_path / "no.json"
    file.write_text(content, encoding="utf-8")
    ended = await run_probe("check", "localhost:1", "--since", file)
    assert ended.code == 2
    assert "no.json" in ended.err


async def test_diagnose_takes_files_lines_and_stdin(tmp_path: Path) -> None:
    """A pretty file, JSON lines, and `-`; as many as there are results."""
    lines = tmp_path / "all.jsonl"
    compact = [to_json(from_json(path.read_bytes())) for path in (REFUSED, CONFIRMED)]
    lines.write_bytes(b"\n".join(compact) + b"\n")
    file, several, stdin = await run_commands(
        command("diagnose", REFUSED, "--output", "json"),
        command("diagnose", lines, CONFIRMED, "--output", "jsonl"),
        command("diagnose", "-", "--output", "json", stdin=CONFIRMED.read_bytes()),
    )
    assert [one["cause"] for one in file.document["results"]] == ["client_ca_untrusted"]
    outcomes = [json.loads(line)["outcome"] for line in several.out.splitlines()]
    assert outcomes == ["failed", "confirmed", "confirmed"]
    assert [file.code, several.code, stdin.code] == [1, 1, 0]


async def test_diagnose_prints_the_story() -> None:
    """A table and the fix, as check does."""
    ended = await run_probe("diagnose", REFUSED)
    assert "client_ca_untrusted" in ended.out
    assert "\n  fix  " in ended.out


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"schema":"mtls-probe/1","results":[]}', b"\xff\xfe", b"\x1b[31m{"]
)
async def test_what_is_no_evidence_is_2_and_says_where(tmp_path: Path, content: bytes) -> None:
    """A result is not evidence; nothing of the file reaches the terminal raw."""
    path = tmp_path / "results.json"
    path.write_bytes(content)
    ended = await run_probe("diagnose", path)
    assert ended.code == 2
    assert "results.json: not an evidence file (mtls-probe-evidence/1)" in ended.err
    assert "\x1b" not in ended.err


async def test_a_bad_line_is_named_by_its_number(tmp_path: Path) -> None:
    """In JSON lines a reader must find the one that is wrong."""
    path = tmp_path / "all.jsonl"
    path.write_bytes(to_json(from_json(REFUSED.read_bytes())) + b'\n\n{"at":1}\n')
    ended = await run_probe("diagnose", path)
    assert ended.code == 2
    assert "line 3" in ended.err


@given(st.lists(st.text(max_size=60), unique=True, max_size=8))
@settings(max_examples=100)
def test_every_target_gets_a_file_of_its_own(names: list[str]) -> None:
    """Whatever targets are called, their files stay in the folder and do not collide."""
    files = [name_evidence_file(name) for name in names]
    assert len(set(files)) == len(files)
    for file in files:
        assert file.removesuffix(".json").strip(".")
        assert not set(file) & set('/\\\0\n:*?"<>|')
        assert len(file) <= 120


def test_a_plain_name_is_kept(tmp_path: Path) -> None:
    """People look for the target's name."""
    evidence: Evidence = from_json(REFUSED.read_bytes())
    (path,) = write_evidence(tmp_path / "new", [evidence])
    assert path.name == "collector-eu.json"
    assert from_json(path.read_bytes()) == evidence
