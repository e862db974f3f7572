"""A certificate as BoringSSL reads it: DER alone (crypto/x509/x_x509.cc, v3_purp.cc, policy.cc)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from probe.exporters.openssl_certificate import SHAPES, OpenSslCertificate, read_with_any_value
from probe.exporters.path_faults import get_pool
from probe.exporters.path_verdict import PathRequest
from probe.model.path_fault import PathFault
from probe.x509 import der as asn1
from probe.x509 import extensions as ext
from probe.x509 import templates
from probe.x509.der import Reader
from probe.x509.policies import CertifiedPolicies, are_policies_valid
from probe.x509.public_key import PublicKey
from probe.x509.raw_certificate import Certificate, WrittenTime
from probe.x509.signature_scheme import read_scheme
from probe.x509.templates import has_shape, is_oid
from probe.x509.times import read_time

MAX_ANCHORS_READ: Final = 500
_KNOWN: Final = frozenset(
    {
        ext.KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.BASIC_CONSTRAINTS,
        ext.CERTIFICATE_POLICIES,
        ext.EXTENDED_KEY_USAGE,
        ext.POLICY_CONSTRAINTS,
        ext.NAME_CONSTRAINTS,
        ext.POLICY_MAPPINGS,
        ext.INHIBIT_ANY_POLICY,
    }
)
"""Critical extensions that X509_supported_extension has."""
_CURVES: Final = frozenset({"secp224r1", "secp256r1", "secp384r1", "secp521r1"})
_NULL: Final = b"\x05\x00"
_MAX_RSA_EXPONENT: Final = 1 << 33
_PSS_SALTS: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_HASHES: Final = frozenset({"", "sha1", "sha224", "sha256", "sha384", "sha512"})
_NETSCAPE_TYPE: Final = "2.16.840.1.113730.1.1"


def _read(der: bytes) -> OpenSslCertificate | None:
    one = read_with_any_value(der)
    if one is None or not has_shape(der, templates.CERTIFICATE, strict=True):
        return None
    raw = one.raw
    if raw.trailing or raw.version not in {0, 1, 2} or (raw.version < 2 and raw.extensions):
        return None
    if b"\x31\x00" in {raw.issuer[2:4], raw.subject[2:4]}:
        return None  # a SET has to hold one attribute at least
    if not _is_time(raw.not_before) or not _is_time(raw.not_after):
        return None
    key = one.key if one.key is not None and _is_supported(one.key) else None
    is_self_signed = (
        one.is_self_issued
        and one.is_likely_issued_by(one, by_algorithm=False)
        and not one.rejects_usage(ext.KEY_CERT_SIGN)
    )
    return replace(
        one,
        key=key,
        is_self_signed=is_self_signed,
        invalid_extension=_find_invalid(one),
        unknown_critical=next(
            (e.oid for e in raw.extensions if e.critical and e.oid not in _KNOWN), ""
        ),
    )


read_for_boringssl = lru_cache(maxsize=1024)(_read)
"""Return a certificate's flags; None where the library does not parse it."""


def _is_supported(key: PublicKey) -> bool:
    """As the decoders of crypto/evp: RSA with NULL, four named curves, Ed25519."""
    match key.kind:
        case "RSA":
            return key.algorithm.parameters == _NULL and key.exponent < _MAX_RSA_EXPONENT
        case "EC":
            return key.curve_name in _CURVES
        case "Ed25519":
            return not key.algorithm.parameters
        case _:
            return False


def _is_time(written: WrittenTime) -> bool:
    """As asn1_parse_time: DER, but a UTCTime may have an offset."""
    text = written.content
    if written.tag == asn1.UTC_TIME and len(text) == 17 and text[-5:-4] in {b"+", b"-"}:
        return text[:12].isdigit() and read_time(written) is not None
    width = {asn1.UTC_TIME: 13, asn1.GENERALIZED_TIME: 15}.get(written.tag)
    return len(text) == width and text.endswith(b"Z") and read_time(written) is not None


def _find_invalid(one: OpenSslCertificate) -> str:
    """Return an extension whose value spoils the certificate (x509v3_cache_extensions)."""
    seen: set[str] = set()
    for extension in one.raw.extensions:
        shape = SHAPES.get(extension.oid)
        if shape is None or extension.oid == _NETSCAPE_TYPE:
            continue
        if extension.oid in seen or not has_shape(extension.value, shape, strict=True):
            return extension.oid
        seen.add(extension.oid)
    if not has_valid_key_usage(one):
        return ext.KEY_USAGE
    if one.path_length is not None and (one.path_length < 0 or not one.is_ca):
        return ext.BASIC_CONSTRAINTS
    return ""


