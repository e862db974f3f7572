"""Files of config/ that are made from the code are as the code is: `make references` writes them."""

import json
import subprocess
import sys

import pytest

from probe.schemas.configuration_schema import build_configuration_schema
from tests.contract.imports import ROOT
from tools.shared_files import SHARE

CONFIG = ROOT / "config"


@pytest.mark.slow
def test_completions_and_manual_page_are_current() -> None:
    """What the wheel installs below share/ is of this command line, and nothing else lies there."""
    held = {
        path.relative_to(SHARE).as_posix(): path.read_text(encoding="utf-8")
        for path in SHARE.rglob("*")
        if path.is_file()
    }
    # click keeps what another test has asked of a command: a process of its own knows nothing.
    print_all = "import json, tools.shared_files as s; print(json.dumps(s.render_all()))"
    rendered = subprocess.check_output([sys.executable, "-c", print_all], cwd=ROOT)
    assert held == json.loads(rendered)


def test_the_schema_next_to_the_example_is_current() -> None:
    """An editor that opens the example finds it by the first line, and knows every key."""
    held = CONFIG / "mtls-probe.schema.json"
    assert json.loads(held.read_text(encoding="utf-8")) == build_configuration_schema()
    first = (CONFIG / "mtls-probe.yml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={held.name}"
