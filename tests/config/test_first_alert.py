"""The way to a first alert in docs/monitoring.md, typed as it is printed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

PAGE: Final = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
SECTION: Final = PAGE.partition("**From the beginning**")[2].partition("**An SLI.**")[0]
MAKING, CHECKING = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
PROMETHEUS, RECEIVERS = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)


def test_the_files_are_valid_and_the_alert_has_a_receiver(tmp_path: Path) -> None:
    """Rules, scrape configuration and the shipped routes with a receiver: both tools take them."""
    for tool in ("promtool", "amtool"):
        if shutil.which(tool) is None:
            missing(f"not installed: {tool}")
    shutil.copytree(ROOT / "config" / "alertmanager", tmp_path / "config" / "alertmanager")
    target = "targets: [{endpoint: 'https://collector.example.com:4317'}]\n"
    (tmp_path / "mtls-probe.yml").write_text(target, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def type_block(block: str) -> str:
        ended = subprocess.run(
            ["sh", "-euc", block],
            cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    type_block(MAKING)
    routes = tmp_path / "alerts" / "alertmanager.yml"
    kept, found, _ = routes.read_text(encoding="utf-8").partition("templates:")
    assert found
    routes.write_text(kept + RECEIVERS, encoding="utf-8")
    (tmp_path / "alerts" / "prometheus.yml").write_text(PROMETHEUS, encoding="utf-8")
    said = type_block(CHECKING)
    assert "1 templates" in said
    assert re.search(r"^nobody$", said, re.MULTILINE)
    assert re.search(r"SUCCESS: \d+ rules found", said)
