"""Runs of `mtls-probe inspect` in this process, and files to show it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from probe.cli.inspect_command import inspect as command
from tests.support.pki import Authority

ROOT: Final = Authority.root("root")
INTERMEDIATE: Final = ROOT.intermediate("intermediate")
LEAF: Final = INTERMEDIATE.issue("client")


def good_files(folder: Path) -> Path:
    """Write an exporter's good files into `folder`; return it."""
    (folder / "tls.crt").write_bytes(INTERMEDIATE.chain_pem(LEAF))
    (folder / "tls.key").write_bytes(LEAF.key_pem)
    (folder / "ca.crt").write_bytes(ROOT.pem)
    return folder


def run(*arguments: object) -> int:
    """Run the command in this process; return its exit code."""
    code = command.main([str(one) for one in arguments], standalone_mode=False)
    assert isinstance(code, int)
    return code


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what was printed, read as JSON."""
    return json.loads(capsys.readouterr().out)
