"""The versions that are shown are those of the exporters that were measured."""

import json
import re
from pathlib import Path

from probe.exporters.measured import MEASURED
from tests.support.every_row import every_row

FOLDER = Path(__file__).parents[2] / "lab" / "exporters" / "measured"
VERSIONS = {
    runtime: measured["versions"]
    for name in ("offers", "files")
    for runtime, measured in json.loads((FOLDER / f"{name}.json").read_text()).items()
}


@every_row(runtime=sorted(MEASURED))
def test_each_version_was_measured(runtime: str) -> None:
    """A run with newer exporters changes the versions here too."""
    shown = set(re.findall(r"\d+\.\d+\.\d+", MEASURED[runtime]))
    seen = set(re.findall(r"\d+\.\d+\.\d+", " ".join(VERSIONS[runtime].values())))

    assert shown
    assert shown <= seen
