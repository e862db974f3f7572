"""Masks what a peer said in evidence: every text that it chose, and none that the probe wrote.

Pure. It is the last step before evidence is handed on, and what holds no secret comes back as the
same object. Numbers, digests, names of errors and of our own stages are never touched: the
diagnosis decides by them.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec.structs

from probe.credential_facts import CertificateFacts, Name
from probe.evidence import (
    Answer,
    ConnectTry,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    Recheck,
)
from probe.record import Record

Mask = Callable[[str], str]

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
    CertificateFacts: ("subject", "issuer", "sans", "aia_issuers"),
}
"""The fields of each record that a peer's text may stand in, directly or deeper."""
HEXADECIMAL: Final[dict[type[Record], tuple[str, ...]]] = {
    Handshake: ("first_bytes",),
    Experiment: ("first_bytes",),
}
"""Bytes of a peer in hexadecimal digits: masked as the text that they are."""


def mask_evidence(evidence: Evidence, mask: Mask) -> Evidence:
    """Return `evidence` without the secrets that `mask` knows."""
    return _masked(evidence, mask)  # type: ignore[no-any-return]  # the same type comes back


def mask_experiments(experiments: tuple[Experiment, ...], mask: Mask) -> tuple[Experiment, ...]:
    """Return `experiments` without the secrets that `mask` knows."""
    return _masked(experiments, mask)  # type: ignore[no-any-return]  # the same type comes back


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, tuple):
        items = [_masked(item, mask) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else tuple(items)
    if not isinstance(value, Record):
        return value
    changed = {}
    for name in TEXTS[type(value)]:
        held = getattr(value, name)
        if held and (new := _masked(held, mask)) is not held and new != held:
            changed[name] = new
    for name in HEXADECIMAL.get(type(value), ()):
        held = getattr(value, name)
        if held and (new := _masked_hex(held, mask)) != held:
            changed[name] = new
    return msgspec.structs.replace(value, **changed) if changed else value


def _masked_hex(digits: str, mask: Mask) -> str:
    try:
        text = bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        return mask(digits)
    masked = mask(text)
    return digits if masked == text else masked.encode("latin-1").hex()
