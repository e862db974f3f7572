"""Certificates as plain facts: the exporter's, the backend's and their CAs, dated around AT."""

from hashlib import sha256
from typing import Any, Final

import msgspec.structs

from probe.model.certificate import CertificateFacts, Name

AT: Final = 1_795_341_600.0
"""The time of every attempt here: 2026-11-22 10:00 UTC."""

DAY: Final = 86_400.0


def name(common_name: str) -> Name:
    """Return a distinguished name that holds only a CN."""
    text = f"CN={common_name}"
    return Name(text=text, digest=_digest(text))


def authority(
    common_name: str,
    issuer: CertificateFacts | None = None,
    *,
    begins: float = -1000,
    ends: float = 1000,
) -> CertificateFacts:
    """Return a CA's certificate: a root, or where it has an `issuer` an intermediate.

    `begins` and `ends` are days from the attempt, here and below.
    """
    return _certificate(
        common_name,
        issuer,
        begins=begins,
        ends=ends,
        is_ca=True,
        self_signed=issuer is None,
        key_usage=("keyCertSign", "cRLSign"),
    )


def _certificate(
    common_name: str,
    issuer: CertificateFacts | None,
    *,
    begins: float,
    ends: float,
    **fields: Any,
) -> CertificateFacts:
    subject = name(common_name)
    own_key = _digest(f"key of {common_name}")[:40]
    plain = CertificateFacts(
        subject=subject,
        issuer=issuer.subject if issuer is not None else subject,
        serial_number=_digest(f"serial of {common_name}")[:16],
        not_before=AT + begins * DAY,
        not_after=AT + ends * DAY,
        sha256=_digest(f"{common_name} {begins:g} {ends:g}"),
        key_type="EC",
        key_bits=256,
        signature_hash="sha256",
        subject_key_id=own_key,
        authority_key_id=issuer.subject_key_id if issuer is not None else own_key,
    )
    return msgspec.structs.replace(plain, **fields)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


CLIENT_CA: Final = authority("Exporter client CA")
OTHER_CA: Final = authority("Another team's CA")
SERVER_CA: Final = authority("Backend CA")
ISSUING_CA: Final = authority("Exporter issuing CA", CLIENT_CA)


def end_entity(
    common_name: str,
    issuer: CertificateFacts | None,
    *,
    begins: float = -90,
    ends: float = 275,
    usage: tuple[str, ...] | None = ("clientAuth",),
    **fields: Any,
) -> CertificateFacts:
    """Return an end entity's certificate; without an `issuer` it is self-signed."""
    known: dict[str, Any] = {
        "key_usage": ("digitalSignature",),
        "self_signed": issuer is None,
    } | fields
    return _certificate(
        common_name, issuer, begins=begins, ends=ends, extended_key_usage=usage, **known
    )


def exporter(issuer: CertificateFacts | None = CLIENT_CA, **fields: Any) -> CertificateFacts:
    """Return an exporter's certificate without a fault, changed by `fields`."""
    known: dict[str, Any] = {"sans": ("DNS:checkout.example.com",)} | fields
    return end_entity("checkout", issuer, **known)


def backend(issuer: CertificateFacts | None = SERVER_CA, **fields: Any) -> CertificateFacts:
    """Return a backend's certificate without a fault, changed by `fields`."""
    known: dict[str, Any] = {
        "sans": ("DNS:collector.example.com",),
        "usage": ("serverAuth",),
    } | fields
    return end_entity("collector.example.com", issuer, **known)


EXPORTER: Final = exporter()
BACKEND: Final = backend()
