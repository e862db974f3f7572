"""How exporters over OpenSSL 3 judge a server's chain: Python's HTTP, Node's, and curl.

The same library under other settings. Python's (requests, urllib3 2 over CPython's ssl) checks the
name within the verification; Node goes on after an error, reports the last one and then compares
names in JavaScript; curl takes any certificate of its file for an anchor. Measured with CPython
3.11 (urllib3 2.8, requests 2.34) and curl 7.88 over Debian's OpenSSL 3.0.19, and with Node 20.20.
From Python 3.13 on, urllib3 asks for the strict rules of RFC 5280 and takes any certificate of the
file for an anchor: `PYTHON_3_13_HTTP` of verifiers.py, measured with CPython 3.13.0.

Rules name functions of OpenSSL 3.0's crypto/x509/x509_vfy.c.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from probe.exporters import openssl_errors as errors
from probe.exporters.openssl_certificate import OpenSslCertificate, read_for_openssl
from probe.exporters.openssl_chain import MAX_DEPTH, Chain, read_strict_time
from probe.exporters.openssl_errors import VerifyCode
from probe.exporters.openssl_names import find_violation, is_address, is_host, parse_ip
from probe.exporters.openssl_strength import count_key_bits, count_signature_bits, describe_key
from probe.exporters.openssl_strict import list_strict_errors
from probe.exporters.path_faults import (
    find_large_message,
    get_pool,
    make_fault,
    make_refusing_verdict,
    make_trusting_verdict,
)
from probe.exporters.path_verdict import PathRequest, PathVerdict, Verifier
from probe.model.path_fault import PathFault
from probe.x509.extensions import KEY_CERT_SIGN, SERVER_AUTH
from probe.x509.public_key import EXPLICIT
from probe.x509.signature import check_signature

NameCheck = Callable[[OpenSslCertificate, str], bool]


@dataclass(frozen=True, slots=True)
class OpenSslUse:
    """How a runtime uses the library."""

    level: int
    """SSL_CTX_set_security_level: 1 wants 80 bits of security, 2 wants 112."""
    partial: bool = False
    """X509_V_FLAG_PARTIAL_CHAIN: any certificate of the file is an anchor."""
    strict: bool = False
    """X509_V_FLAG_X509_STRICT."""
    goes_on: bool = False
    """The verify callback lets errors pass, so that the last one is reported."""
    checks_common_name: bool = True
    """Name constraints hold for a common name where there is no dNSName."""
    reads_trust: bool = False
    """PEM_read_bio_X509_AUX reads the anchors."""
    loads_all: bool = False
    """A file with one certificate that cannot be read is refused as a whole."""
    wants_issuer: bool = False
    """An end entity whose issuer has an empty name is refused."""
    check_name: NameCheck | None = None
    """What compares names after the verification; None where the library does within it."""
    name_says: str = ""


MAX_MESSAGE_BYTES: Final = 102_400
MAX_ANCHORS_READ: Final = 500
_MINIMUM_BITS: Final = (0, 80, 112, 128, 192, 256)


_NO_ISSUER_NAME: Final = errors.UNSPECIFIED._replace(says="SSL: couldn't get X509-issuer name")


class _Error(NamedTuple):
    code: VerifyCode
    certificate: OpenSslCertificate | None
    value: str = ""
    limit: str = ""
    rule: str = ""
    is_final: bool = False
    """The verification ends here whatever the callback says."""


def make_verifier(use: OpenSslUse) -> Verifier:
    """Return the model of a runtime that uses OpenSSL in that way."""

    def verify(request: PathRequest) -> PathVerdict:
        return _verify(request, use)

    return verify


def _verify(request: PathRequest, use: OpenSslUse) -> PathVerdict:
    large = find_large_message(
        request, MAX_MESSAGE_BYTES, "SSL_MAX_CERT_LIST_DEFAULT", "excessive message size"
    )
    if large is not None:
        return make_refusing_verdict(request, large)
    if use.loads_all and (unreadable := _find_unreadable_anchor(request)) is not None:
        return make_refusing_verdict(request, unreadable)
    sent = [read_for_openssl(der) for der in request.chain]
    if not sent or None in sent:
        index = sent.index(None) if sent else None
        fault = PathFault(
            kind="unreadable", position=index, rule="d2i_X509", says="asn1 encoding routines"
        )
        return make_refusing_verdict(request, fault)
    leaf = sent[0]
    assert leaf is not None
    for one in sent:
        if one is not None and one.raw.trailing:
            says = "cert length mismatch"
            fault = make_fault("unreadable", request, one.raw, rule="d2i_X509", says=says)
            return make_refusing_verdict(request, fault)
    chain = Chain(request, [leaf], use.partial, use.reads_trust)
    found: list[_Error] = []
    for error in _list_errors(chain, use):
        found.append(error)
        if error.is_final:
            break
    if use.goes_on:
        found.reverse()
    if use.wants_issuer and not leaf.issuer:
        found.append(_Error(_NO_ISSUER_NAME, leaf, rule="x509_name_oneline"))
    if (
        use.check_name is not None
        and request.reference
        and not use.check_name(leaf, request.reference)
    ):
        found.append(
            _Error(
                errors.HOST_MISMATCH._replace(says=use.name_says),
                leaf,
                limit=request.reference,
                rule="check_name",
            )
        )
    if found:
        return make_refusing_verdict(
            request, *(_to_fault(request, chain, error) for error in _drop_repeated(found))
        )
    return make_trusting_verdict(request, [each.raw for each in chain.certificates])


def _find_unreadable_anchor(request: PathRequest) -> PathFault | None:
    for der in islice(get_pool(request), MAX_ANCHORS_READ):
        if read_for_openssl(der) is None:
            return PathFault(kind="unreadable", rule="X509_load_cert_crl_file", says="PEM lib")
    return None


def _drop_repeated(found: list[_Error]) -> list[_Error]:
    """Return one error of a kind for each certificate; the reported one is the first."""
    kept: dict[tuple[str, str], _Error] = {}
    for error in found:
        sha256 = error.certificate.raw.sha256 if error.certificate else ""
        kept.setdefault((error.code.kind, sha256), error)
    return list(kept.values())


def _to_fault(request: PathRequest, chain: Chain, error: _Error) -> PathFault:
    kind = error.code.kind
    if kind == "wrong_usage" and error.certificate is not chain.certificates[0]:
        kind = "wrong_usage_above"
    return make_fault(
        kind,
        request,
        error.certificate.raw if error.certificate else None,
        value=error.value,
        limit=error.limit,
        rule=error.rule,
        says=error.code.says,
    )


def _list_errors(chain: Chain, use: OpenSslUse) -> Iterator[_Error]:
    """Yield what X509_verify_cert finds, in its order."""
    leaf = chain.certificates[0]
    wanted = _MINIMUM_BITS[use.level]
    if wanted and count_key_bits(leaf.key) < wanted:
        yield _weak(errors.WEAK_LEAF_KEY, leaf, describe_key(leaf.key), wanted)
    if leaf.key is None:
        yield _Error(errors.UNSPECIFIED, leaf, rule="X509_self_signed", is_final=True)
        return
    chain.build()
    if chain.trust != "trusted":
        yield _find_missing(chain)
    for depth in range(len(chain.certificates)):
        yield from _check_extensions(chain, depth, use)
    if wanted:
        yield from _check_level(chain, wanted)
    if use.check_name is None:
        yield from _check_id(leaf, chain.request.reference)
    yield from _check_signatures(chain, use)
    yield from _check_constraints(chain, use)


def _weak(code: VerifyCode, one: OpenSslCertificate, value: str, wanted: int) -> _Error:
    return _Error(code, one, value, f"{wanted} bits of security", "check_key_level")


def _find_missing(chain: Chain) -> _Error:
    """As the end of build_chain; where an issuer was there, say what made it none."""
    last = chain.certificates[-1]
    count = len(chain.certificates)
    if count > MAX_DEPTH + 1:
        code = errors.TOO_LONG
    elif last.is_self_signed:
        code = errors.SELF_SIGNED_LEAF if count == 1 else errors.SELF_SIGNED_IN_CHAIN
    elif chain.untrusted < count:
        code = errors.NO_ISSUER
    else:
        code = errors.NO_LOCAL_ISSUER
    if code not in {errors.NO_ISSUER, errors.NO_LOCAL_ISSUER}:
        return _Error(code, last, rule="build_chain")
    rule = "x509v3_cache_extensions"
    if last.invalid_extension:
        return _Error(code._replace(kind="malformed"), last, last.invalid_extension, rule=rule)
    for issuer in chain.list_named_issuers(last):
        if issuer.invalid_extension:
            found = code._replace(kind="malformed")
            return _Error(found, issuer, issuer.invalid_extension, rule=rule)
        if issuer.raw.der != last.raw.der and not _is_signed(last, issuer):
            found = code._replace(kind="bad_signature")
            return _Error(found, last, rule="X509_check_akid")
        if not last.is_likely_issued_by(issuer, by_algorithm=False):
            found = code._replace(kind="malformed")
            return _Error(found, last, "authorityKeyIdentifier", rule="X509_check_akid")
    return _Error(code, last, rule="build_chain")


def _check_extensions(chain: Chain, depth: int, use: OpenSslUse) -> Iterator[_Error]:
    """As check_extensions for one certificate of the chain."""
    one = chain.certificates[depth]
    count = len(chain.certificates)
    rule = "check_extensions"
    if one.unknown_critical:
        yield _Error(errors.CRITICAL, one, one.unknown_critical, rule=rule)
    if one.is_proxy:
        yield _Error(errors.PROXY, one, rule=rule)
    found = one.check_ca()
    is_inner = depth + 1 < count or use.strict
    if depth:
        if not found or (is_inner and found != 1):
            yield _Error(errors.INVALID_CA, one, _describe_ca(one), rule="check_ca")
    elif use.strict and found > 1:
        yield _Error(errors.INVALID_CA, one, _describe_ca(one), rule="check_ca")
    if count > 1 and one.key is not None and one.key.curve == EXPLICIT:
        yield _Error(errors.EXPLICIT_CURVE, one, rule="check_curve")
    if use.strict and count > 1:
        for code in list_strict_errors(one, is_last=depth + 1 == count):
            yield _Error(code, one, rule=rule)
    purpose = one.check_purpose(is_issuer=depth > 0)
    if purpose:
        value = ", ".join(sorted(one.usages or ())) if purpose == "extendedKeyUsage" else purpose
        yield _Error(errors.INVALID_PURPOSE, one, value, SERVER_AUTH, "check_purpose")
    below = sum(not each.is_self_issued for each in chain.certificates[1:depth])
    if depth > 1 and one.path_length is not None and below > one.path_length:
        yield _Error(errors.PATH_LENGTH, one, str(below), str(one.path_length), rule)


def _describe_ca(one: OpenSslCertificate) -> str:
    if one.rejects_usage(KEY_CERT_SIGN):
        return "keyUsage"
    return "basicConstraints" if one.has_basic_constraints else "no basicConstraints"


def _check_level(chain: Chain, wanted: int) -> Iterator[_Error]:
    """As check_auth_level."""
    for depth, one in enumerate(chain.certificates):
        if depth and count_key_bits(one.key) < wanted:
            yield _weak(errors.WEAK_CA_KEY, one, describe_key(one.key), wanted)
        if depth + 1 < len(chain.certificates) and count_signature_bits(one.scheme) < wanted:
            shown = one.scheme.name if one.scheme else one.raw.outer_algorithm.oid
            yield _Error(
                errors.WEAK_HASH, one, shown, f"{wanted} bits of security", "check_sig_level"
            )


def _check_id(leaf: OpenSslCertificate, reference: str) -> Iterator[_Error]:
    octets = parse_ip(reference)
    if not reference:
        return
    if octets:
        if not is_address(leaf, octets):
            yield _Error(errors.IP_MISMATCH, leaf, limit=reference, rule="check_id")
    elif not is_host(leaf, reference.rstrip(".")):
        yield _Error(errors.HOST_MISMATCH, leaf, limit=reference, rule="check_id")


def _check_signatures(chain: Chain, use: OpenSslUse) -> Iterator[_Error]:
    """As internal_verify: from the top down, each signature and each pair of dates."""
    certificates = chain.certificates
    depth = len(certificates) - 1
    issuer = certificates[depth]
    if not issuer.is_likely_issued_by(issuer, by_algorithm=True) and not use.partial:
        if depth <= 0:
            yield _Error(errors.LEAF_UNVERIFIED, issuer, rule="internal_verify")
        else:
            depth -= 1
    while depth >= 0:
        one = certificates[depth]
        if one is not issuer:
            if issuer.rejects_usage(KEY_CERT_SIGN):
                yield _Error(errors.NO_CERT_SIGN, issuer, rule="internal_verify")
            if issuer.key is None:
                yield _Error(errors.NO_ISSUER_KEY, issuer, rule="internal_verify")
            elif not _is_signed(one, issuer):
                yield _Error(errors.BAD_SIGNATURE, one, rule="X509_verify")
        yield from _check_dates(one, chain.request.at)
        issuer = one
        depth -= 1


def _is_signed(one: OpenSslCertificate, issuer: OpenSslCertificate) -> bool:
    raw = one.raw
    if raw.algorithm.contents != raw.outer_algorithm.contents:
        return False
    return check_signature(raw, issuer.raw.spki) == "valid"


def _check_dates(one: OpenSslCertificate, at: float) -> Iterator[_Error]:
    """As x509_check_cert_time: a certificate has ended at its notAfter, not after it."""
    rule = "x509_check_cert_time"
    not_before = read_strict_time(one.raw.not_before)
    not_after = read_strict_time(one.raw.not_after)
    if not_before is None:
        yield _Error(errors.BAD_NOT_BEFORE, one, rule=rule)
    elif not_before > at:
        yield _Error(errors.NOT_YET_VALID, one, rule=rule)
    if not_after is None:
        yield _Error(errors.BAD_NOT_AFTER, one, rule=rule)
    elif not_after <= at:
        yield _Error(errors.EXPIRED, one, rule=rule)


def _check_constraints(chain: Chain, use: OpenSslUse) -> Iterator[_Error]:
    """As check_name_constraints: the anchor's constraints count as well."""
    certificates = chain.certificates
    for depth in range(len(certificates) - 1, -1, -1):
        one = certificates[depth]
        if depth and one.is_self_issued:
            continue
        for issuer in reversed(certificates[depth + 1 :]):
            found = find_violation(
                one, issuer, with_common_name=use.checks_common_name and depth == 0
            )
            if found is not None:
                code, value, limit = found
                yield _Error(code, one, value, limit, "check_name_constraints")
