"""Masks what a peer said in evidence: every text that it chose, and none that the probe wrote.

It is the last step before evidence is handed on, and what holds no secret comes back as the
same object. Numbers, digests, names of errors and of our own stages are never touched: the
diagnosis decides by them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec.structs

from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import (
    Answer,
    ConnectTry,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    Recheck,
)
from probe.model.record import Record
from probe.text.secret_register import SecretRegister

T = TypeVar("T", bound=Record)

TEXTS: Final[dict[type[Record], tuple[str, ...]]] = {
    Evidence: ("ending", "connects", "handshake", "recheck", "experiments", "answer"),
    Ending: ("detail",),
    ConnectTry: (),
    Handshake: ("alpn", "acceptable_cas", "server_chain", "name_check"),
    Recheck: ("handshake", "ending"),
    Experiment: ("ending", "handshake", "answer"),
    Answer: ("content_type", "message", "partial_message", "server", "location"),
    NameCheck: ("presented", "common_name"),
    Name: ("text",),
    CertificateFacts: ("subject", "issuer", "common_name", "sans", "aia_issuers"),
}
"""The fields of each record that a peer's text may stand in, directly or deeper."""
HEXADECIMAL: Final[dict[type[Record], tuple[str, ...]]] = {
    Evidence: ("first_bytes",),
    Handshake: ("first_bytes",),
    Experiment: ("first_bytes",),
}
"""Bytes of a peer in hexadecimal digits: masked as the text that they are."""


_SHARED: Final = frozenset({CertificateFacts, Name})
_MOST_KNOWN: Final = 4096


class EvidenceMasker:
    """Masks evidence by a register; what it found of a certificate or a name it remembers."""

    def __init__(self, register: SecretRegister) -> None:
        """Take the register."""
        self._register = register
        self._known: dict[int, tuple[Record, Record]] = {}
        self._version = register.version

    def mask_evidence(self, evidence: Evidence) -> Evidence:
        """Return `evidence` without the secrets of the register."""
        return self._over(evidence)

    def mask_experiments(self, experiments: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
        """Return `experiments` without the secrets of the register."""
        return tuple(map(self._over, experiments))

    def _over(self, record: T) -> T:
        if not len(self._register):
            return record
        if self._version != self._register.version:
            self._version = self._register.version
            self._known = {}
        return self._record(record)

    def _record(self, record: T) -> T:
        kind = type(record)
        if kind in _SHARED:
            # Readers of certificates give the same object for the same bytes.
            known = self._known.get(id(record))
            if known is not None:
                return cast("T", known[1])
        changed: dict[str, Any] = {}
        # A record that nobody has put into the table is masked whole.
        for name in TEXTS.get(kind, kind.__struct_fields__):
            held = getattr(record, name)
            new = self._value(held)
            if new is not held and new != held:
                changed[name] = new
        for name in HEXADECIMAL.get(kind, ()):
            held = getattr(record, name)
            if held and (new := _masked_hex(held, self._register.mask)) != held:
                changed[name] = new
        masked = msgspec.structs.replace(record, **changed) if changed else record
        if kind in _SHARED:
            if len(self._known) >= _MOST_KNOWN:
                self._known = {}
            # The object itself is held too, so that its id stays its own.
            self._known[id(record)] = (record, masked)
        return masked

    def _value(self, held: Any) -> Any:
        if not held:
            return held
        if type(held) is str:
            return self._register.mask(held)
        if type(held) is tuple:
            return tuple([self._value(one) for one in held])
        return self._record(held) if isinstance(held, Record) else held


def _masked_hex(digits: str, mask: Callable[[str], str]) -> str:
    try:
        text = bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        return mask(digits)
    masked = mask(text)
    return digits if masked == text else masked.encode("latin-1").hex()
