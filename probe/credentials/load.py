"""Reads a target's certificate, key and CA files into `Credentials`, with every fault found.

Whether a file stops the exporter is decided by the model of that exporter's reader; what is wrong
with it is said by the scan of its content. What the files hold, or that they do not exist, never
raises: it is a fault or a remark. The generation is a digest of public parts alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from probe.credentials.compare_readings import compare_anchors, compare_readings
from probe.credentials.content import Content, describe_refusal, read_content
from probe.credentials.convert import compare_keys, copy_again
from probe.credentials.formats.recognise import Format
from probe.credentials.key_pair import can_sign
from probe.credentials.named_file import KEYS, FileSettings, NamedFile, list_named_files
from probe.credentials.read_file import read_file, read_folder
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.reading import FileSet, Stop
from probe.credentials.readers.runtimes import RuntimeReading, read_as, read_as_all
from probe.credentials.system_roots import SYSTEM_ROOTS, SystemRoots
from probe.credentials.tls_context import Credentials, Material
from probe.exporters.client_chain import find_broken_rules
from probe.model.certificate import CredentialFacts, LocatedCertificate
from probe.model.finding import Finding, Role
from probe.model.runtime import COLLECTOR, RUNTIMES_BY_ID
from probe.model.target import TlsSettings
from probe.surroundings.file_view import HOST_FILES, FileView
from probe.text.safe_text import quote_path, safe_text
from probe.x509.parse import read_der, read_facts
from probe.x509.path import Located, extend_path, find_wrong_link

MAX_BUNDLE: Final = 400
"""CA certificates of one file that are described in evidence; a system's bundle has 140."""
_LONGEST_FACT: Final = 400
_EMPTY: Final = Content(Format.UNREADABLE)


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """One of the three files that settings name, with what it holds."""

    file: NamedFile
    raw: bytes | None = field(default=None, repr=False)
    """None where nothing is named, or it cannot be read."""
    content: Content = field(default=_EMPTY)
    unread: Finding | None = None
    """Why it cannot be read."""

    @property
    def path(self) -> str:
        return self.file.path

    def to_pem(self) -> PemFile | None:
        return None if self.raw is None else PemFile(self.raw)


def load_credentials(
    tls: TlsSettings,
    *,
    exporter: str = COLLECTOR.id,
    settings: FileSettings = KEYS,
    view: FileView = HOST_FILES,
    roots: SystemRoots = SYSTEM_ROOTS,
) -> Credentials:
    """Read every file that `tls` names.

    Args:
        tls: the target's settings; a `*_pem` value is read as its file would be.
        exporter: whose reader is the measure: the id of a `Runtime`.
        settings: what the settings are called, for facts and steps.
        view: the files of the place where the exporter runs.
        roots: the system's trust anchors there.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
        ViewError: where the probe cannot see what the exporter does.
    """
    cert, key, ca = parts = [_read(file, view) for file in list_named_files(tls, settings)]
    files = FileSet(
        cert.to_pem(),
        key.to_pem(),
        ca.to_pem(),
        frozenset(part.file.role for part in parts if part.unread is not None),
    )
    readings = read_as_all(files)
    reading = readings.get(exporter) or read_as(exporter, files)
    faults = list(_describe_faults(exporter, files, reading, cert, key, ca))
    chain = reading.chain or cert.content.certificates
    anchors = ca.content.certificates if reading.anchors is None else reading.anchors
    anchors = tuple(dict.fromkeys(anchors))
    private = _find_key(files, chain) if not faults else None
    if private is not None and not can_sign(private):
        fact = "holds a damaged private key: what it signs does not verify with its own public key"
        faults.append(key.file.make_finding(fact, *copy_again(key.file)))
        private = None
    remarks = list(_list_remarks(exporter, faults, parts))
    parsed = [files.parse(der).plain for der in chain]
    if None not in parsed:
        remarks += _judge_order(cert, faults, [one for one in parsed if one is not None])
    material = Material(
        chain=(*chain, *reading.appended),
        key=private,
        anchors=anchors if ca.path else (),
        system_roots=not ca.path or tls.include_system_ca_certs_pool,
        roots=roots,
        other_anchors=compare_anchors(readings, reading),
    )
    client_facts = tuple(map(read_der, chain))
    ca_facts = tuple(map(read_der, anchors[:MAX_BUNDLE]))
    unsent = _find_unsent_issuers(tls, files, parsed, ca, anchors, view)
    rules = find_broken_rules(chain, [_to_der(one) for _, one in unsent])
    facts = CredentialFacts(
        generation=_digest(parts, (*chain, *anchors), files, [*faults, *remarks]),
        client_chain=client_facts,
        unsent_issuers=tuple(
            LocatedCertificate(path=safe_text(path), certificate=read_facts(certificate))
            for path, certificate in unsent
        ),
        broken_rules=rules.by_all,
        disputed_rules=rules.by_some,
        ca_bundle=ca_facts,
        ca_bundle_size=len(anchors),
        system_roots=material.system_roots,
        faults=tuple(faults),
        remarks=tuple(remarks),
        readings=compare_readings(files, exporter, readings, reading),
    )
    return Credentials(material, facts)


