"""What Go's crypto/x509 makes of a certificate's bytes: parseCertificate (go1.26, parser.go).

Line by line, since a server's certificate that Go cannot parse ends the handshake whoever else
reads it. Each check stands in Go's order and has Go's text. GODEBUG stands at go1.26's defaults:
negative serial numbers are refused since go1.23 (x509negativeserial).
"""

import hashlib
import re
from functools import lru_cache
from typing import Any, Final

from probe.exporters.go_asn1 import (
    RefusedError,
    must,
    read_bits,
    read_boolean,
    read_int,
    read_oid,
    refuse,
)
from probe.exporters.go_certificate import GoCertificate, GoKey, GoSignature, Refusal
from probe.exporters.go_extensions import process_extensions
from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid
from probe.x509.public_key import load_public_key
from probe.x509.signature_scheme import MGF1, RSASSA_PSS
from probe.x509.times import to_epoch

GO_VERSION: Final = "go1.26"
MAX_KEPT_BYTES: Final = 8192
_NULL: Final = b"\x05\x00"
_PRINTABLE: Final = re.compile(rb"[a-zA-Z0-9'()+,\-./ :=?*&]*")
_NUMERIC: Final = re.compile(rb"[0-9 ]*")

_SIGNATURES: Final = {
    "1.2.840.113549.1.1.4": GoSignature("MD5-RSA", "RSA", "md5"),
    "1.2.840.113549.1.1.5": GoSignature("SHA1-RSA", "RSA", "sha1"),
    "1.3.14.3.2.29": GoSignature("SHA1-RSA", "RSA", "sha1"),
    "1.2.840.113549.1.1.11": GoSignature("SHA256-RSA", "RSA", "sha256"),
    "1.2.840.113549.1.1.12": GoSignature("SHA384-RSA", "RSA", "sha384"),
    "1.2.840.113549.1.1.13": GoSignature("SHA512-RSA", "RSA", "sha512"),
    "1.2.840.10040.4.3": GoSignature("DSA-SHA1", "DSA", "sha1"),
    "2.16.840.1.101.3.4.3.2": GoSignature("DSA-SHA256", "DSA", "sha256"),
    "1.2.840.10045.4.1": GoSignature("ECDSA-SHA1", "ECDSA", "sha1"),
    "1.2.840.10045.4.3.2": GoSignature("ECDSA-SHA256", "ECDSA", "sha256"),
    "1.2.840.10045.4.3.3": GoSignature("ECDSA-SHA384", "ECDSA", "sha384"),
    "1.2.840.10045.4.3.4": GoSignature("ECDSA-SHA512", "ECDSA", "sha512"),
    "1.3.101.112": GoSignature("Ed25519", "Ed25519", ""),
}
_PSS_SALTS: Final = {
    "2.16.840.1.101.3.4.2.1": ("SHA256-RSAPSS", "sha256", 32),
    "2.16.840.1.101.3.4.2.2": ("SHA384-RSAPSS", "sha384", 48),
    "2.16.840.1.101.3.4.2.3": ("SHA512-RSAPSS", "sha512", 64),
}
_KEYS: Final[dict[str, GoKey]] = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "ECDSA",
    "1.3.101.112": "Ed25519",
}
_CURVES: Final = {
    "1.3.132.0.33": ("P224", 28),
    "1.2.840.10045.3.1.7": ("P256", 32),
    "1.3.132.0.34": ("P384", 48),
    "1.3.132.0.35": ("P521", 66),
}


def parse_for_go(der: bytes) -> GoCertificate | Refusal:
    """Return the certificate as Go holds it, or why Go refuses it (ParseCertificate)."""
    return _parse_kept(der) if len(der) <= MAX_KEPT_BYTES else _parse(der)


def _parse(der: bytes) -> GoCertificate | Refusal:
    try:
        return _parse_certificate(der)
    except RefusedError as refused:
        return Refusal(str(refused), refused.value)


_parse_kept = lru_cache(maxsize=512)(_parse)


