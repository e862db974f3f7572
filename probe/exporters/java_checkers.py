"""What each certificate of a path is held to by the JDK's checkers, from the anchor down.

Rules name classes of sun.security.provider.certpath and sun.security.validator.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from probe.exporters.java_certificate import JavaCertificate
from probe.exporters.java_constraints import find_violation
from probe.exporters.java_extensions import SubtreesValue
from probe.exporters.java_policies import find_policy_fault
from probe.model.path_fault import PathFaultKind
from probe.x509 import extensions as ext
from probe.x509.public_key import PublicKey, load_public_key
from probe.x509.raw_certificate import Certificate
from probe.x509.signature import check_signature
from probe.x509.signature_scheme import read_scheme

HANDLED: Final = frozenset(
    {
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.BASIC_CONSTRAINTS,
        ext.NAME_CONSTRAINTS,
        ext.CERTIFICATE_POLICIES,
        ext.POLICY_MAPPINGS,
        ext.POLICY_CONSTRAINTS,
        ext.INHIBIT_ANY_POLICY,
    }
)
_SERVER_USAGES: Final = frozenset(
    {ext.SERVER_AUTH, ext.ANY_USAGE, "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"}
)
_NULL: Final = b"\x05\x00"
_USAGE_BITS: Final = 0x7F
_HASHES: Final = frozenset({"sha1", "sha256", "sha384", "sha512"})
"""Of the schemes that JSSE offers: a certificate signed by another is not wanted."""
_SIGNING: Final = frozenset({"RSA", "RSASSA-PSS", "EC", "Ed25519", "Ed448", "DSA"})
VALIDATION: Final = "PKIX path validation failed: "


class Problem(NamedTuple):
    """A rule that a certificate breaks."""

    kind: PathFaultKind
    certificate: Certificate | None
    rule: str
    says: str
    value: str = ""
    limit: str = ""


def may_issue(anchor: JavaCertificate, one: JavaCertificate) -> bool:
    """As AdaptableX509CertSelector: key identifier and serial number, where both sides have them."""
    key_id, serial = one.authority
    if key_id is not None:
        if ext.SUBJECT_KEY_ID in anchor.unreadable:
            return False
        if anchor.subject_key_id not in {None, key_id}:
            return False
    if serial is None or anchor.version < 2:
        return True
    return int.from_bytes(serial, signed=True) == anchor.raw.serial_number


def check_path(
    path: list[JavaCertificate], anchor: JavaCertificate, at: float, *, is_built: bool
) -> Iterator[Problem]:
    """Yield what the checkers find, from the anchor down."""
    constraints: list[SubtreesValue] = []
    remaining = len(path) - 1
    most_below = len(path)
    issuer: JavaCertificate = anchor
    for depth in range(len(path) - 1, -1, -1):
        one = path[depth]
        yield from _check_algorithm(one, issuer)
        if depth and one.key_usage is not None and not one.key_usage & ext.KEY_CERT_SIGN:
            says = f"{VALIDATION}CA key usage check failed: keyCertSign bit is not set"
            yield Problem("not_a_ca", one.raw, "KeyChecker", says, "keyUsage")
        if depth:
            limit = one.basic_constraints
            if one.version < 2:
                is_top = depth == remaining and one.is_self_issued
                limit = 1 << 31 if is_top else -1
            if limit == -1:
                says = f"{VALIDATION}basic constraints check failed: this is not a CA certificate"
                yield Problem("not_a_ca", one.raw, "ConstraintsChecker", says)
            if not one.is_self_issued:
                if most_below <= 0:
                    says = f"{VALIDATION}basic constraints check failed: pathLenConstraint violated"
                    yield Problem("path_length", one.raw, "ConstraintsChecker", says)
                most_below -= 1
            most_below = min(most_below, limit)
        if not depth or not one.is_self_issued:
            for value in constraints:
                violation = find_violation(one, value)
                if violation is not None:
                    says = f"{VALIDATION}name constraints check failed"
                    name, limits, _ = violation
                    rule = "NameConstraintsExtension"
                    yield Problem("name_constraint", one.raw, rule, says, name, limits)
        if one.constraints is not None:
            constraints.append(one.constraints)
        policy = find_policy_fault(path, depth)
        if policy:
            yield Problem("policy", one.raw, "PolicyChecker", VALIDATION + policy)
        if not is_built:
            yield from check_dates(one, at)
        if not _is_signed(one, issuer):
            says = f"{VALIDATION}signature check failed"
            yield Problem("bad_signature", one.raw, "BasicChecker", says)
        if one.critical - HANDLED:
            yield name_unhandled(one)
        issuer = one


def name_unhandled(one: JavaCertificate) -> Problem:
    """Return the problem of a critical extension that no checker handles."""
    value = min(one.critical - HANDLED)
    says = f"{VALIDATION}unrecognized critical extension(s)"
    return Problem("critical_extension", one.raw, "PKIXMasterCertPathValidator", says, value)


def check_dates(one: JavaCertificate, at: float) -> Iterator[Problem]:
    """As CertificateValidity.valid."""
    says = f"{VALIDATION}validity check failed"
    if one.valid_from > at:
        yield Problem("not_yet_valid", one.raw, "CertificateValidity", says)
    if one.valid_until < at:
        yield Problem("expired", one.raw, "CertificateValidity", says)


def _check_algorithm(one: JavaCertificate, issuer: JavaCertificate) -> Iterator[Problem]:
    """As AlgorithmChecker, by jdk.certpath.disabledAlgorithms and the offered schemes."""
    scheme = read_scheme(one.raw.outer_algorithm)
    shown = scheme.name if scheme else one.raw.outer_algorithm.oid
    if scheme is not None and scheme.hash and scheme.hash not in _HASHES:
        says = f"{VALIDATION}Algorithm constraints check failed on signature algorithm: {shown}"
        yield Problem("weak_signature", one.raw, "AlgorithmChecker", says, shown)
    if one.key_usage is not None and not one.key_usage & _USAGE_BITS:
        says = f"{VALIDATION}incorrect KeyUsage extension bits"
        yield Problem("malformed", one.raw, "AlgorithmChecker", says, "keyUsage")
    for each in (one, issuer):
        small = find_small_key(each.key)
        if small:
            says = f"{VALIDATION}Algorithm constraints check failed on keysize limits"
            yield Problem("weak_key", each.raw, "AlgorithmChecker", says, small)


def find_small_key(key: PublicKey) -> str:
    """Return a key that jdk.certpath.disabledAlgorithms forbids for its size."""
    least = {"RSA": 1024, "RSASSA-PSS": 1024, "DSA": 1024, "EC": 224}.get(key.kind, 0)
    return f"{key.kind} {key.bits}" if key.bits < least else ""


def _is_signed(one: JavaCertificate, issuer: JavaCertificate) -> bool:
    algorithm = one.raw.outer_algorithm
    scheme = read_scheme(algorithm)
    if scheme is not None and not scheme.is_pss and algorithm.parameters not in {b"", _NULL}:
        return False
    raw = one.raw
    if raw.unused_signature_bits:  # unused bits are dropped; by another content it is kept apart
        raw = replace(raw, der=raw.der + b"\0", unused_signature_bits=0)
    return check_signature(raw, issuer.raw.spki) == "valid"


def check_end_entity(one: JavaCertificate) -> Problem | None:
    """As EndEntityChecker.checkTLSServer."""
    if one.key_usage is not None and not one.key_usage & ext.DIGITAL_SIGNATURE:
        says = "KeyUsage does not allow digital signatures"
        return Problem("wrong_usage", one.raw, "EndEntityChecker", says, "keyUsage")
    if one.usages is not None and not _SERVER_USAGES.intersection(one.usages):
        says = "Extended key usage does not permit use for TLS server authentication"
        value = ", ".join(one.usages[:8])
        return Problem("wrong_usage", one.raw, "EndEntityChecker", says, value, ext.SERVER_AUTH)
    if one.netscape_type is not None and not one.netscape_type & 0x40:
        says = "Netscape cert type does not permit use for SSL server"
        return Problem("wrong_usage", one.raw, "EndEntityChecker", says, "nsCertType")
    return None


def check_handshake_key(one: JavaCertificate) -> Problem | None:
    """Check that the handshake's signature can be verified with the key."""
    if one.key.kind in _SIGNING and load_public_key(one.raw.spki) is not None:
        return None
    says = "Cannot verify CertificateVerify signature"
    return Problem("weak_key", one.raw, "CertificateVerify", says, one.key.algorithm.oid)
