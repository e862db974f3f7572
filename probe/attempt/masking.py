"""Masks secrets in evidence: in every text that a peer chose, and in none that the probe wrote.

It is the last step before evidence is passed on. Numbers, digests, names of errors and of stages are
never touched: the diagnosis decides by them.
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
    OtherAddress,
    Recheck,
)
from probe.model.later_judgement import LaterJudgement, RuntimePath
from probe.model.path_fault import PathFault
from probe.model.record import Record
from probe.model.shared import share_experiment
from probe.text.secret_register import SecretRegister

T = TypeVar("T", bound=Record)

TEXTS: Final[dict[type[Record], tuple[str, ...]]] = {
    Evidence: ("ending", "connects", "handshake", "other_paths", "recheck", "experiments", "answer", "other_addresses", "later"),
    Ending: ("detail",),
    ConnectTry: (),
    Handshake: (
        "alpn", "acceptable_cas", "path_faults", "server_chain", "used_anchors", "name_check",
    ),
    PathFault: ("subject", "value", "limit", "says"),
    RuntimePath: ("faults",),
    LaterJudgement: ("path_faults", "used_anchors", "other_paths"),
    Recheck: ("handshake", "ending"),
    Experiment: ("ending", "handshake", "answer"),
    OtherAddress: ("seen",),
    Answer: ("content_type", "message", "partial_message", "server", "location"),
    NameCheck: ("presented", "common_name"),
    Name: ("text",),
    CertificateFacts: ("subject", "issuer", "common_name", "sans", "aia_issuers"),
}  # fmt: skip
"""The fields of each record that may hold a peer's text, also in nested records."""
HEXADECIMAL: Final = "first_bytes"
"""The field with a peer's bytes in hexadecimal digits: they are decoded, masked and encoded again."""

_SHARED: Final = frozenset({CertificateFacts, Name})
_MOST_KNOWN: Final = 4096


class EvidenceMasker:
    """Masks evidence by a register, and remembers the masked forms of certificates and names."""

    def __init__(self, register: SecretRegister) -> None:
        """Take the register."""
        self._register = register
        self._known: dict[int, tuple[Record, Record]] = {}
        self._version = register.version

    @property
    def version(self) -> int:
        """A number that grows whenever the register masks something else."""
        return self._register.version

    def mask_evidence(self, evidence: Evidence) -> Evidence:
        """Return `evidence` without the secrets of the register; the same object if it has none."""
        return self._mask(evidence)

    def mask_experiments(self, experiments: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
        """Return `experiments` without the secrets of the register; equal ones share their parts."""
        return tuple([share_experiment(self._mask(each)) for each in experiments])

    def mask_addresses(self, tried: tuple[OtherAddress, ...]) -> tuple[OtherAddress, ...]:
        """Return what was tried without the secrets of the register."""
        return tuple(map(self._mask, tried))

    def _mask(self, record: T) -> T:
        if not len(self._register):
            return record
        if self._version != self._register.version:
            self._version = self._register.version
            self._known = {}
        return self._mask_record(record)

    def _mask_record(self, record: T) -> T:
        kind = type(record)
        # Readers of certificates give the same object for the same bytes.
        known = self._known.get(id(record)) if kind in _SHARED else None
        if known is not None:
            return cast("T", known[1])
        changed: dict[str, Any] = {}
        # A record that is not in the table is masked whole.
        for name in TEXTS.get(kind, kind.__struct_fields__):
            value = getattr(record, name)
            new = self._mask_value(value)
            if new is not value and new != value:
                changed[name] = new
        digits = getattr(record, HEXADECIMAL, "")
        if digits and (new := _mask_hex(digits, self._register.mask)) != digits:
            changed[HEXADECIMAL] = new
        masked = msgspec.structs.replace(record, **changed) if changed else record
        if kind in _SHARED:
            if len(self._known) >= _MOST_KNOWN:
                self._known = {}
            # Keep the object too: as long as it lives, no other object gets its id.
            self._known[id(record)] = (record, masked)
        return masked

    def _mask_value(self, value: Any) -> Any:
        if not value:
            return value
        if type(value) is str:
            return self._register.mask(value)
        if type(value) is tuple:
            return tuple([self._mask_value(one) for one in value])
        return self._mask_record(value) if isinstance(value, Record) else value


def _mask_hex(digits: str, mask: Callable[[str], str]) -> str:
    try:
        text = bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        return mask(digits)
    masked = mask(text)
    return digits if masked == text else masked.encode("latin-1").hex()
