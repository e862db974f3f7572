"""Inspects sets of local files: reads each, judges it for its role, and opens no connection.

Law 7: the time to judge at comes in. Law 11: keys stay in the credentials room, only their kind
and a digest of the public half come out. Law 10: every text passes safe_text().
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from cryptography import x509

from probe.credentials.chain import public_key_of
from probe.credentials.convert import INLINE
from probe.credentials.file_settings import KEYS, FileSettings
from probe.credentials.formats.recognise import Format
from probe.credentials.load import load_credentials
from probe.credentials.read_file import read_file
from probe.credentials.tls_context import CredentialFile, Credentials
from probe.credentials.whole_file import Reading, read_whole
from probe.inspection.ca_file import judge_bundle
from probe.inspection.client_file import (
    judge_client,
    judge_continuation,
    judge_dates,
    judge_links,
)
from probe.inspection.file_report import FileReport, Findings, Inspection
from probe.inspection.roles import Named, grouped, role_of
from probe.inspection.server_file import (
    is_for_clients,
    is_for_servers,
    judge_name,
    judge_path,
    judge_server,
    without_names,
)
from probe.model.certificate import CertificateFacts
from probe.model.finding import Finding, Role
from probe.model.target import TlsSettings
from probe.text.safe_text import safe_text
from probe.x509.parse import read_facts

_UNREADABLE: Final = Reading(Format.UNREADABLE, "cannot be read")
_UNORDERED: Final = frozenset({Format.JKS, Format.JCEKS, Format.DER_PKCS7})
"""Formats whose certificates are no one chain, or in no order that means something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """The files of one exporter, as its settings name them."""

    tls: TlsSettings
    source_kinds: Collection[str] = ()
    settings: FileSettings = KEYS
    """What its settings are called."""
    targets: tuple[str, ...] = ()
    whole: bool = True
    """These are all the files there are; else one half of the pair alone is no fault."""
    meant: bool = True
    """Somebody said what each is for; else the content did."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of a set."""

    role: Role
    path: str
    reading: Reading
    facts: tuple[CertificateFacts, ...]


def inspect(sets: Sequence[FileSet], at: float, reference: str = "") -> Inspection:
    """Inspect every set of files.

    Args:
        sets: the files, each set once.
        at: the time to judge dates at, in seconds since the Unix epoch.
        reference: the name that a backend's certificate must hold; empty: none was given.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    files: list[FileReport] = []
    faults: list[Finding] = []
    for one in sets:
        reports, of_settings = _inspect_set(one, at, reference)
        files += reports
        faults += [fault for report in reports for fault in report.faults] + of_settings
    return Inspection(at=at, files=tuple(files), faults=tuple(dict.fromkeys(faults)))


def sets_of(paths: Sequence[str]) -> tuple[FileSet, ...]:
    """Find out what each of `paths` is for, and which belong together."""
    named = []
    for path in dict.fromkeys(paths):
        reading = _read(path)
        named.append(Named(path, reading, role_of(path, reading)))
    return tuple(
        FileSet(
            tls=TlsSettings(cert_file=each.cert, key_file=each.key, ca_file=each.ca),
            whole=False,
            meant=False,
        )
        for each in grouped(named)
    )


def _inspect_set(
    files: FileSet, at: float, reference: str
) -> tuple[list[FileReport], list[Finding]]:
    credentials = load_credentials(
        files.tls, source_kinds=files.source_kinds, settings=files.settings
    )
    parts = [_part(files.tls, file) for file in credentials.files]
    known = {part.role: part for part in parts}
    loaded = [_exchanged(fault, known, files.settings) for fault in credentials.facts.faults]
    shared = "key" in known and "cert" in known and known["key"].path == known["cert"].path
    reports: list[FileReport] = []
    for part in parts:
        if shared and part.role == "key":
            continue
        roles = {part.role} | ({"key"} if shared and part.role == "cert" else set())
        found = Findings(
            faults=[f for f in loaded if f.role in roles and f.path == safe_text(part.path)],
            remarks=[r for r in credentials.facts.remarks if r.role in roles],
        )
        found.add(_judge(part, known, credentials, files, at, reference))
        reports.append(_report(part, found, files.targets))
    of_files = {id(fault) for report in reports for fault in report.faults}
    of_settings = [f for f in loaded if id(f) not in of_files and files.whole]
    return reports, of_settings


def _judge(
    part: _Part,
    known: dict[Role, _Part],
    credentials: Credentials,
    files: FileSet,
    at: float,
    reference: str,
) -> Findings:
    found = Findings()
    path = safe_text(part.path)
    match part.role:
        case "cert" if part.facts:
            found.add(_judge_certificate(part, known, credentials, files, at, reference))
        case "ca":
            holds_key = any(key.private for key in part.reading.keys)
            found.add(judge_bundle(path, part.facts, at, holds_key=holds_key))
    if part.role == "key" or any(key.private for key in part.reading.keys):
        found.facts += _pairing(part, known)
    return found


def _judge_certificate(
    part: _Part,
    known: dict[Role, _Part],
    credentials: Credentials,
    files: FileSet,
    at: float,
    reference: str,
) -> Findings:
    found = Findings()
    path, first, chain = safe_text(part.path), part.facts[0], part.reading.certificates
    if reference and not is_for_clients(first):
        named = judge_name(path, first, reference)
        if not is_for_servers(first):  # it may be anybody's: what it lacks stops nobody
            named = Findings(remarks=named.faults, facts=named.facts)
        found.add(named)
    elif reference:
        found.facts.append(
            "it is a client's certificate: --endpoint names what a backend's has to cover"
        )
    if reference and is_for_servers(first):
        found.facts.append("it is judged as the backend's certificate, since --endpoint is given")
        found.add(judge_server(path, part.facts, at))
        ca = known.get("ca")
        found.add(judge_path(path, chain, *_anchors(ca)))
        return found
    found.add(judge_dates(path, part.facts, at))
    if part.reading.format in _UNORDERED:
        return found
    found.add(without_names(path, first))
    found.add(judge_client(path, part.facts, meant=files.meant))
    found.add(judge_links(path, chain, part.facts))
    if credentials.facts.client_chain:
        found.add(judge_continuation(path, part.facts, credentials.facts.continuation))
    return found


def _anchors(ca: _Part | None) -> tuple[tuple[x509.Certificate, ...], str]:
    return ((), "") if ca is None else (ca.reading.certificates, safe_text(ca.path))


def _pairing(part: _Part, known: dict[Role, _Part]) -> list[str]:
    """Say which certificate the file's private key belongs to."""
    cert = known.get("cert")
    if cert is None or not cert.reading.certificates:
        return []
    held = sha256(public_key_of(cert.reading.certificates[0])).hexdigest()
    if not any(key.private and key.public_key_sha256 == held for key in part.reading.keys):
        return []
    where = "beside it" if cert.path == part.path else f"in {safe_text(cert.path)}"
    return [f"its private key belongs to the certificate {where}"]