def _parse_certificate(der: bytes) -> GoCertificate:
    outside = Reader(der)
    whole = outside.read_element(asn1.SEQUENCE) or refuse("malformed certificate")
    outer = Reader(whole.content)
    tbs = outer.read_element(asn1.SEQUENCE) or refuse("malformed tbs certificate")
    parts = Reader(tbs.content)
    version = _read_version(parts)
    _read_serial(parts)
    inner = must(parts.read(asn1.SEQUENCE), "malformed signature algorithm identifier")
    if must(outer.read(asn1.SEQUENCE), "malformed algorithm identifier") != inner:
        refuse("inner and outer signature algorithm identifiers don't match")
    algorithm, parameters = _read_algorithm(inner)
    issuer = parts.read_element(asn1.SEQUENCE) or refuse("malformed issuer")
    _check_name(issuer.content)
    validity = Reader(must(parts.read(asn1.SEQUENCE), "malformed validity"))
    not_before = _read_time(validity)
    not_after = _read_time(validity)
    subject = parts.read_element(asn1.SEQUENCE) or refuse("malformed issuer")
    _check_name(subject.content)
    spki = parts.read_element(asn1.SEQUENCE) or refuse("malformed spki")
    key, numbers = _read_key(spki.content, spki.whole)
    fields: dict[str, Any] = {}
    if version > 1:
        if not parts.skip_optional(asn1.CONTEXT | 1):
            refuse("malformed issuerUniqueID")
        if not parts.skip_optional(asn1.CONTEXT | 2):
            refuse("malformed subjectUniqueID")
        if version == 3:
            fields = _read_extensions(parts)
    read_bits(outer, "malformed signature")
    if not outside.is_empty:
        refuse("trailing data")
    return GoCertificate(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        tbs=tbs.whole,
        issuer=issuer.whole,
        subject=subject.whole,
        spki=spki.whole,
        version=version,
        not_before=not_before,
        not_after=not_after,
        signature_algorithm=_get_signature(algorithm, parameters),
        algorithm_oid=algorithm,
        key=key,
        has_key=bool(key),
        rsa_modulus=numbers[0],
        rsa_exponent=numbers[1],
        **fields,
    )


def _read_version(parts: Reader) -> int:
    tag = asn1.CONTEXT | asn1.CONSTRUCTED
    if parts.peek() != tag:
        return 1
    reader = Reader(must(parts.read(tag), "malformed version"))
    version = read_int(reader, "malformed version")
    if not reader.is_empty or version < 0:
        refuse("malformed version")
    if version > 2:
        refuse("invalid version", str(version))
    return version + 1


def _read_serial(parts: Reader) -> None:
    content = must(parts.read(asn1.INTEGER), "malformed serial number")
    serial = asn1.read_integer(content)
    if serial is None:
        refuse("malformed serial number")
    if serial < 0:
        refuse("negative serial number", content.hex()[:64])


def _read_algorithm(contents: bytes) -> tuple[str, bytes]:
    """Return OID and parameters (parseAI)."""
    reader = Reader(contents)
    oid = decode_oid(read_oid(reader, "malformed OID"))
    if reader.is_empty:
        return oid, b""
    parameters = reader.read_any() or refuse("malformed parameters")
    return oid, parameters.whole


def _get_signature(oid: str, parameters: bytes) -> GoSignature | None:
    """Return the algorithm (getSignatureAlgorithmFromAI); None: UnknownSignatureAlgorithm."""
    if oid == RSASSA_PSS:
        return _get_pss(parameters)
    if oid == "1.3.101.112" and parameters:
        return None
    return _SIGNATURES.get(oid)


def _get_pss(parameters: bytes) -> GoSignature | None:
    """Three forms of RSASSA-PSS are known: one hash throughout, and a salt as long as it."""
    fields = Reader(Reader(parameters).read(asn1.SEQUENCE) or b"")
    try:
        hash_oid, hash_parameters = _read_tagged_algorithm(fields, 0)
        mask_oid, mask_parameters = _read_tagged_algorithm(fields, 1)
        mask_hash, mask_hash_parameters = _read_algorithm(
            Reader(mask_parameters).read(asn1.SEQUENCE) or b""
        )
        salt = read_int(_open_tagged(fields, 2), "")
        trailer = read_int(_open_tagged(fields, 3), "") if fields.peek() == 0xA3 else 1
    except RefusedError:
        return None
    found = _PSS_SALTS.get(hash_oid)
    if (
        found is None
        or hash_parameters not in {b"", _NULL}
        or mask_hash_parameters not in {b"", _NULL}
        or mask_oid != MGF1
        or mask_hash != hash_oid
        or trailer != 1
        or salt != found[2]
    ):
        return None
    return GoSignature(found[0], "RSA", found[1])


