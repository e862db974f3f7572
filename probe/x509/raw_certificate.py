"""What a certificate is made of, as far as its bytes have that shape (RFC 5280 §4.1): no judgement.

`cryptography` refuses whole certificates for one odd field that an exporter reads, and the other
way round. A model of a runtime judges these raw parts by that runtime's rules; each part is kept
as it was written.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from probe.x509 import der as asn1
from probe.x509.der import Element, Reader, decode_oid

MAX_KEPT_BYTES: Final = 8192
"""Larger certificates are read anew each time, so that hostile ones do not fill the memory."""
MAX_EXTENSIONS: Final = 4096


class Algorithm(NamedTuple):
    """An AlgorithmIdentifier."""

    oid: str
    parameters: bytes
    """The whole element; empty where absent."""
    contents: bytes
    """What stands within its SEQUENCE, as it was written."""


class WrittenTime(NamedTuple):
    """A time as it was written: UTCTime, GeneralizedTime, or something that is neither."""

    tag: int
    content: bytes


class Extension(NamedTuple):
    """One extension, not interpreted."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True)
class Certificate:
    """The parts of a certificate, as they were written."""

    der: bytes
    """All bytes that were given, also what stands behind the certificate."""
    tbs: bytes
    version: int
    """0 for v1, 2 for v3; -1 where it is unreadable."""
    serial: bytes
    """The contents of the INTEGER."""
    algorithm: Algorithm
    """As the signed part names it."""
    outer_algorithm: Algorithm
    issuer: bytes
    """DER of the Name."""
    not_before: WrittenTime
    not_after: WrittenTime
    subject: bytes
    spki: bytes
    extensions: tuple[Extension, ...]
    signature: bytes
    unused_signature_bits: int
    trailing: int = 0
    """Bytes behind the certificate."""
    is_der: bool = True
    """False where only a reader of BER reads its outline."""
    by_oid: dict[str, Extension] = field(default_factory=dict, compare=False, repr=False)
    """The first extension of each OID."""

    @cached_property
    def sha256(self) -> str:
        """Of the whole DER, in hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same name (RFC 5280 §3.2)."""
        return self.issuer == self.subject

    @property
    def serial_number(self) -> int:
        """The serial number; 0 where it is empty."""
        return int.from_bytes(self.serial, signed=True)

    def get_extension(self, oid: str) -> Extension | None:
        """Return the first extension of that OID."""
        return self.by_oid.get(oid)

    def has_duplicate_extension(self) -> bool:
        """Whether an OID occurs twice (RFC 5280 §4.2 forbids it)."""
        return len(self.by_oid) < len(self.extensions)


def read_certificate(der: bytes) -> Certificate | None:
    """Return the parts of a certificate, or None where the bytes have no such outline.

    Also of what no runtime accepts: negative serials, unknown versions, doubled extensions.
    """
    return _read_kept(der) if len(der) <= MAX_KEPT_BYTES else _read(der)


def _read(der: bytes) -> Certificate | None:
    return _read_as(der, strict=True) or _read_as(der, strict=False)


_read_kept = lru_cache(maxsize=512)(_read)


def read_subject(der: bytes) -> bytes | None:
    """Return the DER of the subject alone, to find a certificate by it without reading it all."""
    reader = Reader(der, strict=False)
    outer = reader.read(asn1.SEQUENCE)
    tbs = None if outer is None else Reader(outer, strict=False).read(asn1.SEQUENCE)
    if tbs is None:
        return None
    parts = Reader(tbs, strict=False)
    parts.skip_optional(asn1.CONTEXT | asn1.CONSTRUCTED)
    for _ in ("serialNumber", "signature", "issuer", "validity"):
        if parts.read_any() is None:
            return None
    subject = parts.read_element(asn1.SEQUENCE)
    return None if subject is None else subject.whole


