"""How Rust's exporters judge a server's chain: rustls 0.23 over rustls-webpki 0.103.

opentelemetry-otlp over tonic has rustls with ring; over reqwest 0.13 rustls with aws-lc-rs, whose
platform verifier is the same library on Linux (with the system's roots besides the given ones).
Measured with rustls 0.23.46, rustls-webpki 0.103.17, tonic 0.14.9 and reqwest 0.13.5; the names of
functions in rules are the library's (verify_cert.rs, cert.rs, signed_data.rs, trust_anchor.rs).
"""

from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, NamedTuple

from probe.exporters.path_faults import (
    get_pool,
    make_fault,
    make_refusing_verdict,
    make_trusting_verdict,
)
from probe.exporters.path_verdict import PathRequest, PathVerdict, Verifier
from probe.exporters.webpki_certificate import WebpkiCertificate, read_anchor, read_strictly
from probe.exporters.webpki_names import Comparisons, find_violation, is_named
from probe.exporters.webpki_refusal import Refusal
from probe.model.path_fault import PathFault
from probe.x509 import der as asn1
from probe.x509.public_key import PublicKey, load_public_key, read_public_key
from probe.x509.raw_certificate import Certificate
from probe.x509.signature import check_signature
from probe.x509.signature_scheme import MGF1, read_scheme

Provider = Literal["ring", "aws-lc-rs"]

MAX_ANCHORS_READ: Final = 500
MAX_INTERMEDIATES: Final = 6
MAX_SIGNATURES: Final = 100
MAX_BUILD_CALLS: Final = 5_000
"""The library allows 200,000; what takes longer than this is nothing that a backend sends."""

_CURVES: Final[dict[Provider, frozenset[str]]] = {
    "ring": frozenset({"secp256r1", "secp384r1"}),
    "aws-lc-rs": frozenset({"secp256r1", "secp384r1", "secp521r1"}),
}
_EC_HASHES: Final[dict[Provider, frozenset[str]]] = {
    "ring": frozenset({"sha256", "sha384"}),
    "aws-lc-rs": frozenset({"sha256", "sha384", "sha512"}),
}
_RSA_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
_MAX_RSA_EXPONENT: Final = (1 << 33) - 1
_NULL: Final = b"\x05\x00"


def make_verifier(provider: Provider) -> Verifier:
    """Return the model of rustls over one of its cryptographic libraries."""

    def verify(request: PathRequest) -> PathVerdict:
        return _verify(request, provider)

    return verify


def _verify(request: PathRequest, provider: Provider) -> PathVerdict:
    if not request.chain:
        return make_refusing_verdict(
            request, PathFault(kind="no_anchor", says="no certificates presented")
        )
    if provider == "aws-lc-rs" and (unreadable := _find_unreadable_anchor(request)) is not None:
        return unreadable
    end_entity = read_strictly(request.chain[0])
    if isinstance(end_entity, Refusal):
        return _refuse(request, end_entity)
    search = _Search(request, provider, end_entity)
    found = search.build((end_entity,))
    if isinstance(found, Refusal):
        return _refuse(request, found)
    for refusal in (
        _check_name(end_entity, request.reference),
        _check_key(end_entity, provider),
    ):
        if refusal is not None:
            return _refuse(request, refusal)
    return make_trusting_verdict(request, found)


def _refuse(request: PathRequest, refusal: Refusal) -> PathVerdict:
    return make_refusing_verdict(
        request,
        make_fault(
            refusal.kind,
            request,
            refusal.certificate,
            value=refusal.value,
            limit=refusal.limit,
            rule=refusal.rule,
            says=refusal.says,
        ),
    )


class _Anchor(NamedTuple):
    certificate: Certificate
    name_constraints: bytes | None


