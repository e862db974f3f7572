"""Reads a target's certificate, key and CA files into `Credentials`, with every fault found.

What the files hold, or that they are not there, never raises: it is a fault or a remark. Law 11:
the generation is a digest of public parts alone.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from probe.credentials.chain import (
    AtHand,
    can_sign,
    certificates_beside,
    continuation,
    is_pair,
    public_key_of,
    wrong_link,
)
from probe.credentials.content import Content, make_fault, read_content
from probe.credentials.convert import INLINE, compare_keys, copy_again
from probe.credentials.file_settings import KEYS, FileSettings
from probe.credentials.formats.recognise import Format
from probe.credentials.read_file import read_file
from probe.credentials.tls_context import CredentialFile, Credentials, Material, accepts_pair
from probe.model.certificate import CertificateAtHand, CredentialFacts
from probe.model.finding import Finding, Role
from probe.model.target import TlsSettings
from probe.text.safe_text import safe_text
from probe.x509.parse import read_facts

_EMPTY: Final = Content(Format.UNREADABLE)


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the three things that settings name; `path` is empty where they do not."""

    role: Role
    path: str = ""
    content: Content = field(default=_EMPTY)

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        return self.content.certificates


def load_credentials(
    tls: TlsSettings, *, source_kinds: Collection[str], settings: FileSettings = KEYS
) -> Credentials:
    """Read every file that `tls` names.

    Args:
        tls: the target's settings; a `*_pem` value is read as its file would be.
        source_kinds: where the target came from; `collector` makes Go's reader the measure.
        settings: what the settings are called, for facts and steps.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    go = "collector" in source_kinds
    cert = _read("cert", tls.cert_file, tls.cert_pem, settings, go=go)
    key_pem = tls.key_pem.reveal() if tls.key_pem else None
    key = _read("key", tls.key_file, key_pem, settings, go=go)
    ca = _read("ca", tls.ca_file, tls.ca_pem, settings, go=go)
    parts = (cert, key, ca)
    faults = [fault for part in parts for fault in part.content.faults]
    remarks = [remark for part in parts for remark in part.content.remarks]
    faults += _missing_half(cert, key, settings)
    pair_faults = _pair_faults(cert, key)
    faults += pair_faults
    if not pair_faults:
        remarks += _order_remarks(cert)
    material = Material(
        chain=cert.certificates,
        key=None if faults else key.content.key,
        anchors=ca.certificates,
        system_roots=not ca.path or tls.include_system_ca_certs_pool,
    )
    return Credentials(
        tls,
        material,
        _facts(parts, material, faults, remarks, _beyond(tls, cert, ca)),
        tuple(_file(part) for part in parts if part.path),
    )


def _read(
    role: Role, path: str | None, inline: str | None, settings: FileSettings, *, go: bool
) -> _Part:
    if path:
        found = read_file(path, role, settings=settings)
        if isinstance(found, Finding):
            return _Part(role, path, Content(Format.UNREADABLE, faults=(found,)))
        return _Part(role, path, read_content(found, role, path, go=go, settings=settings))
    if inline:
        name = INLINE[role]
        raw = inline.encode("utf-8", "surrogateescape")
        return _Part(role, name, read_content(raw, role, name, go=go, settings=settings))
    return _Part(role)


def _missing_half(cert: _Part, key: _Part, settings: FileSettings) -> list[Finding]:
    if bool(cert.path) == bool(key.path):
        return []
    there, absent = (cert, key) if cert.path else (key, cert)
    setting = settings.name(absent.role)
    fact = f"is not set, though {there.path} is: a client certificate needs both"
    belongs = "the private key of that certificate" if absent is key else "that key's certificate"
    fix = (f"set {setting} to {belongs}, or remove both settings to send no certificate",)
    return [make_fault(absent.role, setting, fact, fix, "client_file_missing")]


def _pair_faults(cert: _Part, key: _Part) -> list[Finding]:
    private = key.content.key
    if private is None or not cert.certificates or cert.content.faults or key.content.faults:
        return []
    first, *others = cert.certificates
    if not public_key_of(first):
        fact = "holds a certificate whose public key does not parse"
        return [make_fault("cert", cert.path, fact, copy_again("cert", cert.path))]
    if not is_pair(first, private):
        place = next((at for at, c in enumerate(others, 2) if is_pair(c, private)), 0)
        return [_misordered(cert, key, place) if place else _mismatch(cert, key, private)]
    if not can_sign(private):
        fact = "holds a damaged private key: what it signs does not verify with its own public key"
        return [make_fault("key", key.path, fact, copy_again("key", key.path))]
    if not accepts_pair(cert.certificates, private):
        kind = read_facts(first).key_type or "unknown"
        fact = f"holds a certificate that TLS cannot authenticate with (key type {kind})"
        return [make_fault("cert", cert.path, fact, ("use an RSA, EC or Ed25519 certificate",))]
    return []


def _mismatch(cert: _Part, key: _Part, private: PrivateKeyTypes) -> Finding:
    held = public_key_of(cert.certificates[0])
    fact = (
        f"is not the private key of the certificate in {cert.path}: the certificate's public key "
        f"has SHA-256 {_short(held)}, this key's has {_short(public_key_of(private))}"
    )
    fix = compare_keys(cert.path, key.path)
    return make_fault("key", key.path, fact, fix, "client_cert_key_mismatch")


def _misordered(cert: _Part, key: _Part, place: int) -> Finding:
    subjects = [read_facts(c).subject.text for c in cert.certificates]
    fact = (
        f"begins with {safe_text(subjects[0], 60)}, but {key.path} belongs to certificate {place} "
        f"in it, {safe_text(subjects[place - 1], 60)}"
    )
    fix = f"move certificate {place} of {cert.path} to the top: end entity first, then its issuers"
    return make_fault("cert", cert.path, fact, (fix,), "client_chain_misordered")


def _order_remarks(cert: _Part) -> list[Finding]:
    place = 0 if cert.content.faults else wrong_link(cert.certificates)
    if not place:
        return []
    fact = (
        f"has certificate {place + 1} behind certificate {place}, which it did not issue; "
        "TLS 1.3 backends put up with it, strict TLS 1.2 ones do not"
    )
    fix = (f"put each certificate's issuer right behind it in {safe_text(cert.path)}",)
    return [make_fault("cert", cert.path, fact, fix, "client_chain_misordered")]


def _beyond(tls: TlsSettings, cert: _Part, ca: _Part) -> tuple[AtHand, ...]:
    beside = tls.cert_file

    def folder() -> list[AtHand]:
        return certificates_beside(beside) if beside else []

    return continuation(cert.certificates, [(ca.path, c) for c in ca.certificates], folder)


def _facts(
    parts: Sequence[_Part],
    material: Material,
    faults: Sequence[Finding],
    remarks: Sequence[Finding],
    beyond: Sequence[AtHand],
) -> CredentialFacts:
    return CredentialFacts(
        generation=_generation(parts, [*faults, *remarks]),
        client_chain=tuple(map(read_facts, material.chain)),
        continuation=tuple(
            CertificateAtHand(path=safe_text(path), certificate=read_facts(certificate))
            for path, certificate in beyond
        ),
        ca_bundle=tuple(map(read_facts, material.anchors)),
        system_roots=material.system_roots,
        faults=tuple(faults),
        remarks=tuple(remarks),
    )


def _generation(parts: Sequence[_Part], findings: Sequence[Finding]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.role} {part.content.format}\n".encode())
        for certificate in part.certificates:
            digest.update(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())
        if part.content.key is not None:
            digest.update(hashlib.sha256(public_key_of(part.content.key)).digest())
    for finding in findings:
        digest.update(f"{finding.cause} {finding.fact}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _file(part: _Part) -> CredentialFile:
    held = tuple(map(read_facts, part.certificates))
    return CredentialFile(safe_text(part.path), part.role, part.content.format, held)


def _short(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]
