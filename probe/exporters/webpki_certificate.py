"""A certificate as rustls-webpki reads it: DER in the strict sense, version 3, few extensions.

rustls-webpki 0.103, cert.rs (from_input, remember_cert_extension), der.rs, time.rs, trust_anchor.rs.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from probe.exporters.webpki_refusal import Refusal
from probe.x509 import der as asn1
from probe.x509.der import Element, Reader, decode_oid
from probe.x509.extensions import SERVER_AUTH
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.times import to_epoch

MAX_ELEMENT_BYTES: Final = 0xFFFE
_SCT_LIST: Final = "1.3.6.1.4.1.11129.2.4.2"
_KEPT: Final = {
    "2.5.29.15": "key_usage",
    "2.5.29.17": "subject_alt_name",
    "2.5.29.19": "basic_constraints",
    "2.5.29.30": "name_constraints",
    "2.5.29.31": "crl_distribution_points",
    "2.5.29.37": "key_purposes",
    _SCT_LIST: "scts",
}
_OTHER: Final = "invalid peer certificate: Other(OtherError("


@dataclass(frozen=True, slots=True)
class WebpkiCertificate:
    """What the library keeps of a certificate: the contents of SEQUENCEs."""

    raw: Certificate
    issuer: bytes
    subject: bytes
    spki: bytes
    validity: bytes
    basic_constraints: bytes | None
    key_purposes: bytes | None
    name_constraints: bytes | None
    subject_alt_name: bytes | None

    def check_validity(self, at: float) -> Refusal | None:
        """Check that `at` is within notBefore and notAfter (check_validity)."""
        reader = Reader(self.validity)
        not_before, not_after = _read_time(reader), _read_time(reader)
        if not_before is None or not_after is None or not reader.is_empty:
            return Refusal.make_malformed(self.raw, "validity", "BadEncoding")
        now = int(at)
        if not_before > not_after:
            says = "invalid peer certificate: Expired"
            return Refusal("malformed", 190, "InvalidCertValidity", says, self.raw)
        if now < not_before:
            says = "invalid peer certificate: certificate not valid yet"
            return Refusal("not_yet_valid", 290, "CertNotValidYet", says, self.raw)
        if now > not_after:
            says = "invalid peer certificate: certificate expired"
            return Refusal("expired", 290, "CertExpired", says, self.raw)
        return None

    def check_basic_constraints(self, cas_below: int) -> Refusal | None:
        """Check that an issuer is a CA and the end entity is none (check_basic_constraints)."""
        reader = Reader(self.basic_constraints or b"")
        is_ca = _read_boolean(reader)
        length: int | None = None
        if is_ca is None:
            return Refusal.make_malformed(self.raw, "basicConstraints", "BadEncoding")
        if not reader.is_empty:
            length = _read_octet(reader)
            if length is None or not reader.is_empty:
                return Refusal.make_malformed(self.raw, "basicConstraints", "BadEncoding")
        if not cas_below:
            if is_ca:
                rule = "CaUsedAsEndEntity"
                return Refusal(
                    "malformed",
                    210,
                    rule,
                    f"{_OTHER}{rule}))",
                    self.raw,
                    "a CA's, sent as a server's",
                )
            return None
        if not is_ca:
            rule = "EndEntityUsedAsCa"
            return Refusal("not_a_ca", 210, rule, f"{_OTHER}{rule}))", self.raw)
        if length is not None and cas_below - 1 > length:
            rule = "PathLenConstraintViolated"
            says = f"{_OTHER}{rule}))"
            return Refusal(
                "path_length", 220, rule, says, self.raw, str(cas_below - 1), str(length)
            )
        return None

    def check_usages(self, *, is_end_entity: bool) -> Refusal | None:
        """Check that extendedKeyUsage, where present, has serverAuth: anyExtendedKeyUsage is none."""
        if self.key_purposes is None:
            return None
        if not self.key_purposes:
            says = f"{_OTHER}EmptyEkuExtension))"
            return Refusal("malformed", 245, "EmptyEkuExtension", says, self.raw)
        reader = Reader(self.key_purposes)
        present = []
        while not reader.is_empty:
            usage = _limit_size(reader.read(asn1.OBJECT_IDENTIFIER))
            if usage is None:
                return Refusal.make_malformed(self.raw, "extendedKeyUsage", "BadEncoding")
            present.append(decode_oid(usage))
            if present[-1] == SERVER_AUTH:
                return None
        return Refusal(
            "wrong_usage" if is_end_entity else "wrong_usage_above",
            240,
            "RequiredEkuNotFound",
            "invalid peer certificate: certificate does not allow extended key usage for server"
            " authentication",
            self.raw,
            ", ".join(present[:8]),
            SERVER_AUTH,
        )


@lru_cache(maxsize=512)
def read_strictly(der: bytes) -> WebpkiCertificate | Refusal:
    """Read a certificate that a server sent (Cert::from_der)."""
    return _read(der, ignore_critical=False)


@lru_cache(maxsize=512)
def read_anchor(der: bytes) -> WebpkiCertificate | Refusal:
    """Read a trust anchor: unknown critical extensions do not matter, and it may be of version 1."""
    read = _read(der, ignore_critical=True)
    if isinstance(read, WebpkiCertificate):
        return read
    old = _read_version_1(der) if read.rule == "UnsupportedCertVersion" else None
    return read if old is None else old


def _limit_size(content: bytes | None) -> bytes | None:
    return content if content is not None and len(content) <= MAX_ELEMENT_BYTES else None


def _read(der: bytes, *, ignore_critical: bool) -> WebpkiCertificate | Refusal:
    raw = read_certificate(der)
    outer = Reader(der)
    body = _limit_size(outer.read(asn1.SEQUENCE))
    unreadable = Refusal.make_malformed(raw, "", "BadEncoding")
    if raw is None or body is None or not outer.is_empty:
        return unreadable
    signed = Reader(body)
    tbs = _limit_size(signed.read(asn1.SEQUENCE))
    algorithm = _limit_size(signed.read(asn1.SEQUENCE))
    signature = _limit_size(signed.read(asn1.BIT_STRING))
    if tbs is None or algorithm is None or not signature or signature[0] or not signed.is_empty:
        return unreadable
    parts = Reader(tbs)
    version = parts.read(asn1.CONTEXT | asn1.CONSTRUCTED)
    if version is None or version != b"\x02\x01\x02":
        rule = "UnsupportedCertVersion"
        return Refusal("unreadable", 130, rule, f"{_OTHER}{rule}))", raw, f"v{raw.version + 1}")
    serial = parts.read(asn1.INTEGER)
    inner = _limit_size(parts.read(asn1.SEQUENCE))
    if serial is None or inner is None:
        return unreadable
    if inner != algorithm:
        rule = "SignatureAlgorithmMismatch"
        return Refusal("malformed", 250, rule, f"{_OTHER}{rule}))", raw)
    fields = [_limit_size(parts.read(asn1.SEQUENCE)) for _ in range(4)]
    issuer, validity, subject, spki = fields
    if issuer is None or validity is None or subject is None or spki is None:
        return unreadable
    kept = _read_extensions(parts, raw, ignore_critical=ignore_critical)
    if isinstance(kept, Refusal):
        return kept
    return WebpkiCertificate(
        raw,
        issuer,
        subject,
        spki,
        validity,
        kept.get("basic_constraints"),
        kept.get("key_purposes"),
        kept.get("name_constraints"),
        kept.get("subject_alt_name"),
    )


def _read_extensions(
    parts: Reader, raw: Certificate, *, ignore_critical: bool
) -> dict[str, bytes] | Refusal:
    unreadable = Refusal.make_malformed(raw, "extensions", "BadEncoding")
    kept: dict[str, bytes] = {}
    if not parts.rest:
        return kept
    tagged = _limit_size(parts.read(asn1.CONTEXT | asn1.CONSTRUCTED | 3))
    if tagged is None or not parts.is_empty:
        return unreadable
    wrapped = Reader(tagged)
    listed = _limit_size(wrapped.read(asn1.SEQUENCE))
    if listed is None or not wrapped.is_empty:
        return unreadable
    extensions = Reader(listed)
    while not extensions.is_empty:
        extension = Reader(_limit_size(extensions.read(asn1.SEQUENCE)) or b"")
        oid = extension.read(asn1.OBJECT_IDENTIFIER)
        critical = _read_boolean(extension)
        value = extension.read(asn1.OCTET_STRING)
        if oid is None or critical is None or value is None or not extension.is_empty:
            return unreadable
        dotted = decode_oid(oid)
        name = _KEPT.get(dotted)
        if name is None:
            if critical and not ignore_critical:
                rule = "UnsupportedCriticalExtension"
                says = f"{_OTHER}{rule}))"
                return Refusal("critical_extension", 130, rule, says, raw, dotted)
            continue
        if name in kept:
            rule = "ExtensionValueInvalid"
            return Refusal("malformed", 30, rule, f"{_OTHER}{rule}))", raw, dotted)
        contents = _open_value(name, value)
        if contents is None:
            return Refusal.make_malformed(raw, dotted, "BadEncoding")
        kept[name] = contents
    return kept


def _open_value(name: str, value: bytes) -> bytes | None:
    if name == "key_usage":
        return value
    reader = Reader(value)
    tag = asn1.OCTET_STRING if name == "scts" else asn1.SEQUENCE
    contents = _limit_size(reader.read(tag))
    return contents if reader.is_empty else None


def _read_version_1(der: bytes) -> WebpkiCertificate | None:
    """As extract_trust_anchor_from_v1_cert_der: no version, no extensions."""
    raw = read_certificate(der)
    outer = Reader(der)
    body = Reader(outer.read(asn1.SEQUENCE) or b"")
    parts = Reader(body.read(asn1.SEQUENCE) or b"")
    if raw is None or not outer.is_empty or parts.read(asn1.INTEGER) is None:
        return None
    fields = [parts.read(asn1.SEQUENCE) for _ in range(5)]
    if not parts.is_empty or any(each is None for each in fields):
        return None
    _, issuer, validity, subject, spki = (each or b"" for each in fields)
    return WebpkiCertificate(raw, issuer, subject, spki, validity, None, None, None, None)


def _read_boolean(reader: Reader) -> bool | None:
    if reader.peek() != asn1.BOOLEAN:
        return False
    return {b"\xff": True, b"\x00": False}.get(reader.read(asn1.BOOLEAN) or b"")


def _read_octet(reader: Reader) -> int | None:
    """Read a number up to 255, encoded as DER has it."""
    content = reader.read(asn1.INTEGER)
    number = None if not content else asn1.read_integer(content)
    return number if number is not None and 0 <= number <= 255 else None


_DIGITS: Final = frozenset(b"0123456789")


def _read_time(reader: Reader) -> float | None:
    element = reader.read_any()
    if element is None or element.tag not in {asn1.UTC_TIME, asn1.GENERALIZED_TIME}:
        return None
    return _to_seconds(element)


def _to_seconds(element: Element) -> float | None:
    """Read YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, of the year 1970 or later (time.rs)."""
    width = 2 if element.tag == asn1.UTC_TIME else 4
    text = element.content
    if len(text) != width + 11 or text[-1:] != b"Z" or not _DIGITS.issuperset(text[:-1]):
        return None
    year = int(text[:width])
    if width == 2:
        year += 1900 if year >= 50 else 2000
    rest = [int(text[at : at + 2]) for at in range(width, width + 10, 2)]
    moment = to_epoch(year, *rest)
    return None if moment is None or moment < 0 else moment
