"""A certificate as OpenSSL and BoringSSL see it: the flags that their verification asks.

OpenSSL 3.0, crypto/x509/v3_purp.c (ossl_x509v3_cache_extensions, check_ca, X509_check_akid) and
x509_vfy.c; BoringSSL's crypto/x509/v3_purp.cc is of the same descent.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from probe.x509 import der as asn1
from probe.x509 import extensions as ext
from probe.x509 import templates
from probe.x509.canonical_name import STRINGS, canonicalize_for_openssl, has_only
from probe.x509.der import Reader
from probe.x509.extensions import NameConstraints
from probe.x509.public_key import EXPLICIT, PublicKey, load_public_key, read_public_key
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.signature_scheme import RSASSA_PSS, SignatureScheme, read_scheme
from probe.x509.templates import Template, has_shape

_NETSCAPE_TYPE: Final = "2.16.840.1.113730.1.1"
_PROXY: Final = "1.3.6.1.5.5.7.1.14"
KNOWN_TO_OPENSSL: Final = frozenset(
    {
        _NETSCAPE_TYPE,
        ext.KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.BASIC_CONSTRAINTS,
        ext.CERTIFICATE_POLICIES,
        ext.CRL_DISTRIBUTION_POINTS,
        ext.EXTENDED_KEY_USAGE,
        "1.3.6.1.5.5.7.1.7",  # sbgp-ipAddrBlock
        "1.3.6.1.5.5.7.1.8",  # sbgp-autonomousSysNum
        "1.3.6.1.5.5.7.48.1.5",  # id-pkix-ocsp-nocheck
        ext.POLICY_CONSTRAINTS,
        _PROXY,
        ext.NAME_CONSTRAINTS,
        ext.POLICY_MAPPINGS,
        ext.INHIBIT_ANY_POLICY,
    }
)
"""Critical extensions that X509_supported_extension has (v3_purp.c)."""
_SERVER_USAGES: Final = frozenset(
    {ext.SERVER_AUTH, "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"}
)
"""serverAuth, and the two of Server Gated Cryptography."""
_TLS_USAGE: Final = ext.DIGITAL_SIGNATURE | ext.KEY_ENCIPHERMENT | ext.KEY_AGREEMENT


@dataclass(frozen=True, slots=True)
class OpenSslCertificate:
    """What is cached of a certificate when it is first asked about."""

    raw: Certificate
    subject: bytes
    """The canonical name: what X509_NAME_cmp compares."""
    issuer: bytes
    invalid_extension: str
    """One known to the library whose value is not valid, or that occurs twice (EXFLAG_INVALID)."""
    is_version_1: bool
    is_self_issued: bool
    is_self_signed: bool
    """By names, key identifiers and algorithm alone: no signature is verified."""
    has_basic_constraints: bool
    is_ca: bool
    path_length: int | None
    key_usage: int | None
    usages: frozenset[str] | None
    netscape_type: int | None
    subject_key_id: bytes | None
    authority_key: bytes | None
    """Empty where the extension has no key identifier."""
    authority_serial: bytes | None
    authority_issuer: bytes | None
    """The canonical name of the issuer's issuer."""
    names: tuple[ext.GeneralName, ...] | None
    name_constraints: NameConstraints | None
    ranged: frozenset[ext.GeneralName]
    """Bases of subtrees that have a maximum, or a minimum other than 0."""
    bounded: frozenset[ext.GeneralName]
    """Bases of subtrees in which a minimum or maximum is written."""
    unknown_critical: str
    is_proxy: bool
    key: PublicKey | None
    """None where the library makes no key of it."""
    scheme: SignatureScheme | None

    def check_ca(self) -> int:
        """Return 1 for a CA, 0 for none, more for what is none but passes for one (check_ca)."""
        if self.rejects_usage(ext.KEY_CERT_SIGN):
            return 0
        if self.has_basic_constraints:
            return int(self.is_ca)
        if self.is_version_1 and self.is_self_signed:
            return 3
        if self.key_usage is not None:
            return 4
        return 5 if self.netscape_type is not None and self.netscape_type & 0x07 else 0

    def rejects_usage(self, usage: int) -> bool:
        """Whether keyUsage is present and has none of these bits."""
        return self.key_usage is not None and not self.key_usage & usage

    def check_purpose(self, *, is_issuer: bool) -> str:
        """Return what rule forbids its use for a TLS server's path; empty where none does."""
        if self.usages is not None and not self.usages & _SERVER_USAGES:
            return "extendedKeyUsage"
        if is_issuer:
            found = self.check_ca()
            netscape = self.netscape_type or 0
            return "" if found and (found != 5 or netscape & 0x04) else "basicConstraints"
        if self.netscape_type is not None and not self.netscape_type & 0x40:
            return "nsCertType"
        return "keyUsage" if self.rejects_usage(_TLS_USAGE) else ""

    def is_likely_issued_by(self, issuer: "OpenSslCertificate", *, by_algorithm: bool) -> bool:
        """Whether names, key identifiers and, in OpenSSL, the kind of key fit."""
        if issuer.subject != self.issuer or issuer.invalid_extension or self.invalid_extension:
            return False
        return self._has_key_of(issuer) and (not by_algorithm or self._fits_key_of(issuer.key))

    def _has_key_of(self, issuer: "OpenSslCertificate") -> bool:
        """As X509_check_akid does."""
        if self.authority_key and issuer.subject_key_id not in {None, self.authority_key}:
            return False
        if self.authority_serial is not None and self.authority_serial != issuer.raw.serial:
            return False
        return self.authority_issuer is None or self.authority_issuer == issuer.issuer

    def _fits_key_of(self, key: PublicKey | None) -> bool:
        """As check_sig_alg_match does."""
        if key is None or self.scheme is None:
            return False
        if self.scheme.key == "EC" and self.scheme.hash.startswith("sha3-"):
            return False  # OBJ_find_sigid_algs of OpenSSL 3.0 has them not
        wanted = "RSASSA-PSS" if self.raw.outer_algorithm.oid == RSASSA_PSS else self.scheme.key
        return key.kind == wanted or (wanted == "RSASSA-PSS" and key.kind == "RSA")


