"""A certificate's contents as `CertificateFacts`, from its raw parts.

For those that `cryptography` refuses, wholly or in their extensions: one odd field then hides no
name and no date. Total; every text passes safe_text().
"""

import hashlib
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, TypeVar

from probe.model.certificate import CertificateFacts, Name
from probe.text.safe_text import safe_text
from probe.x509 import extensions as ext
from probe.x509.distinguished_name import format_name, read_common_name
from probe.x509.public_key import PublicKey, read_public_key
from probe.x509.raw_certificate import Certificate
from probe.x509.signature import MAX_RSA_BITS, check_signature
from probe.x509.signature_scheme import read_scheme
from probe.x509.times import read_time

MAX_NAMES: Final = 100
"""Presented identifiers and usages kept of one certificate."""
USAGES: Final = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}
KEY_USAGES: Final = (
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
)  # fmt: skip
"""In the order of their bits (RFC 5280 §4.2.1.3)."""

_KINDS: Final = {ext.DNS: "DNS", ext.EMAIL: "email", ext.URI: "URI", ext.IP: "IP"}
_NIST: Final = frozenset({"1.2.840.10045.3.1.7", "1.3.132.0.33", "1.3.132.0.34", "1.3.132.0.35"})

_T = TypeVar("_T")


def digest_name(der: bytes) -> str:
    """Return what names are compared by."""
    return hashlib.sha256(der).hexdigest()[:16]


def format_serial(number: int) -> str:
    """Write whole octets in lower case, as the blackbox exporter does."""
    sign, digits = ("-" if number < 0 else ""), f"{abs(number):x}"
    return safe_text(sign + digits.zfill(len(digits) + len(digits) % 2))


def read_raw_facts(certificate: Certificate) -> CertificateFacts:
    """Return what `certificate` says; what is unreadable stays empty."""
    basic = _read(certificate, ext.BASIC_CONSTRAINTS, ext.read_basic_constraints)
    usages = _read(certificate, ext.EXTENDED_KEY_USAGE, ext.read_usages)
    bits = _read(certificate, ext.KEY_USAGE, ext.read_key_usage)
    subject_key = _read(certificate, ext.SUBJECT_KEY_ID, ext.read_subject_key_id)
    authority_key = _read(certificate, ext.AUTHORITY_KEY_ID, ext.read_authority_key_id)
    key, scheme = read_public_key(certificate.spki), read_scheme(certificate.algorithm)
    signs_itself = (
        certificate.is_self_issued
        and key is not None
        and (key.kind != "RSA" or key.bits <= MAX_RSA_BITS)
        and check_signature(certificate, certificate.spki) == "valid"
    )
    return CertificateFacts(
        subject=_make_name(certificate.subject),
        issuer=_make_name(certificate.issuer),
        serial_number=format_serial(certificate.serial_number),
        not_before=read_time(certificate.not_before) or 0.0,
        not_after=read_time(certificate.not_after) or 0.0,
        sha256=certificate.sha256,
        sans=_list_sans(certificate),
        is_ca=basic is not None and basic.is_ca,
        self_signed=signs_itself,
        key_type="" if key is None else _name_key(key),
        key_bits=0 if key is None else key.bits,
        signature_hash="" if scheme is None else scheme.hash,
        extended_key_usage=(
            None
            if usages is None
            else tuple(USAGES.get(oid, safe_text(oid)) for oid in usages[:MAX_NAMES])
        ),
        key_usage=(
            None
            if bits is None
            else tuple(name for place, name in enumerate(KEY_USAGES) if bits >> place & 1)
        ),
        subject_key_id=(subject_key or b"").hex()[:128],
        authority_key_id=(authority_key or b"").hex()[:128],
        common_name=safe_text(read_common_name(certificate.subject)),
    )


def _make_name(der: bytes) -> Name:
    return Name(text=format_name(der), digest=digest_name(der))


def _read(certificate: Certificate, oid: str, read: Callable[[bytes], _T | None]) -> _T | None:
    extension = certificate.get_extension(oid)
    return None if extension is None else read(extension.value)


def _list_sans(certificate: Certificate) -> tuple[str, ...]:
    names = _read(certificate, ext.SUBJECT_ALT_NAME, ext.read_general_names)
    return tuple(
        safe_text(f"{_KINDS[name.kind]}:{_format_name(name)}")
        for name in (names or ())[:MAX_NAMES]
        if name.kind in _KINDS
    )


def _format_name(name: ext.GeneralName) -> str:
    if name.kind != ext.IP:
        return name.content.decode("utf-8", "replace")
    return str(ip_address(name.content)) if len(name.content) in {4, 16} else name.content.hex()


def _name_key(key: PublicKey) -> str:
    if key.kind == "EC" and key.curve not in _NIST:
        return f"EC {key.curve_name}".rstrip()
    return "" if key.kind == "unknown" else key.kind