def _open_tagged(fields: Reader, number: int) -> Reader:
    return Reader(must(fields.read(asn1.CONTEXT | asn1.CONSTRUCTED | number), ""))


def _read_tagged_algorithm(fields: Reader, number: int) -> tuple[str, bytes]:
    return _read_algorithm(must(_open_tagged(fields, number).read(asn1.SEQUENCE), ""))


@lru_cache(maxsize=512)
def _check_kept_name(contents: bytes) -> None:
    reader = Reader(contents)
    while not reader.is_empty:
        attributes = Reader(must(reader.read(asn1.SET), "invalid RDNSequence"))
        while not attributes.is_empty:
            attribute = Reader(
                must(attributes.read(asn1.SEQUENCE), "invalid RDNSequence: invalid attribute")
            )
            read_oid(attribute, "invalid RDNSequence: invalid attribute type")
            value = attribute.read_any() or refuse("invalid RDNSequence: invalid attribute value")
            if says := _find_string_fault(value.tag, value.content):
                refuse(f"invalid RDNSequence: invalid attribute value: {says}")


def _check_name(contents: bytes) -> None:
    """Refuse a Name with a string that Go does not read (parseName)."""
    if len(contents) <= 1024:
        _check_kept_name(contents)
    else:
        _check_kept_name.__wrapped__(contents)


def _find_string_fault(tag: int, value: bytes) -> str:
    """Return what is wrong with a string (parseASN1String)."""
    match tag:
        case asn1.PRINTABLE_STRING:
            return "" if _PRINTABLE.fullmatch(value) else "invalid PrintableString"
        case asn1.UTF8_STRING:
            try:
                value.decode()
            except UnicodeDecodeError:
                return "invalid UTF-8 string"
            return ""
        case asn1.IA5_STRING:
            return "" if value.isascii() else "invalid IA5String"
        case asn1.TELETEX_STRING:
            return ""
        case asn1.NUMERIC_STRING:
            return "" if _NUMERIC.fullmatch(value) else "invalid NumericString"
        case asn1.BMP_STRING:
            return "" if _is_bmp(value) else "invalid BMPString"
        case _:
            return f"unsupported string type: {tag}"


def _is_bmp(value: bytes) -> bool:
    if len(value) % 2:
        return False
    points = [value[at] << 8 | value[at + 1] for at in range(0, len(value), 2)]
    if points and not points[-1]:
        points.pop()
    return not any(
        one in {0xFFFE, 0xFFFF} or 0xFDD0 <= one <= 0xFDEF or 0xD800 <= one <= 0xDFFF
        for one in points
    )


_TIME: Final = re.compile(
    rb"(?P<year>\d\d|\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)"
    rb"(?P<second>\d\d)?(?:Z|(?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d))"
)


def _read_time(validity: Reader) -> float:
    """Return the epoch seconds of a time (parseTime).

    What Go parses must be what it would write: so an offset of zero is malformed, one of 90
    minutes is, and one of up to 24 hours is not. UTCTime may lack its seconds.
    """
    tag = validity.peek()
    if tag not in {asn1.UTC_TIME, asn1.GENERALIZED_TIME}:
        refuse("unsupported time format", f"tag {tag}")
    says = "malformed UTCTime" if tag == asn1.UTC_TIME else "malformed GeneralizedTime"
    content = must(validity.read(tag), says)
    found = _TIME.fullmatch(content)
    wanted = 2 if tag == asn1.UTC_TIME else 4
    if found is None or len(found["year"]) != wanted:
        refuse(says, content.decode("latin-1"))
    if found["second"] is None and wanted == 4:
        refuse(says, content.decode("latin-1"))
    year = int(found["year"])
    if wanted == 2:
        year += 1900 if year >= 50 else 2000
    clock = int(found["hour"]), int(found["minute"]), int(found["second"] or b"0")
    moment = to_epoch(year, int(found["month"]), int(found["day"]), *clock)
    if moment is None:
        refuse(says, content.decode("latin-1"))
    if found["sign"] is None:
        return moment
    hours, minutes = int(found["hours"]), int(found["minutes"])
    offset = hours * 3600 + minutes * 60
    if hours > 24 or minutes >= 60 or not offset:
        refuse(says, content.decode("latin-1"))
    return moment - offset if found["sign"] == b"+" else moment + offset


