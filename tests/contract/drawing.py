"""Draws which room imports which, as the Mermaid diagram of docs/architecture.md.

`python -m tests.contract.drawing` writes it. An arrow that follows from others is left out.
"""

import re
from typing import Final

from tests.contract.imports import MODULES, ROOT

GROUPS: Final = {
    "Entry": ("cli", "demo", "service"),
    "Outputs": ("alerting", "log", "metrics", "report", "schemas", "telemetry", "web"),
    "What is known, and why": (
        "changes",
        "comparison",
        "diagnosis",
        "forecast",
        "inspection",
        "ledger",
        "messages",
    ),
    "One attempt": ("attempt", "clock", "otlp", "tls"),
    "Configuration and files": ("config", "credentials", "surroundings"),
    "What all rooms share": ("exporters", "model", "system", "text", "x509"),
    "Backends, for exporters and for the demo": ("backend",),
}
CORE: Final = {
    ("service", room) for room in ("attempt", "config", "diagnosis", "ledger", "metrics")
}
"""Arrows that are drawn though others say them: the line on which data goes."""

PAGE: Final = ROOT / "docs" / "architecture.md"
BLOCK: Final = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)


def imports_of_rooms() -> dict[str, set[str]]:
    """Return for each room the rooms that its modules import."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        if not module.room.startswith("__"):
            graph.setdefault(module.room, set()).update(module.rooms_imported)
    return graph


def reached_from(room: str, graph: dict[str, set[str]]) -> set[str]:
    """Return every room that `room` imports by one or more steps."""
    reached: set[str] = set()
    waiting = list(graph[room])
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting.extend(graph[each])
    return reached


def reduce(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return `graph`, which has no cycle, without the arrows that follow from others."""
    return {
        room: {
            each
            for each in below
            if not any(each in reached_from(other, graph) for other in below - {each})
        }
        for room, below in graph.items()
    }


def draw() -> str:
    """Return the diagram as a Markdown block."""
    graph = imports_of_rooms()
    arrows = {(room, below) for room, rooms in reduce(graph).items() for below in rooms}
    arrows |= {(room, below) for room, below in CORE if below in graph[room]}
    lines = []
    for number, (title, rooms) in enumerate(GROUPS.items()):
        lines += [f'    subgraph g{number} ["{title}"]', f"        {' & '.join(rooms)}", "    end"]
    lines += [f"    {room} --> {below}" for room, below in sorted(arrows)]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(draw(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
