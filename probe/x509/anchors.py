"""Trust anchors: the certificates of a ca_file or of the system's bundle, found by content or name.

A bundle of the system holds 140 certificates and a verdict needs one or two of them: each is read
when it is first asked for.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, TypeVar

from probe.x509.raw_certificate import Certificate, read_certificate, read_subject

MAX_ANCHORS: Final = 20_000
MAX_INDEXES: Final = 8

_Key = TypeVar("_Key", bound=Hashable)


class AnchorPool:
    """Certificates by content, in the order of their file, each once; never changed."""

    def __init__(self, certificates: Iterable[bytes]) -> None:
        """Take each certificate's DER; the same one twice counts once."""
        by_sha256: dict[str, bytes] = {}
        for der in certificates:
            if len(by_sha256) >= MAX_ANCHORS:
                break
            by_sha256.setdefault(hashlib.sha256(der).hexdigest(), der)
        self._by_sha256 = by_sha256
        self._digest = hashlib.sha256("".join(by_sha256).encode()).hexdigest()
        self._by_subject: dict[bytes, tuple[bytes, ...]] | None = None
        self._indexes: dict[Callable[[bytes], Hashable], dict[Hashable, list[bytes]]] = {}

    @property
    def digest(self) -> str:
        """Names what is held, and in which order."""
        return self._digest

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_sha256)

    def __iter__(self) -> Iterator[bytes]:
        """Each certificate's DER, in the file's order."""
        return iter(self._by_sha256.values())

    def __contains__(self, der: bytes) -> bool:
        """Whether exactly this certificate is an anchor."""
        return hashlib.sha256(der).hexdigest() in self._by_sha256

    def get(self, sha256: str) -> Certificate | None:
        """Return the anchor with that SHA-256 of its DER, in hex; None if there is none to read."""
        der = self._by_sha256.get(sha256)
        return None if der is None else read_certificate(der)

    def find_by_subject(self, subject: bytes) -> list[Certificate]:
        """Return the anchors whose subject has exactly these bytes, in the file's order."""
        return _read_all(self._index_subjects().get(subject, ()))

    def find_by_name(
        self, subject: bytes, canonicalize: Callable[[bytes], _Key]
    ) -> list[Certificate]:
        """Return the anchors whose subject is the same name by a runtime's own comparison.

        Args:
            subject: DER of the Name that is looked for.
            canonicalize: makes equal keys of names that the runtime takes for equal; a function of
                a module, since an index is kept for each.
        """
        index = self._indexes.get(canonicalize)
        if index is None:
            index = {}
            for held, ders in self._index_subjects().items():
                index.setdefault(canonicalize(held), []).extend(ders)
            if len(self._indexes) < MAX_INDEXES:
                self._indexes[canonicalize] = index
        return _read_all(index.get(canonicalize(subject), ()))

    def _index_subjects(self) -> dict[bytes, tuple[bytes, ...]]:
        if self._by_subject is None:
            found: dict[bytes, list[bytes]] = {}
            for der in self:
                subject = read_subject(der)
                if subject is not None:
                    found.setdefault(subject, []).append(der)
            self._by_subject = {subject: tuple(ders) for subject, ders in found.items()}
        return self._by_subject


def _read_all(ders: Iterable[bytes]) -> list[Certificate]:
    return [one for der in ders if (one := read_certificate(der)) is not None]


NO_ANCHORS: Final = AnchorPool(())
