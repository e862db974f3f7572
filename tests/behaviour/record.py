"""Recorded behaviour: what users and their tools rely on.

Change it deliberately, with `make record`, or `make record ONLY="checks web"`: it runs the product,
and writes what the product does into `recorded/`. `test_behaviour.py` compares.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.behaviour.checks import checks, demo, evidence
from tests.behaviour.commands import commands, documents
from tests.behaviour.configuration import configuration
from tests.behaviour.normal import Json
from tests.behaviour.rules import rules
from tests.behaviour.scene import Scene, scene
from tests.behaviour.sources import sources
from tests.behaviour.telemetry import traces
from tests.behaviour.web import guarded, metrics, probe, web
from tests.behaviour.writing import written

RECORDED: Final = Path(__file__).with_name("recorded")
RECORDINGS: Final[Mapping[str, Callable[[Scene], Json]]] = MappingProxyType(
    {
        "demo": demo,
        "checks": checks,
        "evidence": evidence,
        "metrics": metrics,
        "web": web,
        "web_guarded": guarded,
        "probe": probe,
        "traces": traces,
        "sources": sources,
        "configuration": configuration,
        "commands": commands,
        "documents": documents,
        "rules": rules,
    }
)
"""The function that makes each recording, by the name of its file."""


def recorded(name: str) -> Json:
    """Return the recorded behaviour."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def found(name: str, of: Scene) -> Json:
    """Return the present behaviour in the recording's format."""
    return json.loads(json.dumps(RECORDINGS[name](of)))


def main(names: Sequence[str]) -> None:
    """Write the recordings in `names`, or all."""
    RECORDED.mkdir(exist_ok=True)
    with scene() as shown:
        for name in names or RECORDINGS:
            start = time.monotonic()
            text = written(found(name, shown))
            (RECORDED / f"{name}.json").write_text(text, encoding="utf-8")
            took = time.monotonic() - start
            print(f"{name}: {text.count(chr(10))} lines, {took:.1f} s")  # noqa: T201  (a tool)


if __name__ == "__main__":
    main(sys.argv[1:])
