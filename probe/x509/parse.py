"""A certificate's contents as `CertificateFacts`, for people and for the diagnosis.

Total on whatever a peer or a file supplies: what cannot be read leaves its field empty. Every text
passes safe_text().
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeVar

import msgspec.structs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from probe.model.certificate import CertificateFacts, Name
from probe.text.safe_text import safe_text
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.raw_certificate import read_certificate
from probe.x509.raw_facts import USAGES, digest_name, format_serial, read_raw_facts
from probe.x509.signature import is_issued_by

UNREADABLE: Final = "unreadable certificate"
MAX_WITH_NAMES: Final = 32_768
"""Bytes of a certificate beyond which subject and issuer are not read."""
MAX_SANS: Final = 100
"""Presented identifiers kept of one certificate: a hostile one holds thousands."""

_KEY_USAGES: Final = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}

_SAN_KINDS: Final[dict[type[x509.GeneralName], str]] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.UniformResourceIdentifier: "URI",
    x509.RFC822Name: "email",
}

_T = TypeVar("_T")
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def make_name(name: x509.Name) -> Name:
    """Return `name` as RFC 4514 text, safe to show, and a digest of its DER to compare by."""
    text = _read_or(name.rfc4514_string, "unreadable name")
    der = _read_or(name.public_bytes, text.encode("utf-8", "replace"))
    return Name(text=safe_text(text), digest=digest_name(der))


def parse_name(der: bytes) -> Name:
    """Return the same for a DER name, as an acceptable-CA list holds them."""
    name = _read_or(lambda: x509.Name.from_bytes(der), None)
    text = "unreadable name" if name is None else make_name(name).text
    return Name(text=text, digest=digest_name(der))


def make_unread_name(der: bytes) -> Name:
    """Return a name that is not read for its length; its digest still compares."""
    return Name(text=f"a name of {len(der)} bytes", digest=digest_name(der))


def parse_certificate(der: bytes) -> x509.Certificate | None:
    """Parse one DER certificate; None where it is not one."""
    return _read_or(lambda: x509.load_der_x509_certificate(der), None)


def read_facts(certificate: x509.Certificate) -> CertificateFacts:
    """Read what `certificate` says (RFC 5280); what is unreadable stays empty."""
    der = certificate.public_bytes(Encoding.DER)
    if len(der) > MAX_WITH_NAMES:
        # A name of thousands of attributes takes longer than all the rest.
        subject, issuer = make_unread_name(der), Name(text="", digest="")
    else:
        subject = make_name(_read_or(lambda: certificate.subject, x509.Name([])))
        issuer = make_name(_read_or(lambda: certificate.issuer, x509.Name([])))
    basic = _get_extension(certificate, x509.BasicConstraints)
    subject_key = _get_extension(certificate, x509.SubjectKeyIdentifier)
    authority_key = _get_extension(certificate, x509.AuthorityKeyIdentifier)
    key_type, key_bits = _read_or(lambda: describe_public_key(certificate.public_key()), ("", 0))
    hash_algorithm = _read_or(lambda: certificate.signature_hash_algorithm, None)
    return CertificateFacts(
        subject=subject,
        issuer=issuer,
        serial_number=_read_or(lambda: format_serial(certificate.serial_number), ""),
        not_before=_read_or(lambda: _to_epoch(certificate.not_valid_before_utc), 0.0),
        not_after=_read_or(lambda: _to_epoch(certificate.not_valid_after_utc), 0.0),
        sha256=hashlib.sha256(der).hexdigest(),
        sans=_read_or(lambda: tuple(_list_sans(certificate)), ()),
        is_ca=bool(basic and basic.ca),
        self_signed=subject.digest == issuer.digest and is_issued_by(certificate, certificate),
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=safe_text(hash_algorithm.name) if hash_algorithm else "",
        extended_key_usage=_list_extended_key_usages(certificate),
        key_usage=_list_key_usages(certificate),
        subject_key_id=_hex(subject_key.digest if subject_key else None),
        authority_key_id=_hex(authority_key.key_identifier if authority_key else None),
        aia_issuers=_read_or(lambda: tuple(_list_aia_issuers(certificate)), ()),
        common_name=_read_common_name(certificate),
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


def read_der(der: bytes) -> CertificateFacts:
    """Return the facts of one DER certificate, whatever it holds.

    Where `cryptography` refuses it, or one of its extensions and with that all of them, its raw
    parts are read.
    """
    certificate = parse_certificate(der)
    if certificate is not None and _read_or(lambda: certificate.extensions, None) is not None:
        return read_facts(certificate)
    raw = read_certificate(der) if len(der) <= MAX_WITH_NAMES else None
    if raw is not None:
        return msgspec.structs.replace(read_raw_facts(raw), sha256=hashlib.sha256(der).hexdigest())
    return make_unreadable_facts(der) if certificate is None else read_facts(certificate)


def _read_or(read: Callable[[], _T], otherwise: _T) -> _T:
    try:
        with warnings.catch_warnings():
            # A peer's odd serial number or name does not belong in the operator's log.
            warnings.simplefilter("ignore", UserWarning)
            return read()
    except LIBRARY_ERRORS:
        return otherwise


def _to_epoch(moment: datetime) -> float:
    return moment.timestamp()


def _hex(key_id: bytes | None) -> str:
    return (key_id or b"").hex()[:128]


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


def _get_extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    return _read_or(lambda: certificate.extensions.get_extension_for_class(kind).value, None)


def _list_extended_key_usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    usages = _get_extension(certificate, x509.ExtendedKeyUsage)
    if usages is None:
        return None
    return tuple(USAGES.get(u.dotted_string, safe_text(u.dotted_string)) for u in usages)[:MAX_SANS]


def _list_key_usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    usage = _get_extension(certificate, x509.KeyUsage)
    if usage is None:
        return None
    # encipherOnly and decipherOnly raise where keyAgreement is not set: then they mean nothing.
    return tuple(name for attribute, name in _KEY_USAGES.items() if _is_set(usage, attribute))


def _is_set(usage: x509.KeyUsage, attribute: str) -> bool:
    return _read_or(lambda: bool(getattr(usage, attribute)), False)


def _read_common_name(certificate: x509.Certificate) -> str:
    """Return the subject's CN; of several the last, the most specific (RFC 6125 §1.8).

    Never from the name's text: RFC 4514 §2.4 escapes commas, quotes and plus signs, writes what is
    not a string in hex, and joins the parts of a multi-valued RDN with `+`.
    """
    values: list[str | bytes] = _read_or(
        lambda: [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)],
        [],
    )
    return safe_text(values[-1]) if values and isinstance(values[-1], str) else ""


def _list_sans(certificate: x509.Certificate) -> Iterator[str]:
    names = _get_extension(certificate, x509.SubjectAlternativeName)
    for name in list(names or ())[:MAX_SANS]:
        if kind := _SAN_KINDS.get(type(name)):
            yield safe_text(f"{kind}:{name.value}")


def _list_aia_issuers(certificate: x509.Certificate) -> Iterator[str]:
    access = _get_extension(certificate, x509.AuthorityInformationAccess)
    for description in list(access or ())[:MAX_SANS]:
        if description.access_method != AuthorityInformationAccessOID.CA_ISSUERS:
            continue
        if isinstance(description.access_location, x509.UniformResourceIdentifier):
            yield safe_text(description.access_location.value)