def _read(der: bytes) -> OpenSslCertificate | None:
    raw = read_certificate(der)
    if raw is None or not has_shape(der, templates.CERTIFICATE):
        return None
    subject = canonicalize_for_openssl(raw.subject)
    issuer = canonicalize_for_openssl(raw.issuer)
    if subject is None or issuer is None:
        return None
    values = {e.oid: e.value for e in reversed(raw.extensions)}
    basic = values.get(ext.BASIC_CONSTRAINTS)
    constraints = None if basic is None else ext.read_basic_constraints(basic)
    usage_value = values.get(ext.KEY_USAGE)
    key_usage = None if usage_value is None else ext.read_key_usage(usage_value)
    eku = values.get(ext.EXTENDED_KEY_USAGE)
    usages = None if eku is None else ext.read_usages(eku)
    san = values.get(ext.SUBJECT_ALT_NAME)
    names = None if san is None else ext.read_general_names(san)
    nc = values.get(ext.NAME_CONSTRAINTS)
    name_constraints = None if nc is None else ext.read_name_constraints(nc)
    skid = values.get(ext.SUBJECT_KEY_ID)
    subject_key_id = None if skid is None else ext.read_subject_key_id(skid)
    authority = _read_authority(values.get(ext.AUTHORITY_KEY_ID))
    length = None if constraints is None else constraints.path_length
    invalid_extension = next(
        (
            oid
            for oid, shape in SHAPES.items()
            if oid in values and not has_shape(values[oid], shape)
        ),
        "",
    )
    if not invalid_extension:
        is_proxy_ca = _PROXY in values and bool(constraints and constraints.is_ca)
        broken = {
            ext.BASIC_CONSTRAINTS: (length or 0) < 0,
            ext.KEY_USAGE: usage_value is not None and not key_usage,
            _PROXY: is_proxy_ca
            or (_PROXY in values and (san is not None or ext.ISSUER_ALT_NAME in values)),
        }
        invalid_extension = next((oid for oid, is_broken in broken.items() if is_broken), "")
    invalid_extension = invalid_extension or _find_duplicate(raw)
    key = read_public_key(raw.spki)
    if key is not None and key.curve != EXPLICIT and load_public_key(raw.spki) is None:
        key = None
    is_self_issued = subject == issuer
    found = OpenSslCertificate(
        raw=raw,
        subject=subject,
        issuer=issuer,
        invalid_extension=invalid_extension,
        is_version_1=raw.version == 0,
        is_self_issued=is_self_issued,
        is_self_signed=False,
        has_basic_constraints=constraints is not None,
        is_ca=constraints is not None and constraints.is_ca,
        path_length=length,
        key_usage=key_usage,
        usages=None if usages is None else frozenset(usages),
        netscape_type=_read_netscape(values.get(_NETSCAPE_TYPE)),
        subject_key_id=subject_key_id,
        authority_key=None if authority is None else authority[0],
        authority_serial=None if authority is None else authority[1],
        authority_issuer=None if authority is None else authority[2],
        names=names,
        name_constraints=name_constraints,
        ranged=_list_ranged(nc, or_zero=False),
        bounded=_list_ranged(nc, or_zero=True),
        unknown_critical=next(
            (e.oid for e in raw.extensions if e.critical and e.oid not in KNOWN_TO_OPENSSL), ""
        ),
        is_proxy=_PROXY in values,
        key=key,
        scheme=read_scheme(raw.outer_algorithm),
    )
    is_self_signed = is_self_issued and found.is_likely_issued_by(found, by_algorithm=True)
    return replace(found, is_self_signed=is_self_signed)


