"""Whether a CertificateRequest of `listen` has the list of accepted CAs: pure bookkeeping.

The SDKs of Go and Java send no certificate where the list does not name its issuer. An exporter that
presents none has therefore none, or withholds it; without the list only the first is possible. So
after a connection that presented none, the next one of the same kind gets no list, and the one after
it gets the list again: what was seen may have changed in between, and the real backend has a list.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from probe.model.exporter_connection import ClientCertificate

MAX_KINDS: Final = 1024


@dataclass(slots=True)
class Known:
    """What is known of one kind of exporter, by numbers of connections; 0: none."""

    none_listed: int = 0
    """The last that presented none where CAs were named."""
    presented: int = 0
    """The last without a list that presented one, where the one before did."""
    none: int = 0
    """The last without a list that presented none."""
    is_next_without: bool = False


class CaListPolicy:
    """Chooses for each connection; a kind is a peer with its ClientHello."""

    def __init__(self, *, always_without: bool = False) -> None:
        """Name CAs, unless `always_without`."""
        self._always_without = always_without
        self._kinds: OrderedDict[Hashable, Known] = OrderedDict()

    def names_cas(self, kind: Hashable) -> bool:
        """Return whether the next connection of `kind` gets the list."""
        return not (self._always_without or self.find(kind).is_next_without)

    def find(self, kind: Hashable) -> Known:
        """Return what is known of `kind`."""
        return self._kinds.get(kind) or Known()

    def note(
        self, kind: Hashable, number: int, certificate: ClientCertificate, *, named: bool
    ) -> None:
        """Take what connection `number` presented."""
        if certificate == "not_reached":
            return
        if named and certificate == "presented":
            self._kinds.pop(kind, None)
            return
        known = self._kinds.setdefault(kind, Known())
        self._kinds.move_to_end(kind)
        while len(self._kinds) > MAX_KINDS:
            self._kinds.popitem(last=False)
        known.is_next_without = named
        if named:
            known.none_listed = number
        elif certificate == "none":
            known.none, known.presented = number, 0
        else:
            known.presented, known.none = number, 0