def _to_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _read(file: NamedFile, view: FileView) -> _ReadFile:
    if not file.path:
        return _ReadFile(file)
    raw = file.inline or read_file(file, view=view)
    if isinstance(raw, Finding):
        return _ReadFile(file, unread=raw)
    return _ReadFile(file, raw, read_content(raw, file))


def _describe_faults(
    exporter: str,
    files: FileSet,
    reading: RuntimeReading,
    cert: _ReadFile,
    key: _ReadFile,
    ca: _ReadFile,
) -> Iterator[Finding]:
    """Say what is wrong with each file that the exporter cannot use, in the files' order."""
    by_role: dict[Role, _ReadFile] = {"cert": cert, "key": key, "ca": ca}
    stops: dict[Role, Stop] = {stop.role: stop for stop in reversed(reading.stops)}
    if "cert" in stops and key.raw is not None and key.content.key is None:
        # A reader that stops at the certificate has not come to the key, which is not a key either.
        stops.setdefault("key", Stop("key", "block", ""))
    for part in by_role.values():
        if part.unread is not None:
            yield part.unread
    for role, part in by_role.items():
        stop = stops.get(role)
        if stop is None or part.unread is not None:
            continue
        match stop.why:
            case _ if role != "ca" and not part.path:
                # Some look for the key in cert_file where no other file is set.
                yield _describe_missing_half(part, cert if role == "key" else key)
            case "pair":
                yield _describe_pair(files, cert, key)
            case _:
                yield from _describe_stop(stop, part, exporter)


def _describe_stop(stop: Stop, part: _ReadFile, exporter: str) -> Iterator[Finding]:
    runtime = RUNTIMES_BY_ID.get(exporter, COLLECTOR)
    content = part.content
    precise = stop.why in {"certificate", "weak", "order"} or (
        stop.why == "key" and content.key is not None
    )
    if content.faults and not (precise and content.certificates):
        yield from content.faults
    elif content.remarks and stop.why in {"no_block", "block"}:
        yield content.remarks[0]
    else:
        yield describe_refusal(stop, part.raw or b"", part.file, runtime.name)


def _describe_missing_half(absent: _ReadFile, there: _ReadFile) -> Finding:
    role, settings = absent.file.role, absent.file.settings
    belongs = "the private key of that certificate" if role == "key" else "that key's certificate"
    setting = settings.name(role)
    return NamedFile(role, setting, settings).make_finding(
        f"is not set, though {there.path} is: a client certificate needs both",
        f"set {setting} to {belongs}, or remove both settings to send no certificate",
        cause="client_file_missing",
    )