def _read_with_strings(der: bytes) -> OpenSslCertificate | None:
    found = read_with_any_value(der)
    if found is None or not has_only(STRINGS, found.raw.subject):
        return None
    return found if has_only(STRINGS, found.raw.issuer) else None


read_with_any_value = lru_cache(maxsize=1024)(_read)
"""Return the same, also where a name has a value of any type."""
read_for_openssl = lru_cache(maxsize=1024)(_read_with_strings)
"""Return a certificate's flags; None where the library does not parse it."""


_CACHED: Final = frozenset(
    {
        ext.BASIC_CONSTRAINTS,
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.NAME_CONSTRAINTS,
        ext.SUBJECT_KEY_ID,
        ext.AUTHORITY_KEY_ID,
        ext.CRL_DISTRIBUTION_POINTS,
        _NETSCAPE_TYPE,
        _PROXY,
    }
)


SHAPES: Final[dict[str, Template]] = {
    ext.BASIC_CONSTRAINTS: templates.BASIC_CONSTRAINTS,
    ext.KEY_USAGE: templates.BIT_STRING,
    ext.EXTENDED_KEY_USAGE: templates.USAGES,
    ext.SUBJECT_ALT_NAME: templates.GENERAL_NAMES,
    ext.NAME_CONSTRAINTS: templates.NAME_CONSTRAINTS,
    ext.SUBJECT_KEY_ID: templates.OCTET_STRING,
    ext.AUTHORITY_KEY_ID: templates.AUTHORITY_KEY_ID,
    ext.CRL_DISTRIBUTION_POINTS: templates.DISTRIBUTION_POINTS,
    _NETSCAPE_TYPE: templates.BIT_STRING,
}


def _find_duplicate(raw: Certificate) -> str:
    """Return an extension that is cached and occurs twice (X509_get_ext_d2i returns -2)."""
    seen: set[str] = set()
    for extension in raw.extensions:
        if extension.oid in _CACHED and extension.oid in seen:
            return extension.oid
        seen.add(extension.oid)
    return ""


def _list_ranged(value: bytes | None, *, or_zero: bool) -> frozenset[ext.GeneralName]:
    """Return the bases of subtrees with a maximum, or a minimum that says something."""
    found: set[ext.GeneralName] = set()
    trees = Reader(Reader(value or b"", strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    while (tree := trees.read_any()) is not None:
        subtrees = Reader(tree.content, strict=False)
        while (subtree := subtrees.read(asn1.SEQUENCE)) is not None:
            fields = Reader(subtree, strict=False)
            base, bound = fields.read_any(), fields.read_any()
            if (
                base is not None
                and bound is not None
                and (or_zero or bound.tag == 0x81 or any(bound.content))
            ):
                found.add(ext.GeneralName(base.tag & asn1.LONG_TAG, base.content))
    return frozenset(found)


_Authority = tuple[bytes, bytes | None, bytes | None]


def _read_authority(value: bytes | None) -> _Authority | None:
    """Return key, serial number and issuer of authorityKeyIdentifier; None where malformed."""
    if value is None:
        return (b"", None, None)
    contents = Reader(value, strict=False).read(asn1.SEQUENCE)
    if contents is None:
        return None
    fields = Reader(contents, strict=False)
    key = fields.read(asn1.CONTEXT) if fields.peek() == asn1.CONTEXT else b""
    names = fields.read(_ISSUER) if fields.peek() == _ISSUER else b""
    serial = fields.read(asn1.CONTEXT | 2) if fields.peek() == asn1.CONTEXT | 2 else None
    if key is None or names is None:
        return None
    return (key, serial, _read_directory_name(names))


_ISSUER: Final = asn1.CONTEXT | asn1.CONSTRUCTED | 1


def _read_directory_name(names: bytes) -> bytes | None:
    reader = Reader(names, strict=False)
    while (name := reader.read_any()) is not None:
        if name.tag & asn1.LONG_TAG == ext.DIRECTORY:
            return canonicalize_for_openssl(name.content)
    return None


def _read_netscape(value: bytes | None) -> int | None:
    content = None if value is None else Reader(value, strict=False).read(asn1.BIT_STRING)
    return content[1] if content is not None and len(content) > 1 else None