@dataclass
class _Search:
    """One search for a path; it ends at once where a budget is used up (build_chain_inner)."""

    request: PathRequest
    provider: Provider
    end_entity: WebpkiCertificate
    signatures: int = MAX_SIGNATURES
    build_calls: int = MAX_BUILD_CALLS
    comparisons: Comparisons = field(default_factory=Comparisons)
    by_subject: dict[bytes, list[WebpkiCertificate]] = field(default_factory=dict)
    unreadable: Refusal | None = None

    def __post_init__(self) -> None:
        """Read what the server sent above its own certificate, once."""
        for der in self.request.chain[1:]:
            read = read_strictly(der)
            if isinstance(read, Refusal):
                self.unreadable = (
                    read if self.unreadable is None else self.unreadable.pick_more_specific(read)
                )
            else:
                self.by_subject.setdefault(read.subject, []).append(read)

    def build(self, path: tuple[WebpkiCertificate, ...]) -> tuple[Certificate, ...] | Refusal:
        """Return a path from the end entity to an anchor, or the most specific refusal."""
        head = path[-1]
        alone = _check_alone(head, self.request.at, len(path) - 1)
        if alone is not None:
            return alone
        worst = Refusal.make_unknown_issuer(head.raw)
        for anchor in self._find_anchors(head):
            refusal = self._check_signed(path, anchor) or self._check_constraints(path, anchor)
            if refusal is None:
                return (*(each.raw for each in path), anchor.certificate)
            if refusal.is_fatal:
                return refusal
            worst = worst.pick_more_specific(refusal)
        if self.unreadable is not None:
            worst = worst.pick_more_specific(self.unreadable)
        for issuer in self.by_subject.get(head.issuer, ()):
            if any(p.spki == issuer.spki and p.subject == issuer.subject for p in path):
                continue
            if self.build_calls <= 0:
                return Refusal.make_too_complex("MaximumPathBuildCallsExceeded")
            self.build_calls -= 1
            if len(path) > MAX_INTERMEDIATES:
                worst = worst.pick_more_specific(Refusal.make_too_deep(issuer.raw))
                continue
            found = self.build((*path, issuer))
            if not isinstance(found, Refusal) or found.is_fatal:
                return found
            worst = worst.pick_more_specific(found)
        return worst

    def _find_anchors(self, head: WebpkiCertificate) -> list[_Anchor]:
        found = []
        for anchor in get_pool(self.request).find_by_subject(head.raw.issuer):
            read = read_anchor(anchor.der)
            if not isinstance(read, Refusal) and not anchor.trailing:
                found.append(_Anchor(anchor, read.name_constraints))
        return found

    def _check_signed(self, path: tuple[WebpkiCertificate, ...], anchor: _Anchor) -> Refusal | None:
        """Verify each signature from the anchor down (check_signed_chain)."""
        spki = anchor.certificate.spki
        for each in reversed(path):
            if self.signatures <= 0:
                return Refusal.make_too_complex("MaximumSignatureChecksExceeded")
            self.signatures -= 1
            refusal = _check_signature(each.raw, spki, self.provider)
            if refusal is not None:
                return refusal
            spki = each.raw.spki
        return None

    def _check_constraints(
        self, path: tuple[WebpkiCertificate, ...], anchor: _Anchor
    ) -> Refusal | None:
        """Hold all names below to each nameConstraints (check_signed_chain_name_constraints)."""
        constraints = anchor.name_constraints
        for index in range(len(path) - 1, -1, -1):
            if constraints is not None:
                for each in reversed(path[: index + 1]):
                    found = find_violation(constraints, each.subject_alt_name, self.comparisons)
                    if found is not None:
                        return Refusal.make_constrained(each.raw, *found)
            constraints = path[index].name_constraints
        return None


def _check_alone(certificate: WebpkiCertificate, at: float, cas_below: int) -> Refusal | None:
    """Check what needs no issuer (check_issuer_independent_properties)."""
    return (
        certificate.check_validity(at)
        or certificate.check_basic_constraints(cas_below)
        or certificate.check_usages(is_end_entity=not cas_below)
    )


