"""Evidence files of earlier versions: what they say in another way becomes what this version reads.

Pure. They had OpenSSL's codes for the server's path, of a verification by Go's rules.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from probe.model.path_fault import PathFault, PathFaultKind

_KINDS: Final[dict[int, PathFaultKind]] = {
    7: "bad_signature",  # X509_V_ERR_CERT_SIGNATURE_FAILURE
    9: "not_yet_valid",
    10: "expired",
    13: "malformed",  # ERROR_IN_CERT_NOT_BEFORE_FIELD
    14: "malformed",
    22: "too_complex",  # CERT_CHAIN_TOO_LONG
    24: "not_a_ca",  # INVALID_CA
    25: "path_length",
    26: "wrong_usage",  # INVALID_PURPOSE
    32: "not_a_ca",  # KEYUSAGE_NO_CERTSIGN
    34: "critical_extension",
    38: "path_length",  # PROXY_PATH_LENGTH_EXCEEDED
    42: "policy",
    43: "policy",
    47: "name_constraint",  # PERMITTED_VIOLATION
    48: "name_constraint",
    49: "name_constraint",
    51: "name_constraint",
    52: "name_constraint",
    53: "name_constraint",
    62: "name_mismatch",
    64: "name_mismatch",
    66: "weak_key",
    67: "weak_key",
    68: "weak_signature",
    79: "not_a_ca",  # INVALID_CA by its basicConstraints
}
"""X509_V_ERR codes (openssl/x509_vfy.h); any other says that no path to an anchor holds."""
_REVOKED: Final = 23
_ORDER: Final[tuple[PathFaultKind, ...]] = ("expired", "not_yet_valid", "name_mismatch")
"""Go's own order: dates, then names, then the path."""


def needs_upgrade(raw: bytes) -> bool:
    """Return whether a file says of a server what is said in another way today."""
    return b'"verify_errors"' in raw or (b'"unverified"' in raw and b'"path_faults"' not in raw)


def upgrade_evidence(raw: bytes) -> bytes:
    """Return the JSON of an evidence file as this version writes it.

    Raises:
        msgspec.DecodeError: where it is not JSON.
    """
    value = msgspec.json.decode(raw)
    if isinstance(value, dict):
        namesakes = set(_list_subjects(value.get("credentials")))
        experiments = value.get("experiments")
        owners = [value, value.get("recheck")]
        owners += experiments if isinstance(experiments, list) else []
        for owner in owners:
            if isinstance(owner, dict):
                _upgrade_owner(owner, namesakes)
    return msgspec.json.encode(value)


def _upgrade_owner(owner: dict[str, Any], namesakes: set[str]) -> None:
    """Upgrade the handshake of an attempt, a recheck or an experiment."""
    handshake, ending = owner.get("handshake"), owner.get("ending")
    if not isinstance(handshake, dict):
        return
    stopped = isinstance(ending, dict) and ending.get("kind") == "unverified"
    if stopped or "verify_errors" in handshake:
        _upgrade_handshake(handshake, namesakes)


def _list_subjects(credentials: Any) -> Iterator[str]:
    """Yield the digest of the subject of each anchor."""
    bundle = credentials.get("ca_bundle") if isinstance(credentials, dict) else None
    for one in bundle if isinstance(bundle, list) else ():
        subject = one.get("subject") if isinstance(one, dict) else None
        if isinstance(subject, dict):
            yield str(subject.get("digest"))


def _upgrade_handshake(handshake: dict[str, Any], namesakes: set[str]) -> None:
    errors = handshake.pop("verify_errors", [])
    chain = handshake.get("server_chain")
    if handshake.get("server_verified") or not isinstance(chain, list) or not chain:
        return
    check = handshake.get("name_check")
    pairs = [
        (one["code"], one["depth"])
        for one in (errors if isinstance(errors, list) else ())
        if isinstance(one, dict)
        and isinstance(one.get("code"), int)
        and isinstance(one.get("depth"), int)
    ]
    subjects = [_get_subject(one) for one in chain]
    matched = isinstance(check, dict) and bool(check.get("matched"))
    faults = list_path_faults(pairs, subjects, name_matched=matched)
    issuer = chain[-1].get("issuer") if isinstance(chain[-1], dict) else None
    if isinstance(issuer, dict) and issuer.get("digest") in namesakes:
        # A CA of that name is an anchor, so that it is its key that did not fit.
        faults = tuple(
            replace(one, kind="bad_signature") if one.kind == "no_anchor" else one for one in faults
        )
    handshake["path_faults"] = msgspec.to_builtins(faults)


def _get_subject(certificate: Any) -> tuple[str, str]:
    if not isinstance(certificate, dict):
        return "", ""
    subject = certificate.get("subject")
    text = subject.get("text") if isinstance(subject, dict) else ""
    return str(text or ""), str(certificate.get("sha256") or "")


def list_path_faults(
    errors: Iterable[tuple[int, int]],
    subjects: list[tuple[str, str]],
    *,
    name_matched: bool,
) -> tuple[PathFault, ...]:
    """Return what a server that was not verified was found guilty of, in Go's order.

    Args:
        errors: X509_V_ERR codes, each with its depth.
        subjects: of the certificates that the server sent, each with its SHA-256.
        name_matched: whether the reference identifier was among the presented ones.
    """
    revoked = False
    faults = []
    for code, depth in errors:
        revoked |= code == _REVOKED
        if code != _REVOKED:
            kind = _KINDS.get(code, "no_anchor")
            if kind == "wrong_usage" and depth:
                kind = "wrong_usage_above"
            subject, sha256 = subjects[depth] if 0 <= depth < len(subjects) else ("", "")
            position = depth if 0 <= depth < len(subjects) else None
            faults.append(PathFault(kind=kind, subject=subject, sha256=sha256, position=position))
    if not name_matched and all(fault.kind != "name_mismatch" for fault in faults):
        subject, sha256 = subjects[0]
        faults.append(PathFault(kind="name_mismatch", subject=subject, sha256=sha256, position=0))
    if not faults and not revoked:
        # Nothing else could keep it from being verified then.
        faults.append(PathFault(kind="weak_signature"))
    return tuple(
        sorted(
            dict.fromkeys(faults),
            key=lambda fault: _ORDER.index(fault.kind) if fault.kind in _ORDER else len(_ORDER),
        )
    )