def _describe_pair(files: FileSet, cert: _ReadFile, key: _ReadFile) -> Finding:
    private = None if key.content.key is None else files.read_key(key.content.key.der)[1]
    chain = cert.content.certificates
    if private is None or not chain:
        fact = f"is not the private key of the certificate in {cert.path}"
        fix = compare_keys(cert.path, key.path)
        return key.file.make_finding(fact, *fix, cause="client_cert_key_mismatch")
    publics = [files.parse(der).public_sha256 for der in chain]
    if not publics[0]:
        fact = "holds a certificate whose public key does not parse"
        return cert.file.make_finding(fact, *copy_again(cert.file))
    place = next((n for n, one in enumerate(publics, 1) if one == private.public_sha256), 0)
    if place == 1 and cert.content.remarks:
        # They are a pair for whoever reads the first certificate: what hides it is the fault.
        return cert.content.remarks[0]
    if place > 1:
        first, own = (safe_text(read_der(chain[n]).subject.text, 60) for n in (0, place - 1))
        return cert.file.make_finding(
            f"begins with {first}, but {key.path} belongs to certificate {place} in it, {own}",
            f"move certificate {place} of {quote_path(cert.path)} to the top: end entity first, then its issuers",
            cause="client_chain_misordered",
        )
    return key.file.make_finding(
        f"is not the private key of the certificate in {cert.path}: the certificate's public key "
        f"has SHA-256 {files.parse(chain[0]).spki_sha256[:16]}, this key's has "
        f"{private.spki_sha256[:16]}",
        *compare_keys(cert.path, key.path),
        cause="client_cert_key_mismatch",
    )


def _find_key(files: FileSet, chain: Sequence[bytes]) -> crypto.PKey | None:
    """Return the key of the first certificate among those that any reader has found."""
    if not chain or (files.key is None and files.cert is None):
        return None
    public = files.parse(chain[0]).public_sha256
    return next((k.pkey for k in files.loaded_keys() if k.public_sha256 == public), None)


def _list_remarks(
    exporter: str, faults: Sequence[Finding], parts: Sequence[_ReadFile]
) -> Iterator[Finding]:
    """List what is odd in files that the exporter uses all the same."""
    name = RUNTIMES_BY_ID.get(exporter, COLLECTOR).name
    stopped = {fault.role for fault in faults}
    for part in parts:
        if part.file.role in stopped:
            continue
        found = part.content.remarks
        if part.content.certificates:
            found = (*part.content.faults, *found)
        for one in found:
            note = f"the {name} uses the rest of the file without a message"
            fact = safe_text(f"{one.fact}; {note}", _LONGEST_FACT)
            yield Finding(
                cause=one.cause,
                role=one.role,
                path=one.path,
                fact=fact,
                fix=one.fix,
                kind=one.kind,
            )


def _judge_order(
    cert: _ReadFile, faults: Sequence[Finding], chain: Sequence[x509.Certificate]
) -> Iterable[Finding]:
    place = 0 if any(fault.role == "cert" for fault in faults) else find_wrong_link(chain)
    if place:
        yield cert.file.make_finding(
            f"has certificate {place + 1} behind certificate {place}, which it did not issue; "
            "TLS 1.3 backends accept that order, strict TLS 1.2 ones do not",
            f"put each certificate's issuer right behind it in {quote_path(cert.path)}",
            cause="client_chain_misordered",
        )


def _find_unsent_issuers(
    tls: TlsSettings,
    files: FileSet,
    chain: Sequence[x509.Certificate | None],
    ca: _ReadFile,
    anchors: Sequence[bytes],
    view: FileView,
) -> tuple[Located, ...]:
    folder_of = tls.cert_file
    parsed = [one for one in chain if one is not None]
    held = [(ca.path, one) for der in anchors if (one := files.parse(der).plain) is not None]
    return extend_path(parsed, held, lambda: read_folder(folder_of, view) if folder_of else ())


def _digest(
    parts: Sequence[_ReadFile],
    certificates: Iterable[bytes],
    files: FileSet,
    findings: Sequence[Finding],
) -> str:
    """Return what changes whenever what the files hold does."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.file.role} {part.content.format}\n".encode())
    for der in certificates:
        digest.update(der)
    for key in files.loaded_keys():
        digest.update(key.spki_sha256.encode())
    for finding in findings:
        digest.update(f"{finding.cause} {finding.fact}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