def _read_key(contents: bytes, spki: bytes) -> tuple[GoKey, tuple[int, int]]:
    """Return the kind of key, and an RSA key's numbers."""
    reader = Reader(contents)
    identifier = must(reader.read(asn1.SEQUENCE), "malformed public key algorithm identifier")
    oid, parameters = _read_algorithm(identifier)
    bits = read_bits(reader, "malformed subjectPublicKey")
    key = _KEYS.get(oid, "")
    octets = _align(bits)
    match key:
        case "RSA":
            return key, _read_rsa(parameters, octets)
        case "ECDSA":
            _check_point(parameters, octets, spki)
        case "Ed25519":
            if parameters:
                refuse("Ed25519 key encoded with illegal parameters")
            if len(octets) != 32:
                refuse("wrong Ed25519 public key size")
        case "DSA":
            _check_dsa(parameters, octets)
    return key, (0, 0)


def _align(bits: asn1.BitString) -> bytes:
    """Return the bits moved to the right end (encoding/asn1, RightAlign)."""
    if not bits.unused:
        return bits.octets
    return (int.from_bytes(bits.octets) >> bits.unused).to_bytes(len(bits.octets))


def _read_rsa(parameters: bytes, octets: bytes) -> tuple[int, int]:
    if parameters != _NULL:
        refuse("RSA key missing NULL parameters")
    numbers = Reader(must(Reader(octets).read(asn1.SEQUENCE), "invalid RSA public key"))
    modulus = _read_big(numbers, "invalid RSA modulus")
    exponent = read_int(numbers, "invalid RSA public exponent")
    if modulus <= 0:
        refuse("RSA modulus is not a positive number")
    if exponent <= 0:
        refuse("RSA public exponent is not a positive number")
    return modulus, exponent


def _read_big(reader: Reader, says: str) -> int:
    content = reader.read(asn1.INTEGER)
    number = None if content is None else asn1.read_integer(content)
    return refuse(says) if number is None else number


def _check_point(parameters: bytes, octets: bytes, spki: bytes) -> None:
    """Refuse curves other than four, and points that are not uncompressed or not on theirs."""
    curve_oid = decode_oid(read_oid(Reader(parameters), "invalid ECDSA parameters"))
    curve = _CURVES.get(curve_oid)
    if curve is None:
        refuse("unsupported elliptic curve", curve_oid)
    name, size = curve
    if not octets.startswith(b"\x04"):
        raise RefusedError("ecdsa: invalid uncompressed public key")
    if len(octets) != 1 + 2 * size:
        raise RefusedError(f"invalid {name} point encoding")
    if load_public_key(spki) is None:
        raise RefusedError(f"{name} point not on curve")


def _check_dsa(parameters: bytes, octets: bytes) -> None:
    public = _read_big(Reader(octets), "invalid DSA public key")
    numbers = Reader(must(Reader(parameters).read(asn1.SEQUENCE), "invalid DSA parameters"))
    p, q, g = (_read_big(numbers, "invalid DSA parameters") for _ in range(3))
    if min(public, p, q, g) <= 0:
        refuse("zero or negative DSA parameter")


def _read_extensions(parts: Reader) -> dict[str, Any]:
    tag = asn1.CONTEXT | asn1.CONSTRUCTED | 3
    if parts.peek() != tag:
        return {}
    wrapped = must(parts.read(tag), "malformed extensions")
    reader = Reader(must(Reader(wrapped).read(asn1.SEQUENCE), "malformed extensions"))
    found: dict[bytes, tuple[bool, bytes]] = {}
    while not reader.is_empty:
        fields = Reader(must(reader.read(asn1.SEQUENCE), "malformed extension"))
        oid = read_oid(fields, "malformed extension OID field")
        critical = fields.peek() == asn1.BOOLEAN and read_boolean(
            fields, "malformed extension critical field"
        )
        value = must(fields.read(asn1.OCTET_STRING), "malformed extension value field")
        if oid in found:
            refuse(f'certificate contains duplicate extension with OID "{decode_oid(oid)}"')
        found[oid] = critical, value
    return process_extensions(found)
