"""What Go reports of a chain that it does not trust, as faults: each with the rule and Go's words.

A problem has a key besides: by it the search for further faults forgives this one.
"""

from typing import Final, NamedTuple

from msgspec.structs import replace

from probe.exporters.fault_values import USAGE_NAMES
from probe.exporters.go_certificate import GoCertificate, Refusal
from probe.exporters.go_constraints import ConstraintFault, describe_limit
from probe.exporters.go_hostname import SPIFFE, relies_on_common_name, strip_brackets
from probe.exporters.go_names import parse_ip
from probe.exporters.go_subtrees import format_address
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.safe_text import safe_text
from probe.x509.distinguished_name import format_name, read_common_name
from probe.x509.public_key import read_public_key
from probe.x509.raw_certificate import read_certificate

Key = tuple[str, ...]

VERIFY: Final = "tls: failed to verify certificate: "
_UNKNOWN: Final = f"{VERIFY}x509: certificate signed by unknown authority"
_MAX_SHOWN: Final = 20
_GO_TYPES: Final = {
    "RSA": "*rsa.PublicKey",
    "ECDSA": "*ecdsa.PublicKey",
    "Ed25519": "ed25519.PublicKey",
    "DSA": "*dsa.PublicKey",
    "": "<nil>",
}


class Problem(NamedTuple):
    """A fault, and by which key it is forgiven; None where nothing comes after it."""

    fault: PathFault
    key: Key | None
    is_limit: bool = False


def make_key(kind: str, *certificates: GoCertificate) -> Key:
    """Return what names a fault of these certificates."""
    return (kind, *(one.sha256 for one in certificates))


def _make(
    kind: PathFaultKind,
    one: GoCertificate,
    place: int | None,
    rule: str,
    says: str,
    value: str = "",
    limit: str = "",
) -> PathFault:
    return PathFault(
        kind=kind,
        subject=format_name(one.subject),
        sha256=one.sha256,
        position=place,
        value=safe_text(value),
        limit=safe_text(limit),
        rule=rule,
        says=safe_text(says),
    )


def _make_hint(reason: str) -> str:
    """Return how Go reports a candidate's fault, without the candidate's name."""
    return f'{_UNKNOWN} (possibly because of "{reason}" while trying to verify candidate authority'


def make_empty_chain() -> Problem:
    """The server sends no certificate."""
    says = "tls: received empty certificates message"
    return Problem(PathFault(kind="unreadable", rule="crypto/tls", says=says), None)


def make_large_message(size: int, limit: int) -> Problem:
    """The message with the certificates is longer than crypto/tls reads."""
    says = "tls: handshake message of length"
    rule = "crypto/tls, maxHandshakeCertificateMsg"
    fault = PathFault(
        kind="too_complex", value=f"{size} bytes", limit=f"{limit} bytes", rule=rule, says=says
    )
    return Problem(fault, None)


def make_unreadable(der: bytes, place: int, refusal: Refusal) -> Problem:
    """crypto/x509 does not parse a certificate that was sent."""
    one = read_certificate(der)
    reason = refusal.says.removeprefix("x509: ")
    fault = PathFault(
        kind="unreadable",
        subject="" if one is None else format_name(one.subject),
        sha256="" if one is None else one.sha256,
        position=place,
        value=safe_text(f"{reason}: {refusal.value}" if refusal.value else reason),
        rule="crypto/x509, parseCertificate",
        says=safe_text(f"tls: failed to parse certificate from server: {refusal.says}"),
    )
    return Problem(fault, None)


def make_large_key(one: GoCertificate, place: int, limit: int) -> Problem:
    """A certificate that was sent has an RSA key that crypto/tls does not touch."""
    says = f"tls: server sent certificate containing RSA key larger than {limit} bits"
    bits = f"RSA {one.rsa_bits} bits"
    rule = "crypto/tls, checkKeySize"
    return Problem(_make("weak_key", one, place, rule, says, bits, f"at most {limit} bits"), None)


def make_critical(one: GoCertificate, place: int | None) -> Problem:
    """A critical extension that crypto/x509 does not, or not fully, understand."""
    says = f"{VERIFY}x509: unhandled critical extension"
    value = ", ".join(one.unhandled_critical[:_MAX_SHOWN])
    fault = _make("critical_extension", one, place, "RFC 5280 §4.2", says, value)
    return Problem(fault, make_key("critical_extension", one))


_EXPIRED: Final = f"{VERIFY}x509: certificate has expired or is not yet valid"


def make_not_yet_valid(one: GoCertificate, place: int | None) -> Problem:
    """The time is before notBefore."""
    value = f"{one.not_before:.0f}"
    fault = _make("not_yet_valid", one, place, "RFC 5280 §6.1.3 (a) (2)", _EXPIRED, value)
    return Problem(fault, make_key("not_yet_valid", one))


def make_expired(one: GoCertificate, place: int | None) -> Problem:
    """The time is after notAfter."""
    value = f"{one.not_after:.0f}"
    fault = _make("expired", one, place, "RFC 5280 §6.1.3 (a) (2)", _EXPIRED, value)
    return Problem(fault, make_key("expired", one))


