"""Reads a target's certificate, key and CA files into `Credentials`, with every fault found.

What the files hold, or that they do not exist, never raises: it is a fault or a remark. The
generation is a digest of public parts alone.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.credentials.content import Content, read_content
from probe.credentials.convert import compare_keys, copy_again
from probe.credentials.formats.recognise import Format
from probe.credentials.key_pair import accepts_pair, can_sign, fingerprint_public_key, is_pair
from probe.credentials.named_file import KEYS, FileSettings, NamedFile, list_named_files
from probe.credentials.read_file import read_file, read_folder
from probe.credentials.tls_context import Credentials, Material
from probe.exporters.client_chain import find_broken_rules
from probe.model.certificate import CertificateFacts, CredentialFacts, LocatedCertificate
from probe.model.finding import Finding
from probe.model.target import TlsSettings
from probe.text.safe_text import quote_path, safe_text
from probe.x509.parse import read_facts
from probe.x509.path import Located, extend_path, find_wrong_link

_EMPTY: Final = Content(Format.UNREADABLE)


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """One of the three files that settings name, with what it holds."""

    file: NamedFile
    content: Content = field(default=_EMPTY)
    facts: tuple[CertificateFacts, ...] = ()
    """Of its certificates."""

    @property
    def path(self) -> str:
        return self.file.path

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
    cert, key, ca = parts = [_read(file) for file in list_named_files(tls, settings, go=go)]
    faults = [fault for part in parts for fault in part.content.faults]
    remarks = [remark for part in parts for remark in part.content.remarks]
    faults += _find_missing_half(cert, key)
    pair_fault = _judge_pair(cert, key)
    if pair_fault is not None:
        faults.append(pair_fault)
    else:
        remarks += _judge_order(cert)
    material = Material(
        chain=cert.certificates,
        key=None if faults else key.content.key,
        anchors=ca.certificates,
        system_roots=not ca.path or tls.include_system_ca_certs_pool,
    )
    unsent = _find_unsent_issuers(tls, cert, ca)
    rules = find_broken_rules(
        [_to_der(one) for one in cert.certificates], [_to_der(one) for _, one in unsent]
    )
    facts = CredentialFacts(
        generation=_digest(parts, [*faults, *remarks]),
        client_chain=cert.facts,
        unsent_issuers=tuple(
            LocatedCertificate(path=safe_text(path), certificate=read_facts(certificate))
            for path, certificate in unsent
        ),
        broken_rules=rules.by_all,
        disputed_rules=rules.by_some,
        ca_bundle=ca.facts,
        system_roots=material.system_roots,
        faults=tuple(faults),
        remarks=tuple(remarks),
    )
    return Credentials(material, facts)


def _to_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _read(file: NamedFile) -> _ReadFile:
    if not file.path:
        return _ReadFile(file)
    raw = file.inline or read_file(file)
    if isinstance(raw, Finding):
        return _ReadFile(file, Content(Format.UNREADABLE, faults=(raw,)))
    content = read_content(raw, file)
    return _ReadFile(file, content, tuple(map(read_facts, content.certificates)))


def _find_missing_half(cert: _ReadFile, key: _ReadFile) -> Iterable[Finding]:
    if bool(cert.path) == bool(key.path):
        return
    there, absent = (cert, key) if cert.path else (key, cert)
    role, settings = absent.file.role, absent.file.settings
    belongs = "the private key of that certificate" if absent is key else "that key's certificate"
    setting = settings.name(role)
    yield NamedFile(role, setting, settings).make_finding(
        f"is not set, though {there.path} is: a client certificate needs both",
        f"set {setting} to {belongs}, or remove both settings to send no certificate",
        cause="client_file_missing",
    )


def _judge_pair(cert: _ReadFile, key: _ReadFile) -> Finding | None:
    private = key.content.key
    if private is None or not cert.certificates or cert.content.faults or key.content.faults:
        return None
    first, *others = cert.certificates
    if not fingerprint_public_key(first):
        fact = "holds a certificate whose public key does not parse"
        return cert.file.make_finding(fact, *copy_again(cert.file))
    if not is_pair(first, private):
        place = next((index for index, c in enumerate(others, 2) if is_pair(c, private)), 0)
        return _describe_misordered(cert, key, place) if place else _describe_mismatch(cert, key)
    if not can_sign(private):
        fact = "holds a damaged private key: what it signs does not verify with its own public key"
        return key.file.make_finding(fact, *copy_again(key.file))
    if not accepts_pair(cert.certificates, private):
        kind = cert.facts[0].key_type or "unknown"
        fact = f"holds a certificate that TLS cannot authenticate with (key type {kind})"
        return cert.file.make_finding(fact, "use an RSA, EC or Ed25519 certificate")
    return None


def _describe_mismatch(cert: _ReadFile, key: _ReadFile) -> Finding:
    held, own = map(fingerprint_public_key, (cert.certificates[0], key.content.key))
    return key.file.make_finding(
        f"is not the private key of the certificate in {cert.path}: the certificate's public key "
        f"has SHA-256 {held[:16]}, this key's has {own[:16]}",
        *compare_keys(cert.path, key.path),
        cause="client_cert_key_mismatch",
    )


def _describe_misordered(cert: _ReadFile, key: _ReadFile, place: int) -> Finding:
    first, own = (safe_text(cert.facts[index].subject.text, 60) for index in (0, place - 1))
    return cert.file.make_finding(
        f"begins with {first}, but {key.path} belongs to certificate {place} in it, {own}",
        f"move certificate {place} of {quote_path(cert.path)} to the top: end entity first, then its issuers",
        cause="client_chain_misordered",
    )


def _judge_order(cert: _ReadFile) -> Iterable[Finding]:
    place = 0 if cert.content.faults else find_wrong_link(cert.certificates)
    if place:
        yield cert.file.make_finding(
            f"has certificate {place + 1} behind certificate {place}, which it did not issue; "
            "TLS 1.3 backends accept that order, strict TLS 1.2 ones do not",
            f"put each certificate's issuer right behind it in {quote_path(cert.path)}",
            cause="client_chain_misordered",
        )


def _find_unsent_issuers(tls: TlsSettings, cert: _ReadFile, ca: _ReadFile) -> tuple[Located, ...]:
    folder_of = tls.cert_file
    return extend_path(
        cert.certificates,
        [(ca.path, certificate) for certificate in ca.certificates],
        lambda: read_folder(folder_of) if folder_of else (),
    )


def _digest(parts: Sequence[_ReadFile], findings: Sequence[Finding]) -> str:
    """Return what changes whenever what the files hold does."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.file.role} {part.content.format}\n".encode())
        for certificate in part.facts:
            digest.update(bytes.fromhex(certificate.sha256))
        if part.content.key is not None:
            digest.update(fingerprint_public_key(part.content.key).encode())
    for finding in findings:
        digest.update(f"{finding.cause} {finding.fact}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
