"""How grpc-core judges a server's chain: BoringSSL's X509_verify_cert, then grpc-core's own check.

Python's OTLP/gRPC exporter has grpcio's grpc-core, which takes any certificate of its file for an
anchor. BoringSSL is of OpenSSL's descent: the same greedy chain, but DER alone, fewer critical
extensions, and certificate policies are always judged. Measured with grpcio 1.85.1.

Rules name functions of BoringSSL's crypto/x509/x509_vfy.cc.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from probe.exporters import grpc_core_names
from probe.exporters import openssl_errors as errors
from probe.exporters.boringssl_certificate import (
    find_policy_fault,
    find_unreadable_anchor,
    has_valid_key_usage,
    is_known_algorithm,
    read_for_boringssl,
)
from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_chain import MAX_DEPTH, get_canonical_name, read_strict_time
from probe.exporters.openssl_errors import VerifyCode
from probe.exporters.openssl_names import find_violation, list_common_names, looks_like_host
from probe.exporters.openssl_strength import describe_key
from probe.exporters.path_faults import (
    find_large_message,
    get_pool,
    make_fault,
    make_refusing_verdict,
    make_trusting_verdict,
)
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.model.path_fault import PathFault
from probe.x509 import extensions as ext
from probe.x509.canonical_name import TEXTS, has_only
from probe.x509.public_key import load_public_key
from probe.x509.signature import check_signature

MAX_MESSAGE_BYTES: Final = 102_400
MAX_CANDIDATES: Final = 256
_TLS_USAGE: Final = ext.DIGITAL_SIGNATURE | ext.KEY_ENCIPHERMENT | ext.KEY_AGREEMENT
_INVALID_EXTENSION: Final = VerifyCode(
    41, "malformed", "invalid or inconsistent certificate extension", "INVALID_EXTENSION"
)
_INVALID_POLICY: Final = VerifyCode(
    42, "policy", "invalid or inconsistent certificate policy extension", "INVALID_POLICY_EXTENSION"
)
_NO_POLICY: Final = VerifyCode(43, "policy", "no explicit policy", "NO_EXPLICIT_POLICY")
_NO_NAMES: Final = VerifyCode(
    73,
    "name_constraint",
    "Issuer has name constraints but leaf has no SANs",
    "NAME_CONSTRAINTS_WITHOUT_SANS",
)
_SAYS: Final = {
    "INVALID_PURPOSE": "unsupported certificate purpose",
    "DEPTH_ZERO_SELF_SIGNED_CERT": "self signed certificate",
    "SELF_SIGNED_CERT_IN_CHAIN": "self signed certificate in certificate chain",
}
"""Where BoringSSL's text is not OpenSSL's (X509_verify_cert_error_string)."""
_BAD_USAGE: Final = VerifyCode(0, "wrong_usage", "KEY_USAGE_BIT_INCORRECT", "")
_BAD_LEAF_KEY: Final = VerifyCode(0, "weak_key", "CANNOT_PARSE_LEAF_CERT", "")
_BAD_NAME: Final = VerifyCode(0, "malformed", "Peer extraction failed", "")
_MISMATCH: Final = VerifyCode(0, "name_mismatch", "Hostname Verification Check failed.", "")


class _Error(NamedTuple):
    code: VerifyCode
    certificate: OpenSslCertificate
    value: str = ""
    limit: str = ""
    rule: str = ""


def verify_for_grpc_core(request: PathRequest) -> PathVerdict:
    """Return what Python's OTLP/gRPC exporter makes of a server's chain."""
    unreadable = find_unreadable_anchor(request)
    if unreadable is not None:
        return make_refusing_verdict(request, unreadable)
    large = find_large_message(
        request, MAX_MESSAGE_BYTES, "SSL_MAX_CERT_LIST_DEFAULT", "EXCESSIVE_MESSAGE_SIZE"
    )
    if large is not None:
        return make_refusing_verdict(request, large)
    sent = [read_for_boringssl(der) for der in request.chain]
    leaf = sent[0] if sent else None
    if leaf is None or None in sent:
        place = sent.index(None) if sent else None
        fault = PathFault(kind="unreadable", position=place, rule="X509_parse", says="DECODE_ERROR")
        return make_refusing_verdict(request, fault)
    search = _Search(request, [one for one in sent if one is not None])
    found = list(_list_errors(search, leaf))
    if found:
        return make_refusing_verdict(
            request, *(_to_fault(request, leaf, error) for error in _drop_repeated(found))
        )
    return make_trusting_verdict(request, [each.raw for each in search.chain])


def _drop_repeated(found: list[_Error]) -> list[_Error]:
    kept: dict[tuple[str, str], _Error] = {}
    for error in found:
        kept.setdefault((error.code.kind, error.certificate.raw.sha256), error)
    return list(kept.values())


def _to_fault(request: PathRequest, leaf: OpenSslCertificate, error: _Error) -> PathFault:
    kind = error.code.kind
    if kind == "wrong_usage" and error.certificate is not leaf:
        kind = "wrong_usage_above"
    return make_fault(
        kind,
        request,
        error.certificate.raw,
        value=error.value,
        limit=error.limit,
        rule=error.rule,
        says=_SAYS.get(error.code.name, error.code.says),
    )


def _is_issued(one: OpenSslCertificate, issuer: OpenSslCertificate) -> bool:
    """As X509_check_issued: an issuer whose keyUsage lacks keyCertSign is none."""
    if not one.is_likely_issued_by(issuer, by_algorithm=False):
        return False
    return not issuer.rejects_usage(ext.KEY_CERT_SIGN)


class _Search:
    """The chain: what the server sent up to the first that an anchor issued, then anchors."""

    def __init__(self, request: PathRequest, sent: list[OpenSslCertificate]) -> None:
        self.request = request
        self.chain = [sent[0]]
        self.untrusted = 1
        self.is_trusted = False
        self.stopped: OpenSslCertificate | None = None
        self.self_signed: OpenSslCertificate | None = None
        self._left = list(sent)

    def build(self) -> None:
        """As the first part of X509_verify_cert."""
        while True:
            last = self.chain[-1]
            if last.invalid_extension:
                self.stopped = last
                return
            if last.is_self_signed or len(self.chain) > MAX_DEPTH + 1:
                break
            if self.find_anchor(last) is not None:
                break
            issuer = next((one for one in self._left if _is_issued(last, one)), None)
            if issuer is None:
                break
            self._left = [one for one in self._left if one is not issuer]
            self.chain.append(issuer)
            self.untrusted += 1
        self._replace_self_signed()
        while not self.chain[-1].is_self_signed and len(self.chain) <= MAX_DEPTH + 1:
            anchor = self.find_anchor(self.chain[-1])
            if anchor is None:
                break
            self.chain.append(anchor)
            if anchor.invalid_extension:
                self.stopped = anchor
                return
        self._check_trust()

    def _replace_self_signed(self) -> None:
        last = self.chain[-1]
        if not last.is_self_signed:
            return
        if len(self.chain) > 1:
            self.self_signed = self.chain.pop()
            self.untrusted -= 1
            return
        anchor = self.find_anchor(last)
        if anchor is not None and anchor.raw.der == last.raw.der:
            self.untrusted = 0

    def find_anchor(self, one: OpenSslCertificate) -> OpenSslCertificate | None:
        """Return the first anchor that may have issued a certificate."""
        return next((anchor for anchor in self.list_named(one) if _is_issued(one, anchor)), None)

    def list_named(self, one: OpenSslCertificate) -> list[OpenSslCertificate]:
        """Return the anchors of the issuer's name."""
        found = get_pool(self.request).find_by_name(one.raw.issuer, get_canonical_name)
        read = (read_for_boringssl(anchor.der) for anchor in found[:MAX_CANDIDATES])
        return [one for one in read if one is not None]

    def list_named_sent(self, one: OpenSslCertificate) -> list[OpenSslCertificate]:
        """Return what was sent, is not in the chain, and has the issuer's name."""
        return [each for each in self._left if each.subject == one.issuer]

    def _check_trust(self) -> None:
        """As check_trust: with partial chains any anchor is enough, also the end entity itself."""
        if self.untrusted < len(self.chain):
            self.is_trusted = True
        elif self.chain[0].raw.der in get_pool(self.request):
            self.untrusted = 0
            self.is_trusted = True


