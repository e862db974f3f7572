"""Inspects sets of local files: reads each, judges it for its role, and opens no connection.

The time to judge at comes in. Keys stay in the credentials room, only their kind and a digest of
the public half come out. Every text passes safe_text().
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from probe.credentials.formats.recognise import Format
from probe.credentials.key_pair import fingerprint_public_key
from probe.credentials.load import load_credentials
from probe.credentials.named_file import KEYS, FileSettings, NamedFile, list_named_files
from probe.credentials.tls_context import Credentials
from probe.credentials.whole_file import Reading, read_named_file
from probe.inspection.ca_file import judge_bundle
from probe.inspection.client_file import judge_client, judge_issuers, judge_links
from probe.inspection.file_report import FileReport, Inspection, Judgement
from probe.inspection.roles import RoleOfFile, find_role, group_files
from probe.inspection.server_file import (
    judge_name,
    judge_path,
    judge_server,
    remark_on_missing_names,
)
from probe.model.certificate import CertificateFacts
from probe.model.finding import Finding, Role
from probe.model.runtime import COLLECTOR
from probe.model.surroundings import Surroundings
from probe.model.target import TlsSettings
from probe.surroundings.file_view import FileView, ViewError
from probe.surroundings.open_view import open_view
from probe.text.safe_text import safe_text
from probe.x509.parse import read_der, read_facts
from probe.x509.usages import is_only_for

_UNORDERED: Final = frozenset({Format.JKS, Format.JCEKS, Format.DER_PKCS7})
"""Formats whose certificates are not one chain, or in an order without a meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """The files of one exporter, as its settings name them."""

    tls: TlsSettings
    exporter: str = COLLECTOR.id
    """Whose reader is the measure: the id of a `Runtime`."""
    settings: FileSettings = KEYS
    """What its settings are called."""
    targets: tuple[str, ...] = ()
    whole: bool = True
    """These are all the files there are; else one half of the pair alone is not a fault."""
    meant: bool = True
    """Somebody said what each is for; else the content did."""
    runs_in: Surroundings | None = None
    """Where the exporter runs that has them; None: this host."""


