"""Targets of several sources become one list: two that are the same for the wire are one.

Pure. Across sources only, with every source named; the
exporters of one file never merge.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from probe.model.target import ADDRESSES, Target


def merge_targets(files: Iterable[Iterable[Target]]) -> list[Target]:
    """Return the targets of all `files`, in order; each file's come as one iterable.

    A target joins the first equal one of earlier files that none of its own file has joined. The
    earlier one's name, schedule, expectation and labels count; labels, remarks and notes that only
    the later one has are added.
    """
    files = [targets for file in files if (targets := list(file))]
    if len(files) < 2:
        return [target for file in files for target in file]
    together: list[Target] = []
    positions: dict[object, list[int]] = {}
    for file in files:
        free: dict[object, deque[int]] = {}
        added: list[tuple[object, int]] = []
        for target in file:
            wire = _identify(target)
            if wire not in free:
                free[wire] = deque(positions.get(wire, ()))
            if free[wire]:
                position = free[wire].popleft()
                together[position] = _merge_two(together[position], target)
            else:
                added.append((wire, len(together)))
                together.append(target)
        for wire, position in added:
            positions.setdefault(wire, []).append(position)
    return together


def _merge_two(first: Target, second: Target) -> Target:
    labels: Mapping[str, str] = {**dict(second.labels), **dict(first.labels)}
    return replace(
        first,
        addresses=max(first.addresses, second.addresses, key=ADDRESSES.index),
        sources=first.sources + second.sources,
        labels=tuple(labels.items()),
        remarks=tuple(dict.fromkeys(first.remarks + second.remarks)),
        notes=tuple(dict.fromkeys(first.notes + second.notes)),
        server_certificate_file=first.server_certificate_file or second.server_certificate_file,
    )


def _identify(target: Target) -> object:
    """Return everything of `target` that can be seen on the wire, or decides what is."""
    endpoint = target.endpoint
    path = "" if target.protocol == "grpc" else endpoint.path or f"/v1/{target.signal}"
    return (
        endpoint.authority.lower(),
        path,
        target.protocol,
        target.signal,
        target.plaintext,
        target.exporter,
        replace(target.tls, insecure=False),
        frozenset((name.lower(), value) for name, value in target.headers),
        target.proxy_url,
        # Another process has other files, another network, or may have other rights one day.
        target.runs_in,
        # The backend's own side is judged by more than what an exporter there is.
        target.receiver,
        # One that cannot be tried is never the same as one that can: its fault would be lost.
        target.faults,
    )


_SHARED: Final = ("tls", "headers", "sources", "interval", "timeout")
"""What many targets of one configuration have in common, apart from labels."""


def share_settings(targets: Iterable[Target]) -> Iterator[Target]:
    """Let settings that are equal be in memory once, and yield the same `targets`.

    Nobody else has them yet, so they are changed in place: a copy would make labels of its own again.
    """
    known: dict[tuple[str, object], Any] = {}
    for target in targets:
        labels = tuple(known.setdefault(("label", each), each) for each in target.labels)
        object.__setattr__(target, "labels", known.setdefault(("labels", labels), labels))
        for name in _SHARED:
            value = getattr(target, name)
            object.__setattr__(target, name, known.setdefault((name, value), value))
        yield target


_ORDINAL: Final = re.compile(r".*-(0|[1-9][0-9]{0,8})")
_MULTIPLIER: Final = 2862933555777941757
_WORD: Final = (1 << 64) - 1


def is_in_shard(name: str, index: int, count: int) -> bool:
    """Return whether the target `name` belongs to shard `index` of `count`.

    Each name belongs to exactly one shard. From n to n + 1 shards one name in n + 1 moves, always
    to the new shard; nothing moves between the others.

    Raises:
        ValueError: where `index` is not from 0 to `count` - 1.
    """
    if not 0 <= index < count:
        raise ValueError(f"shard {index} is not one of {count}")
    return choose_shard(name, count) == index


def choose_shard(name: str, count: int) -> int:
    """Return the shard of `count` that the target `name` belongs to.

    Jump consistent hashing (Lamping and Veach, arXiv:1406.2294) over BLAKE2b, which is the same in
    every process; Python's own hash of a text is not.
    """
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    key = int.from_bytes(digest, "big")
    shard, candidate = 0, 0
    while candidate < count:
        shard = candidate
        key = (key * _MULTIPLIER + 1) & _WORD
        candidate = int((shard + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return shard


def parse_ordinal(hostname: str) -> int:
    """Return the ordinal of a StatefulSet's pod from its name: `mtls-probe-2` is 2.

    Only the first label counts of a name with dots.

    Raises:
        ValueError: where the name does not end in a dash and an ordinal.
    """
    found = _ORDINAL.fullmatch(hostname.partition(".")[0])
    if found is None:
        raise ValueError(f"{hostname!r} does not end in an ordinal, as mtls-probe-2 does")
    return int(found[1])


def assign_names(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Give host:port to each target without a name, and `#2` and so on where one is taken.

    Names that are given count first, wherever they stand.
    """
    targets = tuple(targets)
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names: list[str] = []
    given = {target.name for target in targets if target.name}
    for target in targets:
        name = target.name
        if not name or name in taken:
            base = name = name or str(target.endpoint)
            while name in taken or name in given:
                counts[base] = counts.get(base, 1) + 1
                name = f"{base}#{counts[base]}"
        taken.add(name)
        names.append(name)
    return tuple(
        target if target.name == name else replace(target, name=name)
        for target, name in zip(targets, names, strict=True)
    )