def make_not_a_ca(one: GoCertificate, place: int | None, *, via_hint: bool) -> Problem:
    """An issuer may not sign certificates."""
    if via_hint:
        says = _make_hint(
            "x509: invalid signature: parent certificate cannot sign this kind of certificate"
        )
    else:
        says = f"{VERIFY}x509: certificate is not authorized to sign other certificates"
    if not one.has_basic_constraints:
        value, limit = "no basicConstraints", "basicConstraints CA:TRUE"
    elif not one.is_ca:
        value, limit = "basicConstraints CA:FALSE", "basicConstraints CA:TRUE"
    else:
        value, limit = "keyUsage without keyCertSign", "keyUsage keyCertSign"
    rule = "RFC 5280 §6.1.4 (n)" if limit.endswith("keyCertSign") else "RFC 5280 §6.1.4 (k)"
    fault = _make("not_a_ca", one, place, rule, says, value, limit)
    return Problem(fault, make_key("not_a_ca", one))


def make_path_length(one: GoCertificate, place: int | None, between: int) -> Problem:
    """More CAs are below an issuer than it allows."""
    says = f"{VERIFY}x509: too many intermediates for path length constraint"
    fault = _make(
        "path_length",
        one,
        place,
        "RFC 5280 §6.1.4 (m)",
        says,
        str(between),
        str(one.path_length),
    )
    return Problem(fault, make_key("path_length", one))


def make_weak_signature(one: GoCertificate, place: int | None, *, is_known: bool) -> Problem:
    """A signature by an algorithm that Go does not verify."""
    if is_known and one.signature_algorithm is not None:
        name = one.signature_algorithm.name
        says = _make_hint(f"x509: cannot verify signature: insecure algorithm {name}")
    else:
        name = (
            one.signature_algorithm.name if one.signature_algorithm else f"OID {one.algorithm_oid}"
        )
        says = _make_hint("x509: cannot verify signature: algorithm unimplemented")
    rule = "crypto/x509, checkSignature"
    fault = _make("weak_signature", one, place, rule, says, name)
    return Problem(fault, make_key("weak_signature", one))


def make_bad_signature(
    one: GoCertificate, place: int | None, parent: GoCertificate, *, is_other_kind: bool
) -> Problem:
    """An issuer of that name is known, and its key did not sign."""
    if is_other_kind:
        algorithm = one.signature_algorithm
        kind = algorithm.key if algorithm else ""
        says = _make_hint(
            f"x509: signature algorithm specifies an {kind} public key, but have public key of "
            f"type {_GO_TYPES[parent.key]}"
        )
    elif parent.key == "RSA":
        says = _make_hint("crypto/rsa: verification error")
    else:
        says = _make_hint(f"x509: {parent.key} verification failure")
    fault = _make(
        "bad_signature",
        one,
        place,
        "RFC 5280 §6.1.3 (a) (1)",
        says,
    )
    return Problem(fault, make_key("bad_signature", one, parent))


def make_weak_key(one: GoCertificate, place: int | None, says: str, limit: int) -> Problem:
    """An issuer's RSA key that crypto/rsa does not verify with."""
    value = f"RSA {one.rsa_bits} bits"
    fault = _make(
        "weak_key", one, place, "crypto/rsa, checkKeySize", _make_hint(says), value, f"{limit} bits"
    )
    return Problem(fault, make_key("weak_key", one))


def make_weak_leaf_key(one: GoCertificate, says: str, limit: int) -> Problem:
    """The end entity's RSA key that crypto/rsa does not verify with."""
    says = f"tls: invalid signature by the server certificate: {says}"
    value = f"RSA {one.rsa_bits} bits"
    fault = _make("weak_key", one, 0, "crypto/rsa, checkKeySize", says, value, f"{limit} bits")
    return Problem(fault, make_key("weak_key", one))


def make_unsupported_key(one: GoCertificate) -> Problem:
    """The end entity's key is of a kind that crypto/tls does not use."""
    says = (
        "tls: server's certificate contains an unsupported type of public key: "
        f"{_GO_TYPES[one.key]}"
    )
    rule = "crypto/tls, verifyServerCertificate"
    fault = _make("unreadable", one, 0, rule, says, one.key or "unknown key", "RSA, ECDSA, Ed25519")
    return Problem(fault, make_key("unreadable", one))


def make_unknown_key(one: GoCertificate, place: int | None) -> Problem:
    """An issuer is passed over: crypto/x509 does not know its kind of key."""
    key = read_public_key(one.spki)
    kind = "" if key is None else key.algorithm.oid if key.kind == "unknown" else key.kind
    value = f"its key is of a kind that crypto/x509 does not know: {kind}"
    fault = _make("unreadable", one, place, "crypto/x509, parseCertificate", "", value)
    return Problem(fault, None)


def make_unknown_authority(one: GoCertificate, place: int | None, hint: Problem | None) -> Problem:
    """Nobody issued it; or the one who may have has a fault of its own, which is the cause."""
    if hint is not None:
        return hint
    return Problem(_make("no_anchor", one, place, "RFC 5280 §6.1", _UNKNOWN), None)