@dataclass(frozen=True, slots=True)
class _InspectedFile:
    """One file of a set."""

    role: Role
    path: str
    reading: Reading
    facts: tuple[CertificateFacts, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """What a set of files is judged for."""

    files: FileSet
    credentials: Credentials
    parts: dict[Role, _InspectedFile]
    at: float
    reference: str


def inspect_files(sets: Sequence[FileSet], now: float, reference: str = "") -> Inspection:
    """Inspect every set of files.

    Args:
        sets: the files, each set once.
        now: the time to judge dates at, in seconds since the Unix epoch.
        reference: the name that a backend's certificate must hold; empty: none was given.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    files: list[FileReport] = []
    faults: list[Finding] = []
    for one in sets:
        try:
            reports, of_settings = _inspect_set(one, now, reference)
        except ViewError as error:
            faults.append(Finding(cause="probe_fault", fact=error.detail, fix=()))
            continue
        files += reports
        faults += [fault for report in reports for fault in report.faults] + of_settings
    return Inspection(at=now, files=tuple(files), faults=tuple(dict.fromkeys(faults)))


def group_paths(paths: Sequence[str]) -> tuple[FileSet, ...]:
    """Find out what each of `paths` is for, and which belong together."""
    files = []
    for path in dict.fromkeys(paths):
        reading = read_named_file(NamedFile("cert", path))
        files.append(RoleOfFile(path, reading, find_role(path, reading)))
    return tuple(FileSet(tls=tls, whole=False, meant=False) for tls in group_files(files))


def _inspect_set(
    files: FileSet, now: float, reference: str
) -> tuple[list[FileReport], list[Finding]]:
    view = open_view(files.runs_in)
    credentials = load_credentials(
        files.tls, exporter=files.exporter, settings=files.settings, view=view
    )
    parts = {part.role: part for part in _read_parts(files.tls, view)}
    question = _Question(files, credentials, parts, now, reference)
    loaded = [_explain_exchange(fault, question) for fault in credentials.facts.faults]
    shared = "key" in parts and "cert" in parts and parts["key"].path == parts["cert"].path
    reports: list[FileReport] = []
    for part in parts.values():
        if shared and part.role == "key":
            continue
        roles = {part.role} | ({"key"} if shared and part.role == "cert" else set())
        found = Judgement(
            part.role,
            safe_text(part.path),
            faults=[f for f in loaded if f.role in roles and f.path == safe_text(part.path)],
            remarks=[r for r in credentials.facts.remarks if r.role in roles],
        )
        _judge(found, part, question)
        reports.append(_make_report(part, found, files.targets))
    of_files = {id(fault) for report in reports for fault in report.faults}
    of_settings = [f for f in loaded if id(f) not in of_files and files.whole]
    return reports, of_settings


def _judge(found: Judgement, part: _InspectedFile, question: _Question) -> None:
    holds_key = part.reading.holds_private_key
    match part.role:
        case "cert" if part.reading.certificates:
            _judge_certificate(found, part, question)
        case "ca":
            judge_bundle(found, part.facts, question.at, holds_key=holds_key)
    cert = question.parts.get("cert")
    if (part.role == "key" or holds_key) and cert is not None and cert.reading.certificates:
        held = fingerprint_public_key(cert.reading.certificates[0])
        if any(key.private and key.public_key_sha256 == held != "" for key in part.reading.keys):
            where = "next to it" if cert.path == part.path else f"in {safe_text(cert.path)}"
            found.facts.append(f"its private key belongs to the certificate {where}")


def _judge_certificate(found: Judgement, part: _InspectedFile, question: _Question) -> None:
    first, chain, at = part.facts[0], part.reading.certificates, question.at
    if question.reference:
        for_servers = is_only_for(first, "serverAuth")
        if is_only_for(first, "clientAuth"):
            found.facts.append(
                "it is a client's certificate: --endpoint names what a backend's has to cover"
            )
        else:
            judge_name(found, first, question.reference, stops=for_servers)
        if for_servers:
            fact = "it is judged as the backend's certificate, since --endpoint is given"
            found.facts.append(fact)
            judge_server(found, part.facts, chain, at)
            if ca := question.parts.get("ca"):
                judge_path(found, chain, ca.reading.certificates, safe_text(ca.path))
            return
    renew = f"renew the certificate, and put it in {found.path} with its key in key_file"
    found.judge_dates(part.facts, at, "client", renew)
    if part.reading.format in _UNORDERED:
        return
    remark_on_missing_names(found, first)
    judge_client(found, part.facts, meant=question.files.meant)
    judge_links(found, chain, part.facts)
    if question.credentials.facts.client_chain:
        judge_issuers(found, part.facts, question.credentials.facts.unsent_issuers)


def _explain_exchange(fault: Finding, question: _Question) -> Finding:
    """Say it plainly where cert_file and key_file each hold what the other should."""
    cert, key = question.parts.get("cert"), question.parts.get("key")
    if cert is None or key is None or cert.facts or not key.facts or fault.role == "ca":
        return fault
    if not cert.reading.holds_private_key:
        return fault
    settings = question.files.settings
    fix = f"Exchange the two: {settings.cert}: {key.path}, {settings.key}: {cert.path}"
    return replace(fault, fix=(safe_text(fix, 1024),))


def _read_parts(tls: TlsSettings, view: FileView) -> Iterator[_InspectedFile]:
    for file in list_named_files(tls):
        if file.path:
            reading = read_named_file(file, view)
            odd = map(read_der, reading.odd_certificates)
            facts = (*map(read_facts, reading.certificates), *odd)
            yield _InspectedFile(file.role, file.path, reading, facts)


def _make_report(part: _InspectedFile, found: Judgement, targets: tuple[str, ...]) -> FileReport:
    reading = part.reading
    # A wrong order of certificates is reported once; the pair's proof comes first.
    order = "client_chain_misordered"
    wrong = [fault for fault in found.faults if fault.cause == order]
    faults = [fault for fault in found.faults if fault.cause != order or fault is wrong[0]]
    remarks = [one for one in found.remarks if one.cause != order or not wrong]
    return FileReport(
        path=found.path,
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