def _list_errors(search: _Search, leaf: OpenSslCertificate) -> Iterator[_Error]:
    """Yield what the handshake finds, in its order."""
    key = leaf.key
    if key is None or load_public_key(leaf.raw.spki) is None or not has_valid_key_usage(leaf):
        yield _Error(_BAD_LEAF_KEY, leaf, describe_key(key), rule="ssl_cert_parse_pubkey")
        return
    if leaf.rejects_usage(ext.DIGITAL_SIGNATURE):
        yield _Error(_BAD_USAGE, leaf, "keyUsage", "digitalSignature", "ssl_cert_check_key_usage")
    search.build()
    if search.stopped is not None:
        value = search.stopped.invalid_extension
        yield _Error(_INVALID_EXTENSION, search.stopped, value, rule="x509v3_cache_extensions")
        return
    if not search.is_trusted:
        yield _find_missing(search)
    for depth in range(search.untrusted):
        yield from _check_extensions(search, depth)
    yield from _check_signatures(search)
    yield from _check_constraints(search)
    if search.is_trusted:
        yield from _check_policies(search)
    if not has_only(TEXTS, leaf.raw.subject):
        yield _Error(_BAD_NAME, leaf, "subject", rule="peer_from_x509")
    elif any(n.kind == ext.IP and len(n.content) not in {4, 16} for n in leaf.names or ()):
        yield _Error(_BAD_NAME, leaf, "iPAddress", rule="peer_from_x509")
    elif search.request.reference and not grpc_core_names.is_named(leaf, search.request.reference):
        limit = search.request.reference
        yield _Error(_MISMATCH, leaf, limit=limit, rule="tsi_ssl_peer_matches_name")


