"""A certificate as the JDK reads it: BER, and every extension that it knows at once.

JDK 17, sun.security.x509 (X509CertImpl, X509CertInfo, CertificateExtensions and the extensions'
classes) and sun.security.util (DerValue). An extension that cannot be read spoils a certificate
where it is critical; otherwise it counts as absent.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from probe.exporters.java_extensions import EXTENSIONS, ExtensionValue, SubtreesValue
from probe.exporters.java_names import Rdn, canonicalize_for_java
from probe.x509 import der as asn1
from probe.x509 import extensions as ext
from probe.x509.der import Element, Reader, decode_oid
from probe.x509.extensions import GeneralName
from probe.x509.public_key import PublicKey, load_public_key, read_public_key
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.templates import is_oid
from probe.x509.times import to_epoch

NO_LIMIT: Final = (1 << 31) - 1
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_NETSCAPE_TYPE: Final = "2.16.840.1.113730.1.1"


class _Extensions(NamedTuple):
    values: dict[str, ExtensionValue] = {}  # noqa: RUF012 (never changed)
    """By OID, which decides the type of the value: the properties below rely on it."""
    critical: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()


class JavaRefusal(NamedTuple):
    """Why the JDK does not read a certificate."""

    says: str
    value: str = ""


@dataclass(frozen=True)
class JavaCertificate:
    """What the JDK keeps of a certificate."""

    raw: Certificate
    version: int
    subject: tuple[Rdn, ...]
    issuer: tuple[Rdn, ...]
    valid_from: float
    valid_until: float
    key: PublicKey
    critical: frozenset[str]
    unreadable: frozenset[str]
    """Extensions that are not critical and could not be read."""
    values: dict[str, ExtensionValue] = field(repr=False)
    """The value of each extension that could be read."""

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same name."""
        return self.subject == self.issuer

    @property
    def basic_constraints(self) -> int:
        """How many CAs may follow below; -1 of what is not a CA (getBasicConstraints)."""
        found = self.values.get(ext.BASIC_CONSTRAINTS)
        return found if isinstance(found, int) else -1

    @property
    def key_usage(self) -> int | None:
        """The bits of keyUsage."""
        found = self.values.get(ext.KEY_USAGE)
        return found if isinstance(found, int) else None

    @property
    def usages(self) -> tuple[str, ...] | None:
        """The OIDs of extendedKeyUsage."""
        found = self.values.get(ext.EXTENDED_KEY_USAGE)
        return found if isinstance(found, tuple) else None  # type: ignore[return-value]  # by OID

    @property
    def names(self) -> tuple[GeneralName, ...] | None:
        """What subjectAltName lists; None where it is absent or unreadable."""
        found = self.values.get(ext.SUBJECT_ALT_NAME)
        return found if isinstance(found, tuple) else None  # type: ignore[return-value]  # by OID

    @property
    def constraints(self) -> SubtreesValue | None:
        """What nameConstraints says."""
        found = self.values.get(ext.NAME_CONSTRAINTS)
        return found if isinstance(found, SubtreesValue) else None

    @property
    def netscape_type(self) -> int | None:
        """The first octet of nsCertType."""
        found = self.values.get(_NETSCAPE_TYPE)
        return found if isinstance(found, int) else None

    @property
    def subject_key_id(self) -> bytes | None:
        """The key identifier."""
        found = self.values.get(ext.SUBJECT_KEY_ID)
        return found if isinstance(found, bytes) else None

    @property
    def authority(self) -> tuple[bytes | None, bytes | None]:
        """Key identifier and serial number of authorityKeyIdentifier."""
        found = self.values.get(ext.AUTHORITY_KEY_ID)
        return found if isinstance(found, tuple) else (None, None)  # type: ignore[return-value]  # by OID


