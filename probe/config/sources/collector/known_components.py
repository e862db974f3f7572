"""What a Collector's components take, as the shipped table has it: types, keys, signals, release.

`make collector-schema` makes the table from the components themselves. It is read on first use.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

Node = dict[str, Any]
"""One kind of value: `k` is struct, list, map, opt, ptr, needs, text, str, bool, int, uint, float,
dur or any; the other keys are those that tools/collector_schema writes."""

_FILE: Final = Path(__file__).with_name("known_components.json")


@dataclass(frozen=True, slots=True)
class KnownComponent:
    """One type of component."""

    config: Node
    signals: tuple[str, ...]
    """`traces`, or `traces:metrics` of a connector; empty for an extension."""
    release: str
    """The release of the Collector that it was read from."""


@dataclass(frozen=True, slots=True)
class KnownCollector:
    """The whole table."""

    release: str
    components: dict[str, dict[str, KnownComponent]]
    """By section (`exporters`, …) and type."""
    telemetry: Node
    nodes: list[Node]

    def get(self, number: int) -> Node:
        """Return the node that another one names by its number."""
        return self.nodes[number]


@cache
def load_known_collector() -> KnownCollector:
    """Return the table that the package has."""
    raw = json.loads(_FILE.read_bytes())
    nodes: list[Node] = raw["nodes"]
    return KnownCollector(
        release=raw["release"],
        components={
            section: {
                name: KnownComponent(
                    nodes[about["config"]], tuple(about["signals"]), about["release"]
                )
                for name, about in types.items()
            }
            for section, types in raw["components"].items()
        },
        telemetry=nodes[raw["telemetry"]],
        nodes=nodes,
    )