def _read_as(der: bytes, *, strict: bool) -> Certificate | None:
    outside = Reader(der, strict=strict)
    certificate = outside.read_element(asn1.SEQUENCE)
    if certificate is None:
        return None
    outer = Reader(certificate.content, strict=strict)
    tbs = outer.read_element(asn1.SEQUENCE)
    outer_algorithm = outer.read(asn1.SEQUENCE)
    signature = outer.read(asn1.BIT_STRING)
    if tbs is None or outer_algorithm is None or not signature:
        return None
    parts = Reader(tbs.content, strict=strict)
    version = _read_version(parts, strict=strict)
    serial = parts.read(asn1.INTEGER)
    algorithm = parts.read(asn1.SEQUENCE)
    issuer = parts.read_element(asn1.SEQUENCE)
    validity = parts.read(asn1.SEQUENCE)
    subject = parts.read_element(asn1.SEQUENCE)
    spki = parts.read_element(asn1.SEQUENCE)
    if (
        version is None
        or serial is None
        or algorithm is None
        or issuer is None
        or validity is None
        or subject is None
        or spki is None
    ):
        return None
    times = Reader(validity, strict=strict)
    extensions = _read_extensions(parts, strict=strict)
    by_oid: dict[str, Extension] = {}
    for extension in extensions:
        by_oid.setdefault(extension.oid, extension)
    return Certificate(
        der=der,
        tbs=tbs.whole,
        version=version,
        serial=serial,
        algorithm=read_algorithm(algorithm, strict=strict),
        outer_algorithm=read_algorithm(outer_algorithm, strict=strict),
        issuer=issuer.whole,
        not_before=_to_time(times.read_any()),
        not_after=_to_time(times.read_any()),
        subject=subject.whole,
        spki=spki.whole,
        extensions=extensions,
        signature=signature[1:],
        unused_signature_bits=signature[0],
        trailing=len(outside.rest),
        is_der=strict,
        by_oid=by_oid,
    )


def _read_version(parts: Reader, *, strict: bool) -> int | None:
    if parts.peek() != asn1.CONTEXT | asn1.CONSTRUCTED:
        return 0
    wrapped = parts.read_any()
    if wrapped is None:
        return None
    content = Reader(wrapped.content, strict=strict).read(asn1.INTEGER)
    number = None if content is None else asn1.read_integer(content[:8], strict=False)
    return -1 if number is None else number


def _to_time(element: Element | None) -> WrittenTime:
    return WrittenTime(-1, b"") if element is None else WrittenTime(element.tag, element.content)


def read_algorithm(contents: bytes, *, strict: bool = True) -> Algorithm:
    """Return what the contents of an AlgorithmIdentifier's SEQUENCE say."""
    reader = Reader(contents, strict=strict)
    oid = reader.read(asn1.OBJECT_IDENTIFIER)
    parameters = reader.read_any()
    return Algorithm(
        "" if oid is None else decode_oid(oid),
        b"" if parameters is None else parameters.whole,
        contents,
    )


def _read_extensions(parts: Reader, *, strict: bool) -> tuple[Extension, ...]:
    """Return the extensions up to the first that has no such shape."""
    parts.skip_optional(asn1.CONTEXT | 1)
    parts.skip_optional(asn1.CONTEXT | 2)
    wrapped = parts.read(asn1.CONTEXT | asn1.CONSTRUCTED | 3)
    listed = None if wrapped is None else Reader(wrapped, strict=strict).read(asn1.SEQUENCE)
    if listed is None:
        return ()
    found: list[Extension] = []
    reader = Reader(listed, strict=strict)
    while len(found) < MAX_EXTENSIONS:
        extension = reader.read(asn1.SEQUENCE)
        if extension is None:
            break
        fields = Reader(extension, strict=strict)
        oid = fields.read(asn1.OBJECT_IDENTIFIER)
        critical = fields.read(asn1.BOOLEAN) if fields.peek() == asn1.BOOLEAN else b""
        value = fields.read(asn1.OCTET_STRING)
        if oid is None or value is None:
            break
        found.append(Extension(decode_oid(oid), any(critical or b""), value))
    return tuple(found)
