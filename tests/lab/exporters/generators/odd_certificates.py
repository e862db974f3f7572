"""Certificates with one odd thing in them, each once as a client's, as a CA's and next to the CA's.

Parsers differ in what they take: a field that one reads and another refuses decides whether a file
loads, whatever the certificate is used for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.exporters.generators import der
from tests.lab.exporters.generators.certificates import (
    ECDSA_SHA256,
    NOT_AFTER,
    NOT_BEFORE,
    SERVER_AUTH,
    Authority,
    alternative_names,
    attribute,
    basic_constraints,
    dns,
    extended_key_usage,
    extension,
    key_usage,
    name,
)
from tests.lab.exporters.generators.keys import EC, P256, RSA, ec_private_key


@dataclass(frozen=True, slots=True)
class Parts:
    """What a certificate is made of, before it is signed."""

    signer: Authority
    subject: bytes
    spki: bytes
    extensions: tuple[bytes, ...]
    serial: bytes = field(default_factory=lambda: der.integer(0x1001))
    validity: bytes = field(default_factory=lambda: der.sequence(NOT_BEFORE, NOT_AFTER))
    issuer: bytes = b""
    version: bytes = field(default_factory=lambda: der.explicit(0, der.integer(2)))
    inner_algorithm: bytes = ECDSA_SHA256
    outer_algorithm: bytes = ECDSA_SHA256
    before_extensions: bytes = b""
    after_extensions: bytes = b""
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    finish: Callable[[bytes], bytes] = bytes
    change_signature: Callable[[bytes], bytes] = bytes

    def sign(self) -> bytes:
        """Return the certificate."""
        extensions = der.explicit(3, der.sequence(*self.extensions)) if self.extensions else b""
        to_be_signed = der.sequence(
            *(self.version, self.serial, self.inner_algorithm, self.issuer or self.signer.subject),
            *(self.validity, self.subject, self.spki, self.before_extensions, extensions),
            self.after_extensions,
        )
        private = ec_private_key(ec.SECP256R1(), self.signer.seed)
        signature = private.sign(to_be_signed, ec.ECDSA(self.hash, deterministic_signing=True))
        return self.finish(
            der.sequence(
                to_be_signed,
                self.outer_algorithm,
                der.bit_string(self.change_signature(signature)),
            )
        )


Change = Callable[[Parts], Parts]


def _with(**changes: object) -> Change:
    return lambda parts: replace(parts, **changes)  # type: ignore[arg-type]


def _add(*extensions: bytes) -> Change:
    return lambda parts: replace(parts, extensions=(*parts.extensions, *extensions))


def _names(*names: bytes) -> Change:
    """Return what gives the certificate these alternative names instead of its own."""
    return _instead("2.5.29.17", alternative_names(*names))


def _instead(kind: str, *new: bytes) -> Change:
    """Return what puts extensions in the place of the one of this kind."""
    mark = der.oid(kind)

    def change(parts: Parts) -> Parts:
        kept = tuple(each for each in parts.extensions if mark not in each[:16])
        return replace(parts, extensions=(*kept, *new))

    return change


def _validity(not_before: bytes, not_after: bytes) -> Change:
    return _with(validity=der.sequence(not_before, not_after))


def _subject_value(value: bytes, kind: str = "2.5.4.10") -> Change:
    """Return what adds an attribute with `value` to the subject; the issuer of a CA follows it."""

    def change(parts: Parts) -> Parts:
        head = 2 if parts.subject[1] < 0x80 else 2 + (parts.subject[1] & 0x7F)
        return replace(parts, subject=der.sequence(attribute(kind, value), parts.subject[head:]))

    return change


def _spki(change: Callable[[bytes], bytes]) -> Change:
    return lambda parts: replace(parts, spki=change(parts.spki))


def _rsa_spki(modulus: int, exponent: int, parameters: bytes = der.NULL) -> Change:
    public = der.sequence(der.integer(modulus), der.integer(exponent))
    return _with(spki=der.sequence(der.sequence(RSA, parameters), der.bit_string(public)))


def _point(octets: bytes) -> Change:
    return _with(spki=der.sequence(der.sequence(EC, P256), der.bit_string(octets)))


def _finish(change: Callable[[bytes], bytes]) -> Change:
    return _with(finish=change)


def _compress_point(spki: bytes) -> bytes:
    """Return a P-256 key with its point compressed: the same key."""
    point = spki[-65:]
    if point[0] != 4:
        return spki
    short = bytes((2 + (point[-1] & 1),)) + point[1:33]
    return der.sequence(der.sequence(EC, P256), der.bit_string(short))


def _indefinite(certificate: bytes) -> bytes:
    head = 2 + (certificate[1] & 0x7F if certificate[1] >= 0x80 else 0)
    return der.indefinite(0x30, certificate[head:])


def _long_length(certificate: bytes) -> bytes:
    """Return the certificate with its outer length in one octet more than needed."""
    octets = certificate[1] & 0x7F
    length = certificate[2 : 2 + octets]
    return bytes((0x30, 0x80 | octets + 1, 0)) + length + certificate[2 + octets :]


_TWICE: Final = extension("1.3.6.1.4.1.55555.1", der.utf8("lab"))
_POLICY: Final = der.sequence(der.sequence(der.oid("1.3.6.1.4.1.55555.2")))
_MODULUS: Final = (1 << 2047) + 0x1D3F

ODDITIES: Final[dict[str, tuple[str, Change]]] = {
    # serial number (RFC 5280 §4.1.2.2)
    "negative-serial": ("a negative serial number", _with(serial=der.integer(-0x1001))),
    "zero-serial": ("serial number 0", _with(serial=der.integer(0))),
    "serial-20": ("a serial number of 20 octets", _with(serial=der.tlv(2, b"\x7f" * 20))),
    "serial-21": ("a serial number of 21 octets", _with(serial=der.tlv(2, b"\0" + b"\xff" * 20))),
    "serial-40": ("a serial number of 40 octets", _with(serial=der.tlv(2, b"\x7f" * 40))),
    "serial-padded": ("a serial number with a needless zero", _with(serial=der.tlv(2, b"\0\x11"))),
    "serial-empty": ("a serial number without octets", _with(serial=der.tlv(2, b""))),
    # validity (§4.1.2.5)
    "utctime-no-seconds": (
        "UTCTime without seconds",
        _validity(der.utc_time("2001010000Z"), NOT_AFTER),
    ),
    "utctime-offset": (
        "UTCTime with an offset",
        _validity(der.utc_time("200101000000+0000"), NOT_AFTER),
    ),
    "utctime-no-zone": ("UTCTime without Z", _validity(der.utc_time("200101000000"), NOT_AFTER)),
    "utctime-1950": ("UTCTime of 1950", _validity(der.utc_time("500101000000Z"), NOT_AFTER)),
    "generalized-early": (
        "GeneralizedTime before 2050",
        _validity(der.generalized_time("20200101000000Z"), NOT_AFTER),
    ),
    "generalized-fraction": (
        "GeneralizedTime with a fraction",
        _validity(der.generalized_time("20200101000000.5Z"), NOT_AFTER),
    ),
    "generalized-no-seconds": (
        "GeneralizedTime without seconds",
        _validity(der.generalized_time("202001010000Z"), NOT_AFTER),
    ),
    "year-9999": (
        "notAfter in 9999",
        _validity(NOT_BEFORE, der.generalized_time("99991231235959Z")),
    ),
    "year-0000": (
        "notBefore in the year 0",
        _validity(der.generalized_time("00000101000000Z"), NOT_AFTER),
    ),
    "february-30": (
        "notBefore on 30 February",
        _validity(der.utc_time("200230000000Z"), NOT_AFTER),
    ),
    "second-60": ("notBefore in second 60", _validity(der.utc_time("200101000060Z"), NOT_AFTER)),
    "expired": ("expired", _validity(NOT_BEFORE, der.utc_time("210101000000Z"))),
    "not-yet": ("not yet valid", _validity(der.utc_time("480101000000Z"), NOT_AFTER)),
    "reversed-validity": ("notAfter before notBefore", _validity(NOT_AFTER, NOT_BEFORE)),
    # version (§4.1.2.1)
    "v1": ("version 1", lambda parts: replace(parts, version=b"", extensions=())),
    "v1-explicit": (
        "version 1, written out",
        lambda parts: replace(parts, version=der.explicit(0, der.integer(0)), extensions=()),
    ),
    "v1-extensions": ("version 1 with extensions", _with(version=b"")),
    "v2": (
        "version 2",
        lambda parts: replace(parts, version=der.explicit(0, der.integer(1)), extensions=()),
    ),
    "v2-extensions": ("version 2 with extensions", _with(version=der.explicit(0, der.integer(1)))),
    "v4": ("version 4", _with(version=der.explicit(0, der.integer(3)))),
    "v3-bare": ("version 3 without extensions", _with(extensions=())),
    "unique-ids": (
        "issuerUniqueID and subjectUniqueID",
        _with(before_extensions=der.tlv(0x81, b"\0\x01") + der.tlv(0x82, b"\0\x02")),
    ),
    # names (§4.1.2.4)
    "empty-subject": ("an empty subject", _with(subject=der.sequence())),
    "printable-underscore": ("PrintableString with _", _subject_value(der.tlv(0x13, b"lab_one"))),
    "printable-at": ("PrintableString with @", _subject_value(der.tlv(0x13, b"lab@one"))),
    "printable-star": ("PrintableString with *", _subject_value(der.tlv(0x13, b"*.lab"))),
    "printable-ampersand": ("PrintableString with &", _subject_value(der.tlv(0x13, b"R&D"))),
    "printable-latin1": ("PrintableString with Latin-1", _subject_value(der.tlv(0x13, b"L\xe4b"))),
    "teletex": ("TeletexString with Latin-1", _subject_value(der.tlv(0x14, b"L\xe4b"))),
    "bmp": ("BMPString", _subject_value(der.tlv(0x1E, "Läb".encode("utf-16-be")))),
    "bmp-odd": ("BMPString with an odd length", _subject_value(der.tlv(0x1E, b"\0L\0"))),
    "universal": ("UniversalString", _subject_value(der.tlv(0x1C, "Läb".encode("utf-32-be")))),
    "visible": ("VisibleString", _subject_value(der.tlv(0x1A, b"Lab"))),
    "ia5": ("IA5String", _subject_value(der.tlv(0x16, b"Lab"))),
    "ia5-high": ("IA5String with Latin-1", _subject_value(der.tlv(0x16, b"L\xe4b"))),
    "numeric-letters": ("NumericString with letters", _subject_value(der.tlv(0x12, b"Lab"))),
    "utf8-invalid": ("UTF8String that is not UTF-8", _subject_value(der.tlv(0x0C, b"L\xe4b"))),
    "utf8-control": (
        "control characters in the subject",
        _subject_value(der.utf8("\x1b[31mlab\r\n")),
    ),
    "utf8-nul": ("NUL in the subject", _subject_value(der.utf8("lab\0one"))),
    "value-empty": ("an empty attribute", _subject_value(der.utf8(""))),
    "value-long": ("an attribute of 1,000 characters", _subject_value(der.utf8("l" * 1000))),
    "value-integer": ("an attribute that is a number", _subject_value(der.integer(7))),
    "attribute-unknown": (
        "an unknown attribute",
        _subject_value(der.utf8("x"), "1.3.6.1.4.1.55555.9"),
    ),
    "country-three": (
        "a country of three letters",
        _subject_value(der.tlv(0x13, b"DEU"), "2.5.4.6"),
    ),
    "multi-valued": (
        "several attributes in one RDN",
        lambda parts: replace(
            parts,
            subject=der.sequence(
                der.set_of(
                    der.sequence(der.oid("2.5.4.3"), der.utf8("a")),
                    der.sequence(der.oid("2.5.4.10"), der.utf8("b")),
                ),
                parts.subject[2:],
            ),
        ),
    ),
    "many-rdns": (
        "100 attributes",
        lambda parts: replace(
            parts,
            subject=der.sequence(
                *[attribute("2.5.4.11", der.utf8(f"unit {number}")) for number in range(100)],
                parts.subject[2:],
            ),
        ),
    ),
    # subjectAltName (§4.2.1.6)
    "san-empty": ("subjectAltName without names", _names()),
    "san-ip-5": ("an iPAddress of 5 octets", _names(der.implicit(7, b"\x7f\0\0\x01\x02"))),
    "san-ip-0": ("an iPAddress of no octets", _names(der.implicit(7, b""))),
    "san-uri-malformed": ("a URI with a space", _names(der.implicit(6, b"spiffe://lab one/x"))),
    "san-uri-no-scheme": ("a URI without scheme", _names(der.implicit(6, b"://lab"))),
    "san-uri-port": ("a URI with a port of letters", _names(der.implicit(6, b"https://lab:port/"))),
    "san-uri-percent": ("a URI with a broken escape", _names(der.implicit(6, b"https://lab/%zz"))),
    "san-email-malformed": ("an rfc822Name without @", _names(der.implicit(1, b"lab"))),
    "san-dns-underscore": ("a dNSName with _", _names(dns("client_1.lab.example"))),
    "san-dns-empty": ("an empty dNSName", _names(dns(""))),
    "san-dns-dot": ("a dNSName that ends with a dot", _names(dns("client.lab.example."))),
    "san-dns-space": ("a dNSName with a space", _names(dns("client lab"))),
    "san-dns-nul": ("a dNSName with NUL", _names(dns("client\0.lab.example"))),
    "san-dns-latin1": (
        "a dNSName that is not ASCII",
        _names(der.implicit(2, b"cl\xefent.lab.example")),
    ),
    "san-dns-utf8": ("a dNSName in UTF-8", _names(dns("clïent.lab.example"))),
    "san-dns-star": ("a dNSName *", _names(dns("*"))),
    "san-dns-long": ("a dNSName of 300 characters", _names(dns(".".join(["label" * 4] * 15)))),
    "san-directory": ("a directoryName", _names(der.tlv(0xA4, name("x")))),
    "san-other": (
        "an otherName",
        _names(
            der.tlv(
                0xA0,
                der.oid("1.3.6.1.4.1.311.20.2.3") + der.explicit(0, der.utf8("client@lab.example")),
            )
        ),
    ),
    "san-registered": ("a registeredID", _names(der.implicit(8, b"\x2a\x03\x04"))),
    "san-unknown-tag": ("a GeneralName of tag 9", _names(der.implicit(9, b"x"))),
    "san-critical": (
        "a critical subjectAltName",
        _instead(
            "2.5.29.17",
            extension("2.5.29.17", der.sequence(dns("client.lab.example")), critical=True),
        ),
    ),
    "san-not-sequence": (
        "subjectAltName that is not a SEQUENCE",
        _instead("2.5.29.17", extension("2.5.29.17", der.utf8("lab"))),
    ),
    "san-1000": (
        "1,000 alternative names",
        _names(*(dns(f"client-{number}.lab.example") for number in range(1000))),
    ),
    "san-none": ("no subjectAltName", _instead("2.5.29.17")),
    # extensions (§4.2)
    "duplicate-extension": ("an extension twice", _add(_TWICE, _TWICE)),
    "duplicate-san": (
        "subjectAltName twice",
        _add(alternative_names(dns("a.lab.example")), alternative_names(dns("b.lab.example"))),
    ),
    "unknown-extension": ("an unknown extension", _add(extension("1.3.6.1.4.1.55555.3", der.NULL))),
    "unknown-critical": (
        "an unknown critical extension",
        _add(extension("1.3.6.1.4.1.55555.3", der.NULL, critical=True)),
    ),
    "extension-critical-false": (
        "critical FALSE, written out",
        _add(
            der.sequence(der.oid("1.3.6.1.4.1.55555.3"), b"\x01\x01\0", der.octet_string(der.NULL))
        ),
    ),
    "extension-critical-1": (
        "critical as 1 instead of 255",
        _add(
            der.sequence(
                der.oid("1.3.6.1.4.1.55555.3"), b"\x01\x01\x01", der.octet_string(der.NULL)
            )
        ),
    ),
    "extension-empty": (
        "an extension without content",
        _add(extension("1.3.6.1.4.1.55555.3", b"")),
    ),
    "extension-large": (
        "an extension of 60,000 octets",
        _add(extension("1.3.6.1.4.1.55555.3", der.octet_string(b"l" * 60000))),
    ),
    "extensions-empty": (
        "extensions without any",
        _with(extensions=(), before_extensions=der.explicit(3, der.sequence())),
    ),
    "netscape-type": (
        "Netscape certificate type",
        _add(extension("2.16.840.1.113730.1.1", der.bit_string(b"\x80", 7))),
    ),
    "ct-poison": (
        "the critical poison of Certificate Transparency",
        _add(extension("1.3.6.1.4.1.11129.2.4.3", der.NULL, critical=True)),
    ),
    "key-usage-none": ("no keyUsage", _instead("2.5.29.15")),
    "key-usage-encipherment": (
        "keyUsage keyEncipherment alone",
        _instead("2.5.29.15", key_usage(2)),
    ),
    "key-usage-empty": (
        "keyUsage without bits",
        _instead("2.5.29.15", extension("2.5.29.15", der.bit_string(b""), critical=True)),
    ),
    "key-usage-zero": (
        "keyUsage with bits that are all 0",
        _instead("2.5.29.15", extension("2.5.29.15", der.bit_string(b"\0"), critical=True)),
    ),
    "key-usage-padding": (
        "keyUsage with trailing zero bits",
        _instead("2.5.29.15", extension("2.5.29.15", der.bit_string(b"\x86\0"), critical=True)),
    ),
    "key-usage-octets": (
        "keyUsage that is an OCTET STRING",
        _instead("2.5.29.15", extension("2.5.29.15", der.octet_string(b"\x80"), critical=True)),
    ),
    "eku-server": (
        "extendedKeyUsage serverAuth alone",
        _instead("2.5.29.37", extended_key_usage(SERVER_AUTH)),
    ),
    "eku-empty": ("extendedKeyUsage without purposes", _instead("2.5.29.37", extended_key_usage())),
    "eku-any": ("extendedKeyUsage any", _instead("2.5.29.37", extended_key_usage("2.5.29.37.0"))),
    "eku-none": ("no extendedKeyUsage", _instead("2.5.29.37")),
    "eku-email": (
        "extendedKeyUsage emailProtection",
        _instead("2.5.29.37", extended_key_usage("1.3.6.1.5.5.7.3.4")),
    ),
    "eku-critical": (
        "a critical extendedKeyUsage, any",
        _instead(
            "2.5.29.37", extension("2.5.29.37", der.sequence(der.oid("2.5.29.37.0")), critical=True)
        ),
    ),
    "ca-true": ("a CA's basicConstraints", _instead("2.5.29.19", basic_constraints(ca=True))),
    "ca-false": ("basicConstraints of no CA", _instead("2.5.29.19", basic_constraints(ca=False))),
    "ca-none": ("no basicConstraints", _instead("2.5.29.19")),
    "ca-false-written": (
        "cA FALSE, written out",
        _instead("2.5.29.19", extension("2.5.29.19", der.sequence(b"\x01\x01\0"), critical=True)),
    ),
    "ca-not-critical": (
        "basicConstraints that is not critical",
        _instead("2.5.29.19", extension("2.5.29.19", der.sequence(der.BOOLEAN_TRUE))),
    ),
    "path-length-0": (
        "pathLenConstraint 0",
        _instead("2.5.29.19", basic_constraints(ca=True, path_length=0)),
    ),
    "path-length-negative": (
        "a negative pathLenConstraint",
        _instead("2.5.29.19", basic_constraints(ca=True, path_length=-1)),
    ),
    "path-length-no-ca": (
        "pathLenConstraint without cA",
        _instead("2.5.29.19", basic_constraints(ca=False, path_length=1)),
    ),
    "skid-empty": (
        "an empty subjectKeyIdentifier",
        _add(extension("2.5.29.14", der.octet_string(b""))),
    ),
    "skid-critical": (
        "a critical subjectKeyIdentifier",
        _add(extension("2.5.29.14", der.octet_string(b"1234"), critical=True)),
    ),
    "skid-malformed": (
        "subjectKeyIdentifier that is not an OCTET STRING",
        _add(extension("2.5.29.14", der.utf8("x"))),
    ),
    "akid-other": (
        "authorityKeyIdentifier of another key",
        _add(extension("2.5.29.35", der.sequence(der.implicit(0, b"another")))),
    ),
    "akid-empty": ("an empty authorityKeyIdentifier", _add(extension("2.5.29.35", der.sequence()))),
    "akid-critical": (
        "a critical authorityKeyIdentifier",
        _add(extension("2.5.29.35", der.sequence(), critical=True)),
    ),
    "akid-serial": (
        "authorityKeyIdentifier with issuer and another serial",
        _add(
            extension(
                "2.5.29.35",
                der.sequence(
                    der.tlv(0xA1, der.tlv(0xA4, name("lab root"))), der.implicit(2, b"\x77")
                ),
            )
        ),
    ),
    "akid-malformed": (
        "authorityKeyIdentifier that is not a SEQUENCE",
        _add(extension("2.5.29.35", der.utf8("x"))),
    ),
    "name-constraints-leaf": (
        "nameConstraints",
        _add(
            extension(
                "2.5.29.30",
                der.sequence(der.tlv(0xA0, der.sequence(dns("lab.example")))),
                critical=True,
            )
        ),
    ),
    "name-constraints-empty": (
        "nameConstraints without any",
        _add(extension("2.5.29.30", der.sequence(), critical=True)),
    ),
    "name-constraints-ip": (
        "nameConstraints with an address of 4 octets",
        _add(
            extension(
                "2.5.29.30",
                der.sequence(der.tlv(0xA0, der.sequence(der.implicit(7, b"\x7f\0\0\x01")))),
            )
        ),
    ),
    "policies": ("certificatePolicies", _add(extension("2.5.29.32", _POLICY))),
    "policies-twice": (
        "a policy twice",
        _add(extension("2.5.29.32", der.sequence(_POLICY[2:], _POLICY[2:]))),
    ),
    "policies-empty": (
        "certificatePolicies without any",
        _add(extension("2.5.29.32", der.sequence())),
    ),
    "policy-constraints": (
        "policyConstraints that require a policy",
        _add(extension("2.5.29.36", der.sequence(der.implicit(0, b"\0")), critical=True)),
    ),
    "inhibit-any": (
        "inhibitAnyPolicy",
        _add(extension("2.5.29.54", der.integer(0), critical=True)),
    ),
    "crl-points": (
        "cRLDistributionPoints",
        _add(
            extension(
                "2.5.29.31",
                der.sequence(
                    der.sequence(
                        der.tlv(0xA0, der.tlv(0xA0, der.implicit(6, b"http://lab.example/crl")))
                    )
                ),
            )
        ),
    ),
    "crl-points-malformed": (
        "cRLDistributionPoints that are malformed",
        _add(extension("2.5.29.31", der.sequence(der.utf8("x")))),
    ),
    "info-access": (
        "authorityInfoAccess",
        _add(
            extension(
                "1.3.6.1.5.5.7.1.1",
                der.sequence(
                    der.sequence(
                        der.oid("1.3.6.1.5.5.7.48.1"), der.implicit(6, b"http://lab.example/ocsp")
                    )
                ),
            )
        ),
    ),
    "info-access-malformed": (
        "authorityInfoAccess that is malformed",
        _add(extension("1.3.6.1.5.5.7.1.1", der.sequence(der.utf8("x")))),
    ),
    "must-staple": (
        "TLS feature status_request",
        _add(extension("1.3.6.1.5.5.7.1.24", der.sequence(der.integer(5)))),
    ),
    # signature (§4.1.1.2)
    "algorithms-differ": (
        "signature algorithms that differ",
        _with(outer_algorithm=der.sequence(der.oid("1.2.840.10045.4.3.3"))),
    ),
    "algorithm-null": (
        "ecdsa-with-SHA256 with NULL parameters",
        _with(
            inner_algorithm=der.sequence(der.oid("1.2.840.10045.4.3.2"), der.NULL),
            outer_algorithm=der.sequence(der.oid("1.2.840.10045.4.3.2"), der.NULL),
        ),
    ),
    "algorithm-unknown": (
        "an unknown signature algorithm",
        _with(
            inner_algorithm=der.sequence(der.oid("1.3.6.1.4.1.55555.4")),
            outer_algorithm=der.sequence(der.oid("1.3.6.1.4.1.55555.4")),
        ),
    ),
    "sha1": (
        "signed with SHA-1",
        _with(
            inner_algorithm=der.sequence(der.oid("1.2.840.10045.4.1")),
            outer_algorithm=der.sequence(der.oid("1.2.840.10045.4.1")),
            hash=hashes.SHA1(),
        ),
    ),
    "sha512": (
        "signed with SHA-512",
        _with(
            inner_algorithm=der.sequence(der.oid("1.2.840.10045.4.3.4")),
            outer_algorithm=der.sequence(der.oid("1.2.840.10045.4.3.4")),
            hash=hashes.SHA512(),
        ),
    ),
    "signature-wrong": (
        "a wrong signature",
        _with(change_signature=lambda signature: signature[:-1] + bytes((signature[-1] ^ 1,))),
    ),
    "signature-empty": ("an empty signature", _with(change_signature=lambda _: b"")),
    # encoding (X.690)
    "trailing-byte": (
        "a byte behind the certificate",
        _finish(lambda certificate: certificate + b"\0"),
    ),
    "trailing-newline": (
        "a newline behind the certificate's DER",
        _finish(lambda certificate: certificate + b"\n"),
    ),
    "trailing-certificate": (
        "a second certificate in one block",
        _finish(lambda certificate: certificate * 2),
    ),
    "trailing-in-tbs": ("an element behind the extensions", _with(after_extensions=der.NULL)),
    "truncated": ("the last byte missing", _finish(lambda certificate: certificate[:-1])),
    "indefinite-length": ("BER's indefinite length", _finish(_indefinite)),
    "long-length": ("a length in too many octets", _finish(_long_length)),
    # public key (RFC 3279 §2.3)
    "point-compressed": ("a compressed point", _spki(_compress_point)),
    "point-off-curve": ("a point that is not on the curve", _point(b"\x04" + b"\x01" * 64)),
    "point-infinity": ("the point at infinity", _point(b"\0")),
    "rsa-exponent-1": ("RSA with exponent 1", _rsa_spki(_MODULUS, 1)),
    "rsa-exponent-even": ("RSA with an even exponent", _rsa_spki(_MODULUS, 4)),
    "rsa-exponent-large": ("RSA with an exponent of 64 bits", _rsa_spki(_MODULUS, (1 << 63) + 1)),
    "rsa-modulus-negative": ("RSA with a negative modulus", _rsa_spki(-_MODULUS, 65537)),
    "rsa-modulus-even": ("RSA with an even modulus", _rsa_spki(_MODULUS + 1, 65537)),
    "rsa-modulus-zero": ("RSA with modulus 0", _rsa_spki(0, 65537)),
    "rsa-no-parameters": ("RSA without NULL parameters", _rsa_spki(_MODULUS, 65537, b"")),
    "key-unknown": (
        "a key of an unknown algorithm",
        _with(
            spki=der.sequence(der.sequence(der.oid("1.3.6.1.4.1.55555.5")), der.bit_string(b"x"))
        ),
    ),
    "key-mldsa": (
        "an ML-DSA-44 key",
        _with(
            spki=der.sequence(
                der.sequence(der.oid("2.16.840.1.101.3.4.3.17")), der.bit_string(b"\x05" * 1312)
            )
        ),
    ),
    "curve-unknown": (
        "a key of an unknown curve",
        _with(
            spki=der.sequence(
                der.sequence(EC, der.oid("1.3.6.1.4.1.55555.6")),
                der.bit_string(b"\x04" + b"\x01" * 64),
            )
        ),
    ),
}
"""Id → what is odd, in words, and what makes it so."""
