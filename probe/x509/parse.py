"""A certificate's contents as `CertificateFacts`, for people and for the diagnosis.

Total on whatever a peer or a file supplies: what cannot be read leaves its field empty. Every text
passes safe_text().
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from probe.model.certificate import CertificateFacts, Name
from probe.text.safe_text import safe_text
from probe.x509 import extensions
from probe.x509.distinguished_name import format_name, is_name, read_common_name
from probe.x509.extensions import (
    GeneralName,
    read_authority_key_id,
    read_basic_constraints,
    read_ca_issuers,
    read_general_names,
    read_key_usage,
    read_subject_key_id,
    read_usages,
)
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.public_key import load_public_key, read_public_key
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.signature import is_self_signed
from probe.x509.signature_scheme import read_scheme
from probe.x509.times import read_time

UNREADABLE: Final = "unreadable certificate"
MAX_WITH_NAMES: Final = 32_768
"""Bytes of a certificate beyond which subject and issuer are not read."""
MAX_SANS: Final = 1000
"""Presented identifiers kept of one certificate: real ones have hundreds, a hostile one thousands."""

_EXTENDED_KEY_USAGES: Final = {
    extensions.SERVER_AUTH: "serverAuth",
    extensions.CLIENT_AUTH: "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    extensions.ANY_USAGE: "anyExtendedKeyUsage",
}

_KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
"""By their bits' places (RFC 5280 §4.2.1.3)."""

_SAN_KINDS: Final = {
    extensions.DNS: "DNS",
    extensions.IP: "IP",
    extensions.URI: "URI",
    extensions.EMAIL: "email",
}

_T = TypeVar("_T")


def make_name(name: x509.Name) -> Name:
    """Return `name` as RFC 4514 text, safe to show, and a digest of its DER to compare by."""
    return parse_name(_read_or(name.public_bytes, b""))


def parse_name(der: bytes) -> Name:
    """Return the same for a DER name, as certificates and acceptable-CA lists hold them."""
    return Name(text=format_name(der) if is_name(der) else "unreadable name", digest=_digest(der))


def make_unread_name(der: bytes) -> Name:
    """Return a name that is not read for its length; its digest still compares."""
    return Name(text=f"a name of {len(der)} bytes", digest=_digest(der))


def parse_certificate(der: bytes) -> x509.Certificate | None:
    """Parse one DER certificate; None where it is not one."""
    return _read_or(lambda: x509.load_der_x509_certificate(der), None)


def read_facts(certificate: x509.Certificate) -> CertificateFacts:
    """Read what `certificate` says (RFC 5280); what is unreadable stays empty."""
    return read_der(certificate.public_bytes(Encoding.DER))


def read_der(der: bytes) -> CertificateFacts:
    """Return the facts of one DER certificate, whatever it holds.

    From its raw parts: an odd serial number, version or extension hides nothing else.
    """
    certificate = read_certificate(der)
    return make_unreadable_facts(der) if certificate is None else _describe(certificate)


def _describe(certificate: Certificate) -> CertificateFacts:
    if len(certificate.der) > MAX_WITH_NAMES:
        # A name of thousands of attributes takes longer than all the rest.
        subject, issuer = make_unread_name(certificate.der), Name(text="", digest="")
    else:
        subject, issuer = parse_name(certificate.subject), parse_name(certificate.issuer)
    key_type, key_bits = _describe_key(certificate.spki)
    scheme = read_scheme(certificate.algorithm)
    constraints = _read(certificate, extensions.BASIC_CONSTRAINTS, read_basic_constraints)
    return CertificateFacts(
        subject=subject,
        issuer=issuer,
        serial_number=_format_serial(certificate.serial_number),
        not_before=read_time(certificate.not_before) or 0.0,
        not_after=read_time(certificate.not_after) or 0.0,
        sha256=certificate.sha256,
        sans=tuple(_list_sans(certificate)),
        is_ca=constraints is not None and constraints.is_ca,
        self_signed=is_self_signed(certificate),
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=scheme.hash if scheme else "",
        extended_key_usage=_list_extended_key_usages(certificate),
        key_usage=_list_key_usages(certificate),
        subject_key_id=_hex(_read(certificate, extensions.SUBJECT_KEY_ID, read_subject_key_id)),
        authority_key_id=_hex(
            _read(certificate, extensions.AUTHORITY_KEY_ID, read_authority_key_id)
        ),
        aia_issuers=tuple(_list_aia_issuers(certificate)),
        common_name=safe_text(read_common_name(certificate.subject)),
    )


