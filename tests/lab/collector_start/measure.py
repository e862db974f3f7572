"""Lets a real Collector validate every generated configuration, and writes down what it says.

`python -m tests.lab.collector_start.measure` writes `measured.json`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.lab.collector_build import collector_binary
from tests.lab.collector_start.configurations import ENVIRONMENT, generate

MANIFEST: Final = Path(__file__).parents[1] / "collector" / "wide.yaml"
MEASURED: Final = Path(__file__).with_name("measured.json")
_LONGEST: Final = 120


def validate(otelcol: Path, text: str, folder: Path) -> str:
    """Return what the Collector says against `text`; empty where it takes it."""
    file = folder / "c.yaml"
    file.write_text(text, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT}
    done = subprocess.run(
        [str(otelcol), "validate", f"--config={file}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return ""
    said = done.stderr.partition("Error: ")[2] or done.stderr
    return " ".join(said.replace(str(folder), "").split())[:_LONGEST] or "refused"


def measure(texts: Mapping[str, str]) -> dict[str, str]:
    """Return what the Collector says against each of `texts`."""
    otelcol = collector_binary(MANIFEST)
    with tempfile.TemporaryDirectory() as folder:
        return {name: validate(otelcol, text, Path(folder)) for name, text in texts.items()}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = measure(generate(count))
    MEASURED.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