def find_unreadable_anchor(request: PathRequest) -> PathFault | None:
    """grpc-core makes no channel where one certificate of its file cannot be read."""
    for place, der in enumerate(get_pool(request)):
        if place >= MAX_ANCHORS_READ:
            break
        if read_for_boringssl(der) is None:
            says = "Failed to create security handshaker."
            return PathFault(kind="unreadable", rule="x509_store_load_certs", says=says)
    return None


def has_valid_key_usage(one: OpenSslCertificate) -> bool:
    """Return whether keyUsage can be read as ssl_cert_check_key_usage does."""
    extension = one.raw.get_extension(ext.KEY_USAGE)
    if extension is None:
        return True
    content = Reader(extension.value).read(asn1.BIT_STRING)
    return content is not None and asn1.read_bit_string(content) is not None


def is_known_algorithm(raw: Certificate) -> bool:
    """Return whether signatures of that algorithm are verified (crypto/x509/algorithm.cc)."""
    algorithm = raw.outer_algorithm
    scheme = read_scheme(algorithm)
    if scheme is None or scheme.hash not in _HASHES:
        return False
    if scheme.is_pss:
        return (
            scheme.mask_hash == scheme.hash
            and scheme.salt_length == _PSS_SALTS.get(scheme.hash)
            and scheme.trailer == 1
        )
    match scheme.key:
        case "RSA":
            return algorithm.parameters in {b"", _NULL}
        case "EC" | "Ed25519":
            return True
        case _:
            return False


def find_policy_fault(
    chain: Sequence[OpenSslCertificate],
) -> tuple[OpenSslCertificate, str] | None:
    """Return the certificate at fault, and its extension where that is what is malformed."""
    said = []
    for depth, one in enumerate(chain[:-1]):
        policies = _read_policies(one, is_issuer=depth > 0)
        if isinstance(policies, str):
            return one, policies
        said.append(policies)
    if are_policies_valid([*said, CertifiedPolicies()]):
        return None
    return chain[0], ""


def _read_policies(one: OpenSslCertificate, *, is_issuer: bool) -> CertifiedPolicies | str:
    values = {e.oid: e.value for e in one.raw.extensions}
    policies: tuple[bytes, ...] = ()
    value = values.get(ext.CERTIFICATE_POLICIES)
    if value is not None:
        found = _list_policies(value)
        if not found or len(set(found)) < len(found):
            return ext.CERTIFICATE_POLICIES
        policies = found
    mappings: tuple[tuple[bytes, bytes], ...] = ()
    value = values.get(ext.POLICY_MAPPINGS) if is_issuer else None
    if value is not None:
        pairs = ext.read_policy_mappings(value)
        if not pairs or any(ext.ANY_POLICY in pair for pair in pairs):
            return ext.POLICY_MAPPINGS
        mappings = tuple((asn1.encode_oid(a), asn1.encode_oid(b)) for a, b in pairs)
    explicit = mapping = inhibit_any = None
    value = values.get(ext.POLICY_CONSTRAINTS)
    if value is not None:
        limits = ext.read_policy_constraints(value)
        if limits is None or limits == (None, None) or min(n for n in limits if n is not None) < 0:
            return ext.POLICY_CONSTRAINTS
        explicit, mapping = limits
    value = values.get(ext.INHIBIT_ANY_POLICY)
    if value is not None:
        inhibit_any = ext.read_inhibit_any_policy(value)
        if inhibit_any is None or inhibit_any < 0:
            return ext.INHIBIT_ANY_POLICY
    return CertifiedPolicies(policies, mappings, explicit, mapping, inhibit_any, one.is_self_issued)


def _list_policies(value: bytes) -> tuple[bytes, ...] | None:
    content = Reader(value).read(asn1.SEQUENCE)
    if content is None:
        return None
    found = []
    reader = Reader(content)
    while not reader.is_empty:
        oid = Reader(reader.read(asn1.SEQUENCE) or b"").read(asn1.OBJECT_IDENTIFIER)
        if oid is None or not is_oid(oid):
            return None
        found.append(oid)
    return tuple(found)