def _find_missing(search: _Search) -> _Error:
    last = search.chain[-1]
    if len(search.chain) == 1 and last.is_self_signed:
        return _Error(errors.SELF_SIGNED_LEAF, last, rule="X509_verify_cert")
    if search.self_signed is not None and _is_issued(last, search.self_signed):
        return _Error(errors.SELF_SIGNED_IN_CHAIN, search.self_signed, rule="X509_verify_cert")
    code = errors.NO_LOCAL_ISSUER if search.untrusted >= len(search.chain) else errors.NO_ISSUER
    for issuer in [*search.list_named_sent(last), *search.list_named(last)]:
        if issuer.raw.der == last.raw.der:
            continue
        if issuer.invalid_extension:
            value = issuer.invalid_extension
            found = code._replace(kind="malformed")
            return _Error(found, issuer, value, rule="x509v3_cache_extensions")
        if issuer.rejects_usage(ext.KEY_CERT_SIGN):
            found = code._replace(kind="not_a_ca")
            return _Error(found, issuer, "keyUsage", rule="X509_check_issued")
        is_signed = check_signature(last.raw, issuer.raw.spki) == "valid"
        found = code._replace(kind="malformed" if is_signed else "bad_signature")
        value = "authorityKeyIdentifier" if is_signed else ""
        return _Error(found, last, value, rule="X509_check_akid")
    return _Error(code, last, rule="X509_verify_cert")


