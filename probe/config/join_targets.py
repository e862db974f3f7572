"""Targets of several sources become one list: two that are the same for the wire are one.

Pure. interfaces.md, section 2, "Targets": across sources only, with every source named; the
exporters of one file never merge.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from probe.model.target import Target


def joined(files: Iterable[Iterable[Target]]) -> list[Target]:
    """Return the targets of all `files`, in order; each file's come as one iterable.

    A target joins the first equal one of earlier files that none of its own file has joined. The
    earlier one's name, schedule, expectation and labels count; labels, remarks and notes that only
    the later one has are added.
    """
    together: list[Target] = []
    positions: dict[object, list[int]] = {}
    for file in files:
        free: dict[object, deque[int]] = {}
        added: list[tuple[object, int]] = []
        for target in file:
            wire = _wire(target)
            if wire not in free:
                free[wire] = deque(positions.get(wire, ()))
            if free[wire]:
                position = free[wire].popleft()
                together[position] = _both(together[position], target)
            else:
                added.append((wire, len(together)))
                together.append(target)
        for wire, position in added:
            positions.setdefault(wire, []).append(position)
    return together


def _both(first: Target, second: Target) -> Target:
    labels: Mapping[str, str] = {**dict(second.labels), **dict(first.labels)}
    return replace(
        first,
        sources=first.sources + second.sources,
        labels=tuple(labels.items()),
        remarks=tuple(dict.fromkeys(first.remarks + second.remarks)),
        notes=tuple(dict.fromkeys(first.notes + second.notes)),
        server_certificate_file=first.server_certificate_file or second.server_certificate_file,
    )


def _wire(target: Target) -> object:
    """Return everything of `target` that can be seen on the wire, or decides what is."""
    endpoint = target.endpoint
    path = "" if target.protocol == "grpc" else endpoint.path or f"/v1/{target.signal}"
    return (
        endpoint.authority.lower(),
        path,
        target.protocol,
        target.signal,
        target.plaintext,
        replace(target.tls, insecure=False),
        frozenset((name.lower(), value) for name, value in target.headers),
        target.proxy_url,
        # One that cannot be tried is never the same as one that can: its fault would be lost.
        target.faults,
    )
