"""Which targets are this probe's share, where several probes divide them among themselves.

Pure. Every shard reads the same sources and decides by the target's name alone, so that no shard
needs to know another; a share is taken after names have been made unique.
"""

import re
from hashlib import blake2b
from typing import Final

_ORDINAL: Final = re.compile(r".*-(0|[1-9][0-9]{0,8})")
_MULTIPLIER: Final = 2862933555777941757
_WORD: Final = (1 << 64) - 1


def in_shard(name: str, index: int, count: int) -> bool:
    """Return whether the target `name` belongs to shard `index` of `count`.

    Each name belongs to exactly one shard. From n to n + 1 shards one name in n + 1 moves, always
    to the new shard; nothing moves between the others.

    Raises:
        ValueError: where `index` is not from 0 to `count` - 1.
    """
    if not 0 <= index < count:
        raise ValueError(f"shard {index} is not one of {count}")
    return shard_of(name, count) == index


def shard_of(name: str, count: int) -> int:
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


def ordinal_of(hostname: str) -> int:
    """Return the ordinal of a StatefulSet's pod from its name: `mtls-probe-2` is 2.

    Only the first label counts of a name with dots.

    Raises:
        ValueError: where the name does not end in a dash and an ordinal.
    """
    found = _ORDINAL.fullmatch(hostname.partition(".")[0])
    if found is None:
        raise ValueError(f"{hostname!r} does not end in an ordinal, as mtls-probe-2 does")
    return int(found[1])
