"""The graph that a Collector builds of its pipelines: connectors have two ends, and nothing goes round.

Pure. Follows service's `graph.Build` (v0.162.0).
"""

from collections.abc import Iterator, Mapping, Sequence

from probe.config.sources.collector.merge import component_type

Pipelines = Mapping[str, Mapping[str, Sequence[str]]]
"""By id of a pipeline: the ids of its receivers, processors and exporters."""
Refusal = tuple[str, str, str, str]
"""`connectors` or `pipelines`, the id there, what is wrong, and the Collector's words."""


def judge_graph(
    pipelines: Pipelines, connectors: Mapping[str, Sequence[str] | None]
) -> Iterator[Refusal]:
    """Yield what is wrong with the graph.

    Args:
        pipelines: All of them.
        connectors: By id the pairs of signals that each serves, like `traces:metrics`; None where
            they are not known.
    """
    edges: dict[str, set[str]] = {name: set() for name in pipelines}
    for connector, signals in connectors.items():
        into = [name for name, held in pipelines.items() if connector in held["exporters"]]
        out_of = [name for name, held in pipelines.items() if connector in held["receivers"]]
        if bool(into) != bool(out_of):
            used, missing = ("exporter", "receiver") if into else ("receiver", "exporter")
            reason = f"is used as {used} of a pipeline, and as {missing} of none"
            words = f"connector is used as {used} but not used in any supported {missing} pipeline"
            yield "connectors", connector, reason, words
            continue
        for first in into:
            for second in out_of:
                pair = f"{component_type(first)}:{component_type(second)}"
                if signals is None or pair in signals:
                    edges[first].add(second)
        if signals is not None:
            lonely = [name for name in into if not edges[name].intersection(out_of)]
            lonely += [name for name in out_of if not any(name in edges[other] for other in into)]
            for name in lonely[:1]:
                reason = f"connects {name} with no pipeline of a signal that it can serve"
                words = (
                    "connector is used in a pipeline but not in any supported one on its other side"
                )
                yield "connectors", connector, reason, words
    if cycle := _find_cycle(edges):
        yield "pipelines", cycle, "is in a circle of pipelines", "cycle detected"


def _find_cycle(edges: Mapping[str, set[str]]) -> str | None:
    """Return a pipeline that leads to itself, or None."""
    done: set[str] = set()
    for start in edges:
        seen: set[str] = set()
        waiting = list(edges[start])
        while waiting and start not in done:
            name = waiting.pop()
            if name == start:
                return start
            if name not in seen:
                seen.add(name)
                waiting += edges.get(name, ())
        done.add(start)
    return None