def make_limit(one: GoCertificate, place: int | None, limit: int) -> Problem:
    """So many candidates have the issuer's name that Go gives up."""
    says = f"{VERIFY}x509: signature check attempts limit reached while verifying certificate chain"
    rule = "crypto/x509, maxChainSignatureChecks"
    value, allowed = f"more than {limit} signature checks", str(limit)
    return Problem(_make("too_complex", one, place, rule, says, value, allowed), None, True)


def make_costly(leaf: GoCertificate, what: str) -> Problem:
    """More of something than this model compares: not Go's limit."""
    rule = "this probe compares a bounded number of them"
    return Problem(_make("too_complex", leaf, 0, rule, "", what), None)


def make_policy(leaf: GoCertificate) -> Problem:
    """A policy is demanded, and none is valid on the path."""
    says = f"{VERIFY}x509: no valid chains built"
    return Problem(
        _make("policy", leaf, 0, "RFC 5280 §6.1.5 (g), RFC 9618", says),
        make_key("policy", leaf),
    )


def make_wrong_usage(
    one: GoCertificate, place: int | None, *, is_leaf: bool, usage: str
) -> Problem:
    """ExtendedKeyUsage lists usages, and `usage` is not among them."""
    kind: PathFaultKind = "wrong_usage" if is_leaf else "wrong_usage_above"
    says = f"{VERIFY}x509: certificate specifies an incompatible key usage"
    value = ", ".join(USAGE_NAMES.get(oid, oid) for oid in one.usages[:_MAX_SHOWN])
    fault = _make(kind, one, place, "RFC 5280 §4.2.1.12", says, value, usage)
    return Problem(fault, make_key(kind, one))


def count_paths(problem: Problem, paths: dict[str, int]) -> Problem:
    """Say how many paths have invalid policies, and how many an incompatible usage (Verify)."""
    if not paths.get("policy"):
        return problem
    usages = paths.get("wrong_usage", 0) + paths.get("wrong_usage_above", 0)
    details = [f"{usages} candidate chains with incompatible key usage"] if usages else []
    details.append(f"{paths['policy']} candidate chains with invalid policies")
    says = f"{VERIFY}x509: no valid chains built: {', '.join(details)}"
    return problem._replace(fault=replace(problem.fault, says=says))


def make_name_constraint(
    leaf: GoCertificate, broken: ConstraintFault, place: int | None
) -> Problem:
    """A name on the path that a certificate above does not allow."""
    says = (
        f"{VERIFY}x509: a root or intermediate certificate is not authorized to sign for this "
        f"name: {broken.says}"
    )
    limit = ""
    if broken.by is not None:
        limit = f"{describe_limit(broken)}, by {format_name(broken.by.subject)}"
    rule = "RFC 5280 §4.2.1.10"
    fault = _make("name_constraint", broken.holder, place, rule, says, broken.name, limit)
    return Problem(fault, make_key("name_constraint", leaf))


def make_mismatch(leaf: GoCertificate, reference: str) -> Problem:
    """The reference identifier is not among the presented ones."""
    presented = list_presented(leaf)
    value = ", ".join(presented[:_MAX_SHOWN])
    if len(presented) > _MAX_SHOWN:
        value += f" and {len(presented) - _MAX_SHOWN} more"
    fault = _make(
        "name_mismatch",
        leaf,
        0,
        "RFC 9525 §6",
        _describe_mismatch(leaf, reference),
        value,
        reference,
    )
    return Problem(fault, make_key("name_mismatch", leaf))


def list_presented(leaf: GoCertificate) -> list[str]:
    """Return the names that a certificate presents, with their kinds."""
    return [
        *(f"DNS:{name}" for name in leaf.dns_names),
        *(f"IP:{format_address(address)}" for address in leaf.ips),
        *(f"URI:{text}" for text, _ in leaf.uris),
        *(f"email:{text}" for text in leaf.emails),
    ]


def _describe_mismatch(leaf: GoCertificate, reference: str) -> str:
    if reference.startswith(SPIFFE):
        return ""
    if relies_on_common_name(leaf, read_common_name(leaf.subject), reference):
        return f"{VERIFY}x509: certificate relies on legacy Common Name field, use SANs instead"
    host = strip_brackets(reference)
    if parse_ip(host) is not None:
        names = [format_address(one) for one in leaf.ips]
        if not names:
            return (
                f"{VERIFY}x509: cannot validate certificate for {host} because it doesn't contain "
                "any IP SANs"
            )
        kind = "IP SANs"
    else:
        host, names, kind = reference, list(leaf.dns_names), "names"
    if len(names) >= 100:
        return (
            f"{VERIFY}x509: certificate is valid for {len(names)} {kind}, but none matched {host}"
        )
    if not ", ".join(names):
        return f"{VERIFY}x509: certificate is not valid for any names, but wanted to match {host}"
    return f"{VERIFY}x509: certificate is valid for {', '.join(names)}, not {host}"
