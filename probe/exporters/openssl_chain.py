"""Which chain OpenSSL builds (x509_vfy.c, build_chain): greedy, never stepping back but once.

A chain is built from names, key identifiers and dates alone; what is wrong with it is found
afterwards. That is why a second issuer of the same name can hide a good path.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from probe.exporters.openssl_certificate import OpenSslCertificate, read_for_openssl
from probe.exporters.path_faults import get_pool
from probe.exporters.path_verdict import PathRequest
from probe.x509.canonical_name import canonicalize_for_openssl
from probe.x509.raw_certificate import WrittenTime
from probe.x509.times import read_time

MAX_DEPTH: Final = 100
MAX_CANDIDATES: Final = 256
Trust = Literal["trusted", "untrusted"]


def get_canonical_name(subject: bytes) -> bytes:
    """Return the canonical name, as the key of an index of anchors."""
    return canonicalize_for_openssl(subject) or b"\0" + subject


@dataclass
class Chain:
    """The chain so far: first what the server sent, then anchors."""

    request: PathRequest
    certificates: list[OpenSslCertificate]
    partial: bool
    reads_trust: bool = False
    """The file is read with trust settings behind each certificate: other bytes there spoil it."""
    untrusted: int = 1
    trust: Trust = "untrusted"
    is_self_signed: bool = False
    left: list[OpenSslCertificate] = field(default_factory=list)

    def build(self) -> None:
        """Extend the chain: an issuer from the store first, one that the server sent otherwise."""
        self.is_self_signed = self.certificates[0].is_self_signed
        read = (read_for_openssl(der) for der in self.request.chain)
        self.left = [one for one in read if one is not None]
        may_use_sent = True
        while True:
            if self._extend_with_anchor():
                may_use_sent = False
                if self.trust == "trusted":
                    return
                if not self.is_self_signed:
                    continue
            if not may_use_sent:
                break
            may_use_sent = self._extend_with_sent()
        if len(self.certificates) == self.untrusted:
            self._trust_leaf()

    def _extend_with_anchor(self) -> bool:
        last = self.certificates[-1]
        if len(self.certificates) > MAX_DEPTH + 1:
            return False
        issuer = self._find_issuer(self.find_anchors(last.raw.issuer), last, is_anchor=True)
        if issuer is None:
            return False
        if not self.is_self_signed:
            self.certificates.append(issuer)
            self.is_self_signed = issuer.is_self_signed
        elif len(self.certificates) == self.untrusted:
            if issuer.raw.der != last.raw.der:
                return False  # a self-signed certificate that only looks like an anchor
            self.certificates[-1] = issuer
            self.untrusted -= 1
        if self.partial or self.certificates[-1].is_self_signed:
            self.trust = "trusted"
        return True

    def _extend_with_sent(self) -> bool:
        if self.is_self_signed or len(self.certificates) > MAX_DEPTH + 1:
            return False
        issuer = self._find_issuer(self.left, self.certificates[-1], is_anchor=False)
        if issuer is None:
            return False
        self.left = [one for one in self.left if one is not issuer]
        self.certificates.append(issuer)
        self.untrusted += 1
        self.is_self_signed = issuer.is_self_signed
        return True

    def find_anchors(self, name: bytes) -> list[OpenSslCertificate]:
        """Return the anchors of that name that the library parses."""
        found = get_pool(self.request).find_by_name(name, get_canonical_name)
        usable = (one for one in found[:MAX_CANDIDATES] if not (self.reads_trust and one.trailing))
        read = (read_for_openssl(anchor.der) for anchor in usable)
        return [one for one in read if one is not None]

    def list_named_issuers(self, subject: OpenSslCertificate) -> list[OpenSslCertificate]:
        """Return whatever has the issuer's name, of what was sent and of the anchors."""
        sent = [one for one in self.left if one.subject == subject.issuer]
        return [*sent, *self.find_anchors(subject.raw.issuer)]

    def _find_issuer(
        self, candidates: list[OpenSslCertificate], subject: OpenSslCertificate, *, is_anchor: bool
    ) -> OpenSslCertificate | None:
        """Return the first that is valid now; otherwise the one that ends last."""
        best: OpenSslCertificate | None = None
        is_alone = subject.is_self_issued and len(self.certificates) == 1
        held = {one.raw.der for one in self.certificates}
        for issuer in candidates:
            if not subject.is_likely_issued_by(issuer, by_algorithm=True):
                continue
            if not is_anchor and not is_alone and issuer.raw.der in held:
                continue
            if is_valid_at(issuer, self.request.at):
                return issuer
            if best is None or _ends(issuer) > _ends(best):
                best = issuer
        return best

    def _trust_leaf(self) -> None:
        """With partial chains, a leaf that is itself an anchor is enough."""
        leaf = self.certificates[0]
        if self.partial and leaf.raw.der in get_pool(self.request):
            self.untrusted = 0
            self.trust = "trusted"


def _ends(certificate: OpenSslCertificate) -> float:
    return read_time(certificate.raw.not_after) or 0.0


def is_valid_at(certificate: OpenSslCertificate, at: float) -> bool:
    """Return whether both dates are readable and `at` is within (X509_cmp_time)."""
    not_before = read_strict_time(certificate.raw.not_before)
    not_after = read_strict_time(certificate.raw.not_after)
    if not_before is None or not_after is None:
        return False
    return not_before <= at < not_after


def read_strict_time(written: WrittenTime) -> float | None:
    """Return a time of the form that RFC 5280 §4.1.2.5 wants; None for any other."""
    digits = written.content[:-1]
    if len(digits) != {0x17: 12, 0x18: 14}.get(written.tag) or not digits.isdigit():
        return None
    return read_time(written) if written.content.endswith(b"Z") else None