def _check_extensions(search: _Search, depth: int) -> Iterator[_Error]:
    """As check_chain_extensions, of what the server sent."""
    one = search.chain[depth]
    rule = "check_chain_extensions"
    if one.unknown_critical:
        yield _Error(errors.CRITICAL, one, one.unknown_critical, rule=rule)
    if depth and not is_ca(one):
        value = "keyUsage" if one.rejects_usage(ext.KEY_CERT_SIGN) else "basicConstraints"
        yield _Error(errors.INVALID_CA, one, value, rule="check_ca")
    if one.usages is not None and ext.SERVER_AUTH not in one.usages:
        value = ", ".join(sorted(one.usages)[:8])
        yield _Error(errors.INVALID_PURPOSE, one, value, ext.SERVER_AUTH, "check_purpose")
    elif not depth and one.rejects_usage(_TLS_USAGE):
        yield _Error(errors.INVALID_PURPOSE, one, "keyUsage", rule="check_purpose")
    below = sum(not each.is_self_issued for each in search.chain[1:depth])
    if depth > 1 and one.path_length is not None and below > one.path_length:
        yield _Error(errors.PATH_LENGTH, one, str(below), str(one.path_length), rule)


def is_ca(one: OpenSslCertificate) -> bool:
    """As check_ca: a self-signed certificate of version 1 is one."""
    if one.rejects_usage(ext.KEY_CERT_SIGN):
        return False
    return (one.is_version_1 and one.is_self_signed) or one.is_ca


def _check_signatures(search: _Search) -> Iterator[_Error]:
    """As internal_verify: signatures and dates from the top down, the anchor's dates too."""
    issuer = search.chain[-1]
    for one in reversed(search.chain):
        if one is not issuer:
            if issuer.key is None or load_public_key(issuer.raw.spki) is None:
                yield _Error(errors.NO_ISSUER_KEY, issuer, rule="internal_verify")
            elif one.raw.algorithm.contents != one.raw.outer_algorithm.contents:
                yield _Error(errors.BAD_SIGNATURE, one, rule="SIGNATURE_ALGORITHM_MISMATCH")
            elif not is_known_algorithm(one.raw):
                shown = one.scheme.name if one.scheme else one.raw.outer_algorithm.oid
                found = errors.BAD_SIGNATURE._replace(kind="weak_signature")
                yield _Error(found, one, shown, rule="x509_digest_verify_init")
            elif check_signature(one.raw, issuer.raw.spki) != "valid":
                yield _Error(errors.BAD_SIGNATURE, one, rule="X509_verify")
        yield from _check_dates(one, search.request.at)
        issuer = one


def _check_dates(one: OpenSslCertificate, at: float) -> Iterator[_Error]:
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


def _check_constraints(search: _Search) -> Iterator[_Error]:
    """As check_name_constraints: also the anchor's; a host as common name needs a dNSName."""
    chain = search.chain
    has_constraints = False
    for depth in range(len(chain) - 1, -1, -1):
        one = chain[depth]
        if depth and one.is_self_issued:
            continue
        for issuer in reversed(chain[depth + 1 :]):
            if issuer.name_constraints is not None:
                has_constraints = True
                found = find_violation(one, issuer, by_boringssl=True)
                if found is not None:
                    code, value, limit = found
                    yield _Error(code, one, value, limit, "check_name_constraints")
    leaf = chain[0]
    has_names = any(name.kind == ext.DNS for name in leaf.names or ())
    common_names = [name for name in list_common_names(leaf.raw) if looks_like_host(name.encode())]
    if has_constraints and not has_names and common_names:
        yield _Error(_NO_NAMES, leaf, common_names[0], rule="reject_dns_name_in_common_name")


def _check_policies(search: _Search) -> Iterator[_Error]:
    """As X509_policy_check; the anchor's own policies are not looked at."""
    found = find_policy_fault(search.chain)
    if found is not None:
        one, value = found
        code = _INVALID_POLICY if value else _NO_POLICY
        yield _Error(code, one, value, rule="X509_policy_check")