def _exchanged(fault: Finding, known: dict[Role, _Part], settings: FileSettings) -> Finding:
    """Say it plainly where cert_file and key_file each hold what the other should."""
    cert, key = known.get("cert"), known.get("key")
    if cert is None or key is None or cert.facts or not key.facts or fault.role == "ca":
        return fault
    if not any(one.private for one in cert.reading.keys):
        return fault
    fix = f"Exchange the two: {settings.cert}: {key.path}, {settings.key}: {cert.path}"
    return msgspec.structs.replace(fault, fix=(safe_text(fix, 1024),))


def _part(tls: TlsSettings, file: CredentialFile) -> _Part:
    path, inline = _named_by(tls, file.role)
    reading = _read(path) if path else read_whole(inline)
    facts = tuple(map(read_facts, reading.certificates))
    return _Part(file.role, path or INLINE[file.role], reading, facts)


def _named_by(tls: TlsSettings, role: Role) -> tuple[str | None, bytes]:
    key_pem = tls.key_pem.reveal() if tls.key_pem else None
    path, inline = {
        "cert": (tls.cert_file, tls.cert_pem),
        "key": (tls.key_file, key_pem),
        "ca": (tls.ca_file, tls.ca_pem),
    }[role]
    return path, (inline or "").encode("utf-8", "surrogateescape")


def _read(path: str) -> Reading:
    raw = read_file(path, "cert")
    return read_whole(raw) if isinstance(raw, bytes) else _UNREADABLE


def _report(part: _Part, found: Findings, targets: tuple[str, ...]) -> FileReport:
    reading = part.reading
    faults, remarks = _order_once(found)
    return FileReport(
        path=safe_text(part.path),
        role=part.role,
        format=reading.format.value,
        what=safe_text(reading.what),
        blocks=reading.blocks,
        certificates=part.facts,
        keys=reading.keys,
        facts=tuple(map(safe_text, dict.fromkeys(found.facts))),
        faults=tuple(dict.fromkeys(faults)),
        remarks=tuple(dict.fromkeys(remarks)),
        targets=tuple(map(safe_text, targets)),
    )


def _order_once(found: Findings) -> tuple[list[Finding], list[Finding]]:
    """Say but once that certificates stand in the wrong order; the pair's proof comes first."""
    cause = "client_chain_misordered"
    wrong = [fault for fault in found.faults if fault.cause == cause]
    faults = [fault for fault in found.faults if fault.cause != cause or fault is wrong[0]]
    return faults, [one for one in found.remarks if one.cause != cause or not wrong]
