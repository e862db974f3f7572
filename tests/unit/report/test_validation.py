"""`validate` says what a configuration gives, for people and for programs, without a secret."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from probe.model.finding import Finding
from probe.model.target import Endpoint, Secret, Source, Target
from probe.report.validation import build_validation, encode_validation, print_validation
from tests.support.command_line import configuration, run_probe

ESCAPE = "\x1b[31m"
TARGET = Target(
    name=f"t{ESCAPE}",
    endpoint=Endpoint("c", 4318, "/v1/traces?token=s3cret", "http"),
    protocol="http/protobuf",
    headers=(("authorization", Secret("s3cret")),),
    proxy_url=Secret("http://u:s3cret@p:1"),
    sources=(Source("collector", "/a.yaml, /b.yaml"), Source("sdk", "environment")),
    remarks=(Finding(cause="exporter_setting_ignored", fact="a trap", fix=("step",)),),
    notes=("a choice",),
)
FAULT = Finding(
    cause="client_file_missing", role="cert", path="/x", fact=f"gone{ESCAPE}", fix=("put it there",)
)
FOUND = build_validation([TARGET], [(TARGET, FAULT)], [f"careful{ESCAPE}"])


def test_the_document_holds_what_is_right_and_what_is_wrong() -> None:
    """Each target with where it came from, then warnings, findings of settings, and faults."""
    assert json.loads(encode_validation(FOUND)) == {
        "schema": "mtls-probe/1",
        "targets": [
            {
                "name": "t\\x1b[31m",
                "endpoint": "c:4318",
                "protocol": "http/protobuf",
                "signal": "traces",
                "depth": "otlp",
                "exporter": "collector",
                "plaintext": True,
                "expect_cause": None,
                "expect_until": None,
                "expect_requested": False,
                "sources": [
                    {"kind": "collector", "where": "/a.yaml, /b.yaml"},
                    {"kind": "sdk", "where": "environment"},
                ],
                "facts": ["a choice"],
            }
        ],
        "sources": [],
        "nothing_to_probe": None,
        "warnings": ["careful\\x1b[31m"],
        "findings": [
            {
                "target": "t\\x1b[31m",
                "cause": "exporter_setting_ignored",
                "fact": "a trap",
                "fix": ["step"],
            }
        ],
        "faults": [
            {
                "target": "t\\x1b[31m",
                "cause": "client_file_missing",
                "fact": "gone\\x1b[31m",
                "fix": ["put it there"],
            }
        ],
    }


def test_the_table_says_the_same_to_people() -> None:
    """Nothing in it is obeyed by a terminal or read as markup, and no secret is in it."""
    stream = io.StringIO()
    print_validation(FOUND, stream)
    text = stream.getvalue()
    for part in ("http/protobuf in plaintext", "collector /a.yaml, /b.yaml, sdk environment"):
        assert part in text
    assert "fault: t\\x1b[31m: gone\\x1b[31m (client_file_missing)\n  fix: put it there" in text
    assert "note: t\\x1b[31m: a trap (exporter_setting_ignored)\n  fix: step" in text
    assert "\x1b" not in text
    assert "s3cret" not in text + encode_validation(FOUND).decode()


def entries(folder: Path, **tls: Any) -> list[dict[str, Any]]:
    """Return the targets of a configuration: one, with these settings."""
    return [{"endpoint": "c:4317", "name": "t", "tls": tls, "server_cert_file": f"{folder}/none"}]


@pytest.mark.slow
async def test_json_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Exit 1, stdout one document; what is said on stderr is in it too."""
    config = configuration(tmp_path, *entries(tmp_path, ca_file=f"{tmp_path}/ca.crt"))
    ended = await run_probe("validate", "--config", config, "--output", "json")
    assert ended.code == 1
    (fault,) = ended.document["faults"]
    assert (fault["target"], fault["cause"]) == ("t", "server_ca_file_missing")
    (warning,) = ended.document["warnings"]
    assert warning.startswith(f"t: server_cert_file: {tmp_path}/none does not exist")
    assert f"warning: {warning}\n" in ended.err


@pytest.mark.slow
async def test_json_of_what_is_right(tmp_path: Path) -> None:
    """Exit 0: a finding about the settings is not a fault."""
    target = {"endpoint": "https://c:4317", "tls": {"insecure": True}}
    config = configuration(tmp_path, target)
    ended = await run_probe("validate", "--config", config, "--output", "json")
    assert (ended.code, ended.document["faults"]) == (0, [])
    assert [one["cause"] for one in ended.document["findings"]] == ["exporter_setting_ignored"]
    assert [one["name"] for one in ended.document["targets"]] == ["c:4317"]


@pytest.mark.slow
async def test_an_error_of_the_configuration_is_no_document(tmp_path: Path) -> None:
    """Exit 2, nothing on stdout; every bad target is named on stderr."""
    config = configuration(tmp_path, {"endpoint": "a"}, {"endpoint": "b:1", "depth": "x"})
    ended = await run_probe("validate", "--config", config, "--output", "json")
    assert (ended.code, ended.out) == (2, "")
    assert "targets[0].endpoint" in ended.err
    assert "targets[1].depth" in ended.err