def _read(der: bytes) -> JavaCertificate | JavaRefusal:
    raw = read_certificate(der)
    outer = Reader(der, strict=False)
    body = outer.read(asn1.SEQUENCE)
    if raw is None or body is None:
        return JavaRefusal("invalid DER")
    signed = Reader(body, strict=False)
    tbs, algorithm = signed.read(asn1.SEQUENCE), signed.read(asn1.SEQUENCE)
    signature = signed.read(asn1.BIT_STRING)
    if tbs is None or algorithm is None or not _is_bit_string(signature) or not signed.is_empty:
        return JavaRefusal("signed fields invalid")
    parts = Reader(tbs, strict=False)
    version = 0
    first = parts.read_any()
    if first is not None and first.tag == asn1.CONTEXT | asn1.CONSTRUCTED:
        wrapped = Reader(first.content, strict=False)
        number = _to_integer(wrapped.read(asn1.INTEGER))
        if number is None:
            return JavaRefusal("X.509 version, bad format")
        version = number
        first = parts.read_any()
    if first is None or first.tag != asn1.INTEGER or _to_integer(first.content) is None:
        return JavaRefusal("Invalid encoding: serial number")
    inner, issuer = parts.read(asn1.SEQUENCE), parts.read_element(asn1.SEQUENCE)
    validity, subject = parts.read(asn1.SEQUENCE), parts.read_element(asn1.SEQUENCE)
    spki = parts.read_element(asn1.SEQUENCE)
    if inner is None or issuer is None or validity is None or subject is None or spki is None:
        return JavaRefusal("invalid DER")
    if not _is_algorithm(inner) or not _is_algorithm(algorithm):
        return JavaRefusal("AlgorithmId")
    issuer_name = canonicalize_for_java(issuer.whole)
    subject_name = canonicalize_for_java(subject.whole)
    if issuer_name is None or subject_name is None:
        return JavaRefusal("AVA")
    if not any(issuer_name):
        return JavaRefusal("Empty issuer DN not allowed in X509Certificates", "issuer")
    if version == 0 and not any(subject_name):
        return JavaRefusal("Empty subject DN not allowed in v1 certificate", "subject")
    times = _read_validity(validity)
    if times is None:
        return JavaRefusal("Parse UTC time, invalid format", "validity")
    key = _read_key(spki.whole)
    if key is None:
        return JavaRefusal("subject key, java.security.InvalidKeyException", "subjectPublicKeyInfo")
    found = _read_extensions(parts, version, is_subject_empty=not any(subject_name))
    if isinstance(found, JavaRefusal):
        return found
    if not _is_same_algorithm(raw):
        return JavaRefusal("Signature algorithm mismatch", "signatureAlgorithm")
    return JavaCertificate(
        raw,
        version,
        subject_name,
        issuer_name,
        times[0],
        times[1],
        key,
        found.critical,
        found.unreadable,
        found.values,
    )


read_for_java = lru_cache(maxsize=1024)(_read)


def _is_same_algorithm(raw: Certificate) -> bool:
    """As AlgorithmId.equals: NULL is the same as nothing."""
    null = b"\x05\x00"
    inner, outer = raw.algorithm, raw.outer_algorithm
    return inner.oid == outer.oid and (
        inner.parameters.replace(null, b"", inner.parameters == null)
        == outer.parameters.replace(null, b"", outer.parameters == null)
    )


def _is_algorithm(contents: bytes) -> bool:
    reader = Reader(contents, strict=False)
    oid = reader.read(asn1.OBJECT_IDENTIFIER)
    if oid is None or not is_oid(oid):
        return False
    if reader.is_empty:
        return True
    return reader.read_any() is not None and not reader.rest


def _is_bit_string(content: bytes | None) -> bool:
    if not content or content[0] > 7:
        return False
    return len(content) > 1 or content[0] == 0


def _to_integer(content: bytes | None) -> int | None:
    """Read an INTEGER: BER's needless octets do not matter."""
    return int.from_bytes(content, signed=True) if content else None


def _read_key(spki: bytes) -> PublicKey | None:
    """Return the key; one of a kind that the JDK does not know is kept as it is."""
    outer = Reader(Reader(spki).read(asn1.SEQUENCE) or b"", strict=False)
    algorithm, key_bits = outer.read(asn1.SEQUENCE), outer.read(asn1.BIT_STRING)
    if algorithm is None or not _is_algorithm(algorithm) or not _is_bit_string(key_bits):
        return None
    key = read_public_key(spki)
    if key is None or not outer.is_empty:
        return None
    if key.kind == "EC" and (key.curve_name not in _CURVES or not key.octets.startswith(b"\4")):
        return None
    if key.kind in {"RSA", "RSASSA-PSS"} and (key.bits < 512 or key.exponent < 3):
        return None
    if key.kind in {"RSA", "DSA"} and load_public_key(spki) is None:
        return None
    return key


def _read_validity(contents: bytes) -> tuple[float, float] | None:
    reader = Reader(contents, strict=False)
    times = [reader.read_any(), reader.read_any()]
    if not reader.is_empty:
        return None
    first, last = (None if each is None else _read_time(each) for each in times)
    return None if first is None or last is None else (first, last)


