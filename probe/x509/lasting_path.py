"""Which certification path lasts longest, by what certificates say: pure.

A verifier that tries several paths works until the last of them ends, so that one tells which
certificates matter. Links are by name and key identifier: whether a path holds is judged elsewhere.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from probe.model.certificate import CertificateFacts
from probe.x509.path import MAX_LENGTH, find_issuers
from probe.x509.validity import find_invalid

MAX_PATHS: Final = 64
"""Paths compared; a hostile chain of certificates of one name makes thousands."""

Path = tuple[CertificateFacts, ...]


def list_anchored_paths(
    chain: Sequence[CertificateFacts], anchors: Sequence[CertificateFacts]
) -> list[Path]:
    """Return the paths from the first certificate of `chain` to one of `anchors`, bounded in number.

    Every certificate among the anchors is one, also one that is sent.
    """
    held = {one.sha256 for one in anchors}
    found: list[Path] = []
    for path in _extend((chain[0],), chain):
        if path[-1].sha256 in held:
            found.append(path)
        if not path[-1].self_signed:
            found += [
                (*path, one)
                for one in find_issuers(path[-1], anchors)
                if not any(_is_same_entity(one, below) for below in path)
            ]
        if len(found) >= MAX_PATHS:
            break
    return found[:MAX_PATHS]


def list_sent_paths(chain: Sequence[CertificateFacts]) -> list[Path]:
    """Return the paths from the first certificate of `chain` that what is sent cannot make longer."""
    paths = list(_extend((chain[0],), chain))
    begun = {path[:-1] for path in paths}
    return [path for path in paths if path not in begun]


def choose_lasting(paths: Iterable[Path], now: float) -> Path:
    """Return the path that is valid at `now` and ends last; of equal ones, the first; () for none.

    What ends first is mostly the end entity, which is in every path: then the next end decides, and
    so on, as if what has ended had been renewed.
    """
    return max(
        paths,
        key=lambda path: (
            find_invalid(path, now) is None,
            (*sorted(one.not_after for one in path), math.inf),
        ),
        default=(),
    )


def _extend(path: Path, chain: Sequence[CertificateFacts]) -> Iterator[Path]:
    """Yield `path` and what the rest of `chain` makes of it, the shorter first."""
    pending, count = [path], 0
    for each in pending:
        yield each
        if len(each) == MAX_LENGTH or each[-1].self_signed:
            continue
        for one in find_issuers(each[-1], chain):
            if count < MAX_PATHS and not any(_is_same_entity(one, below) for below in each):
                count += 1
                pending.append((*each, one))


def _is_same_entity(one: CertificateFacts, other: CertificateFacts) -> bool:
    """Whether two certificates are of one name and key: no path needs both (Go: alreadyInChain)."""
    return one.sha256 == other.sha256 or (
        one.subject_key_id != ""
        and one.subject_key_id == other.subject_key_id
        and one.subject.digest == other.subject.digest
    )