def _check_signature(certificate: Certificate, spki: bytes, provider: Provider) -> Refusal | None:
    """Verify one signature (verify_signed_data): the algorithm as it is encoded, the key's kind."""
    scheme = read_scheme(certificate.outer_algorithm)
    parameters = certificate.outer_algorithm.parameters
    shown = scheme.name if scheme else certificate.outer_algorithm.oid
    if (
        scheme is None
        or (scheme.key == "RSA" and scheme.hash not in _RSA_HASHES)
        or (scheme.key == "RSA" and not scheme.is_pss and parameters not in {b"", _NULL})
        or (scheme.is_pss and parameters not in _PSS)
        or (scheme.key == "EC" and (scheme.hash not in _EC_HASHES[provider] or parameters))
        or (scheme.key == "Ed25519" and parameters)
        or scheme.key not in {"RSA", "EC", "Ed25519"}
    ):
        return Refusal.make_unsupported_algorithm(certificate, shown)
    key = read_public_key(spki)
    kind = "" if key is None else key.kind
    if key is None or kind != scheme.key or not _is_encoded_key(spki, provider):
        return Refusal.make_unsupported_key(certificate, shown, kind)
    unusable = _find_unusable(key, spki, provider)
    if unusable:
        return Refusal.make_unusable_key(certificate, unusable)
    if check_signature(certificate, spki) != "valid":
        return Refusal.make_bad_signature(certificate)
    return None


def _encode_pss(hash_oid: str, salt: int) -> bytes:
    """Return the parameters that the library compares byte by byte (pki-types, alg_id)."""
    hashed = asn1.encode(
        asn1.SEQUENCE, asn1.encode(asn1.OBJECT_IDENTIFIER, asn1.encode_oid(hash_oid)), _NULL
    )
    generator = asn1.encode(asn1.OBJECT_IDENTIFIER, asn1.encode_oid(MGF1))
    return asn1.encode(
        asn1.SEQUENCE,
        asn1.encode(0xA0, hashed),
        asn1.encode(0xA1, asn1.encode(asn1.SEQUENCE, generator, hashed)),
        asn1.encode(0xA2, asn1.encode(asn1.INTEGER, bytes((salt,)))),
    )


_PSS: Final = frozenset(
    {
        _encode_pss("2.16.840.1.101.3.4.2.1", 32),
        _encode_pss("2.16.840.1.101.3.4.2.2", 48),
        _encode_pss("2.16.840.1.101.3.4.2.3", 64),
    }
)


def _is_encoded_key(spki: bytes, provider: Provider) -> bool:
    """Return whether the AlgorithmIdentifier of a key is one that the library compares with."""
    key = read_public_key(spki)
    if key is None:
        return False
    match key.kind:
        case "RSA":
            return key.algorithm.parameters == _NULL
        case "EC":
            return key.curve_name in _CURVES[provider]
        case "Ed25519":
            return not key.algorithm.parameters
        case _:
            return False


def _check_name(certificate: WebpkiCertificate, reference: str) -> Refusal | None:
    if not reference:
        return None
    named = is_named(certificate.subject_alt_name, reference)
    if named is None:
        return Refusal.make_malformed(certificate.raw, "subjectAltName", "BadEncoding")
    return None if named else Refusal.make_not_named(certificate.raw, reference)


def _check_key(certificate: WebpkiCertificate, provider: Provider) -> Refusal | None:
    """Check that the handshake's signature can be verified with the end entity's key."""
    raw = certificate.raw
    key = read_public_key(raw.spki)
    if key is None or not _is_encoded_key(raw.spki, provider):
        return Refusal.make_unsupported_key(raw, "", "" if key is None else key.kind)
    unusable = _find_unusable(key, raw.spki, provider)
    return Refusal.make_unusable_key(raw, unusable) if unusable else None


def _find_unusable(key: PublicKey, spki: bytes, provider: Provider) -> str:
    """Return why the libraries verify nothing with a key: its size, or its point's encoding."""
    # ring rounds a modulus up to whole octets.
    bits = -(-key.bits // 8) * 8 if provider == "ring" else key.bits
    if key.kind == "RSA" and not 2048 <= bits <= 8192:
        return f"RSA {key.bits}"
    if key.kind == "RSA" and key.exponent > _MAX_RSA_EXPONENT:
        return f"RSA exponent {key.exponent}"
    if key.kind == "EC" and provider == "ring" and not key.octets.startswith(b"\4"):
        return "a compressed point"
    return "" if load_public_key(spki) is not None else "an invalid key"


def _find_unreadable_anchor(request: PathRequest) -> PathVerdict | None:
    """Reqwest makes no client at all where the library reads one of the anchors not."""
    for der in islice(get_pool(request), MAX_ANCHORS_READ):
        read = read_anchor(der)
        if isinstance(read, Refusal):
            return _refuse(request, read._replace(says=f"builder error: {read.says}"))
    return None
