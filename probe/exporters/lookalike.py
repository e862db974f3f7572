"""Which measured exporters a ClientHello looks like, and how far it is from what they send: pure.

A ClientHello is that of a TLS library with its settings. It never proves which program sent it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from probe.exporters.offers import choose_alpn, choose_offer, has_known_offer
from probe.model.client_offer import ClientOffer
from probe.model.client_tls import TlsSettings
from probe.model.runtime import RUNTIMES
from probe.model.target import Protocol

_LISTS: Final = ("ciphers", "groups", "key_shares", "signature_schemes")
_NEAR: Final = 4
"""A ClientHello is near another one where at most one value in so many differs."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The exporters whose measured ClientHello is nearest to one that came."""

    runtimes: tuple[str, ...]
    """Ids, in the order of `RUNTIMES`: several send the same."""
    differences: int
    """Values that one of the two has and the other lacks, and lists in another order."""
    values: int
    """Values that the two have together."""

    @property
    def is_near(self) -> bool:
        """Whether it looks like them at all."""
        return self.differences * _NEAR <= self.values


def find_lookalikes(offer: ClientOffer, alpn: Sequence[str]) -> Likeness:
    """Return the nearest measured exporters, whose settings have no TLS version, suite or group."""
    found: dict[tuple[int, int], list[str]] = {}
    for runtime, known, protocols in _list_known():
        found.setdefault(_compare(offer, alpn, known, protocols), []).append(runtime)
    nearest = min(found, key=lambda pair: pair[0])
    return Likeness(tuple(dict.fromkeys(found[nearest])), *nearest)


@cache
def _list_known() -> tuple[tuple[str, ClientOffer, tuple[str, ...]], ...]:
    return tuple(_offers())


def _offers() -> Iterator[tuple[str, ClientOffer, tuple[str, ...]]]:
    for runtime in RUNTIMES:
        if has_known_offer(runtime.id):
            for protocol in cast("tuple[Protocol, ...]", runtime.protocols):
                offer = choose_offer(runtime.id, protocol, TlsSettings())
                yield runtime.id, offer, choose_alpn(runtime.id, protocol)


def _compare(
    offer: ClientOffer, alpn: Sequence[str], known: ClientOffer, protocols: Sequence[str]
) -> tuple[int, int]:
    differences = (offer.min_version != known.min_version) + (
        offer.max_version != known.max_version
    )
    values = 2
    pairs = [(getattr(offer, name), getattr(known, name)) for name in _LISTS]
    for came, recorded in (*pairs, (alpn, protocols)):
        one, other = set(came), set(recorded)
        differences += len(one ^ other)
        values += len(one | other)
        kept = [name for name in came if name in other]
        differences += kept != [name for name in recorded if name in one]
    return differences, values