def make_unreadable_facts(der: bytes) -> CertificateFacts:
    """Stand in for a certificate that does not parse; its digest still names it."""
    return CertificateFacts(
        subject=Name(text=UNREADABLE, digest=""),
        issuer=Name(text="", digest=""),
        serial_number="",
        not_before=0.0,
        not_after=0.0,
        sha256=hashlib.sha256(der).hexdigest(),
    )


def _read_or(read: Callable[[], _T], otherwise: _T) -> _T:
    try:
        with warnings.catch_warnings():
            # A peer's odd serial number or name does not belong in the operator's log.
            warnings.simplefilter("ignore", UserWarning)
            return read()
    except LIBRARY_ERRORS:
        return otherwise


def _hex(key_id: bytes | None) -> str:
    return (key_id or b"").hex()[:128]


def _digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()[:16]


def _format_serial(number: int) -> str:
    """Write whole octets in lower case, as the blackbox exporter does."""
    sign, digits = ("-" if number < 0 else ""), f"{abs(number):x}"
    return safe_text(sign + digits.zfill(len(digits) + len(digits) % 2))


def describe_public_key(key: object) -> tuple[str, int]:
    """Return the type of a public key and its size in bits; 0 where it has none."""
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            # RFC 8446 §4.2.3 has signature schemes of the curves of NIST alone.
            known = isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1 | ec.SECP224R1)
            return "EC" if known else f"EC {key.curve.name}", key.curve.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256
        case ed448.Ed448PublicKey():
            return "Ed448", 456
        case dsa.DSAPublicKey():
            return "DSA", key.key_size
        case _:
            return type(key).__name__.removesuffix("PublicKey"), 0


def _describe_key(spki: bytes) -> tuple[str, int]:
    loaded = load_public_key(spki)
    if loaded is not None:
        return describe_public_key(loaded)
    key = read_public_key(spki)
    return ("", 0) if key is None or key.kind == "unknown" else (key.kind, key.bits)


def _read(certificate: Certificate, oid: str, read: Callable[[bytes], _T | None]) -> _T | None:
    found = certificate.get_extension(oid)
    return None if found is None else read(found.value)


def _list_extended_key_usages(certificate: Certificate) -> tuple[str, ...] | None:
    usages = _read(certificate, extensions.EXTENDED_KEY_USAGE, read_usages)
    if usages is None:
        return None
    return tuple(_EXTENDED_KEY_USAGES.get(oid, safe_text(oid)) for oid in usages[:MAX_SANS])


def _list_key_usages(certificate: Certificate) -> tuple[str, ...] | None:
    bits = _read(certificate, extensions.KEY_USAGE, read_key_usage)
    if bits is None:
        return None
    if not bits & extensions.KEY_AGREEMENT:
        bits &= 0x7F  # encipherOnly and decipherOnly mean nothing then (RFC 5280 §4.2.1.3)
    return tuple(name for place, name in enumerate(_KEY_USAGES) if bits & 1 << place)


def _list_sans(certificate: Certificate) -> Iterator[str]:
    names = _read(certificate, extensions.SUBJECT_ALT_NAME, read_general_names)
    for name in (names or ())[:MAX_SANS]:
        if kind := _SAN_KINDS.get(name.kind):
            yield safe_text(f"{kind}:{_show_name(name)}")


def _show_name(name: GeneralName) -> str:
    if name.kind != extensions.IP:
        return name.content.decode("utf-8", "backslashreplace")
    if len(name.content) in {4, 16}:
        return str(ip_address(name.content))
    return f"{name.content[:16].hex()} (no address)"


def _list_aia_issuers(certificate: Certificate) -> Iterator[str]:
    locations = _read(certificate, extensions.AUTHORITY_INFO_ACCESS, read_ca_issuers)
    for location in (locations or ())[:MAX_SANS]:
        yield safe_text(location.decode("utf-8", "backslashreplace"))