def _read_time(element: Element) -> float | None:
    """As DerValue.getTimeInternal: seconds may be absent, an offset may be given."""
    width = {asn1.UTC_TIME: 2, asn1.GENERALIZED_TIME: 4}.get(element.tag)
    text = element.content.decode("latin-1")
    if width is None or not text[: width + 8].isdigit() or len(text) < width + 9:
        return None
    year = int(text[:width]) + (0 if width == 4 else 2000 if int(text[:2]) < 50 else 1900)
    month, day, hour, minute = (int(text[width + 2 * n : width + 2 * n + 2]) for n in range(4))
    rest, second, fraction = text[width + 8 :], 0, 0.0
    if len(rest) > 2:
        if not rest[:2].isdigit():
            return None
        second, rest = int(rest[:2]), rest[2:]
        if width == 4 and rest[:1] in {".", ","}:
            digits = rest[1:].rstrip("Z").partition("+")[0].partition("-")[0]
            if not digits.isdigit():
                return None
            fraction, rest = int(digits[:3].ljust(3, "0")) / 1000, rest[1 + len(digits) :]
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    offset = _read_offset(rest)
    first_of_month = to_epoch(year, month, 1, hour, minute, second)
    if offset is None or first_of_month is None:
        return None
    return first_of_month + (day - 1) * 86400 + fraction - offset


def _read_offset(text: str) -> float | None:
    if text == "Z":
        return 0.0
    if len(text) != 5 or text[0] not in "+-" or not text[1:].isdigit():
        return None
    hours, minutes = int(text[1:3]), int(text[3:])
    if hours >= 24 or minutes >= 60:
        return None
    return (hours * 3600 + minutes * 60) * (1.0 if text[0] == "+" else -1.0)


def _read_extensions(
    parts: Reader, version: int, *, is_subject_empty: bool
) -> _Extensions | JavaRefusal:
    if not parts.rest:
        return _Extensions()
    if version == 0:
        return JavaRefusal("no more data allowed for version 1 certificate", "version")
    element = parts.read_any()
    for number in (1, 2):
        if element is not None and element.tag & ~asn1.CONSTRUCTED == asn1.CONTEXT | number:
            if not parts.rest:
                return _Extensions()
            element = parts.read_any()
    if version != 2:
        return JavaRefusal("Extensions not allowed in v2 certificate", "version")
    found: _Extensions | JavaRefusal = _Extensions()
    if element is not None and element.tag == asn1.CONTEXT | asn1.CONSTRUCTED | 3:
        found = _read_listed(element.content)
    if isinstance(found, JavaRefusal):
        return found
    if is_subject_empty:
        incomplete = "X.509 Certificate is incomplete: subject field is empty"
        if not found.values.get(ext.SUBJECT_ALT_NAME) or ext.SUBJECT_ALT_NAME not in found.critical:
            return JavaRefusal(incomplete, "subject")
    return found


def _read_listed(content: bytes) -> _Extensions | JavaRefusal:
    values: dict[str, ExtensionValue] = {}
    critical: set[str] = set()
    seen: set[str] = set()
    unreadable: set[str] = set()
    listed = Reader(Reader(content).read(asn1.SEQUENCE) or b"", strict=False)
    while not listed.is_empty:
        extension = listed.read_any()  # whatever its tag
        fields = Reader(b"" if extension is None else extension.content, strict=False)
        oid = fields.read(asn1.OBJECT_IDENTIFIER)
        flag = fields.read(asn1.BOOLEAN) if fields.peek() == asn1.BOOLEAN else b"\0"
        value = fields.read(asn1.OCTET_STRING)
        if oid is None or not is_oid(oid) or flag is None or len(flag) != 1 or value is None:
            return JavaRefusal("Extension", "extensions")
        dotted = decode_oid(oid)
        is_critical = flag != b"\0"
        if is_critical:
            critical.add(dotted)
        read = EXTENSIONS.get(dotted)
        parsed = None if read is None else read(value, is_critical)
        if read is not None and parsed is None:
            unreadable.add(dotted)
            if is_critical:
                return JavaRefusal(f"Invalid encoding of {dotted}", dotted)
            continue
        if dotted in seen:
            return JavaRefusal("Duplicate extensions not allowed", dotted)
        seen.add(dotted)
        if parsed is not None:
            values[dotted] = parsed
    return _Extensions(values, frozenset(critical), frozenset(unreadable))
