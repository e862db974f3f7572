"""Inspects the receivers of a Collector: their files, their settings, and clients' certificates.

No connection is opened. What is wrong is judged where attempts on a receiver ask, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from probe.credentials.named_file import RECEIVER_KEYS, NamedFile
from probe.credentials.receiver_files import (
    judge_client_chain,
    read_client_chain,
    read_receiver_files,
)
from probe.credentials.whole_file import Reading, read_named_file
from probe.diagnosis.readings.receiver_clients import judge_client
from probe.diagnosis.readings.receiver_judgement import judge_receiver
from probe.inspection.file_report import FileReport, Inspection, Judgement
from probe.inspection.server_file import judge_name
from probe.model.certificate import CertificateFacts, ReceiverFiles, name_certificate
from probe.model.collector_receiver import Receiver
from probe.model.finding import Finding, Role, ServerRole
from probe.text.description import PATH_MAX
from probe.text.safe_text import safe_text
from probe.x509.parse import read_der, read_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSet:
    """One protocol of a receiver, with what its configuration is known to be worth."""

    receiver: Receiver
    note: str = ""
    """Why it is not probed: no pipeline uses it, or it takes no OTLP."""
    faults: tuple[Finding, ...] = ()
    """What of its settings keeps it from starting."""


@dataclass(slots=True)
class _Growing:
    """One file of one role, as receiver after receiver names it."""

    role: str
    path: str
    reading: Reading | None = None
    facts: list[str] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    what: str = ""


_Files = dict[tuple[str, str], _Growing]


def inspect_receivers(
    sets: Sequence[ReceiverSet],
    now: float,
    *,
    settings_file: str,
    clients: Sequence[str] = (),
    reference: str = "",
    faults: Sequence[Finding] = (),
) -> Inspection:
    """Inspect the files of every receiver, and what each makes of clients' certificates.

    Args:
        sets: The receivers of one configuration.
        now: The time to judge dates at, in seconds since the Unix epoch.
        settings_file: The configuration's file, or files.
        clients: Files of clients' certificates.
        reference: The name that clients connect to; empty: none was given.
        faults: Of the configuration as a whole.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    files: _Files = {}
    settings_path = safe_text(settings_file, PATH_MAX)
    settings = files["receiver", settings_path] = _Growing("receiver", settings_path)
    settings.what = (
        f"is a Collector's configuration, whose receivers are judged: {len(sets)}"
        if sets
        else "has no receiver that could be read"
    )
    settings.faults += faults
    for one in sets:
        held = read_receiver_files(one.receiver, now)
        verdict = judge_receiver(held, now)
        settings.facts.append(_describe(one, held))
        settings.targets.append(held.name)
        for found, stops in (
            *((each, True) for each in (*one.faults, *verdict.faults)),
            *((each, False) for each in verdict.remarks),
        ):
            _put(files, found, settings, held, stops=stops)
        _add_files(files, held, reference)
        for path in clients:
            _judge_client(files, path, one.receiver, held, now)
    reports = tuple(map(_make_report, files.values()))
    every = (fault for report in reports for fault in report.faults)
    return Inspection(at=now, files=reports, faults=tuple(dict.fromkeys(every)))


def _describe(one: ReceiverSet, held: ReceiverFiles) -> str:
    how = "without TLS: it takes telemetry from anyone who reaches it"
    if held.tls and held.client_ca_file:
        how = f"with TLS, and demands a client certificate of a CA in {held.client_ca_file}"
    elif held.tls:
        how = "with TLS, and asks for no client certificate"
    if not held.listens:
        return f"receiver {held.name} listens on nothing ({held.where})"
    note = f"; {one.note}" if one.note else ""
    return f"receiver {held.name} listens on {held.listens}, {how} ({held.where}){note}"


def _put(
    files: _Files, found: Finding, settings: _Growing, held: ReceiverFiles, *, stops: bool
) -> None:
    """Add a finding to the file that it is of; one about settings to the configuration."""
    owner = settings
    for role in ("server_cert", "server_key", "client_ca"):
        if found.role == role and found.path:
            owner = _get(files, role, found.path, held.name)
    (owner.faults if stops else owner.remarks).append(found)


def _get(files: _Files, role: ServerRole | Role, path: str, target: str) -> _Growing:
    known = files.get((role, path))
    if known is None:
        known = files[role, path] = _Growing(role, path)
    if target and target not in known.targets:
        known.targets.append(target)
    return known


def _add_files(files: _Files, held: ReceiverFiles, reference: str) -> None:
    roles: Iterable[tuple[ServerRole, Role, str]] = (
        ("server_cert", "cert", held.cert_file),
        ("server_key", "key", held.key_file),
        ("client_ca", "ca", held.client_ca_file),
    )
    for role, read_as, path in roles:
        if not path or path in {"cert_pem", "key_pem"}:
            continue
        one = _get(files, role, path, held.name)
        if one.reading is None:
            one.reading = read_named_file(NamedFile(read_as, path, RECEIVER_KEYS))
        if role == "server_cert" and reference and held.chain:
            found = Judgement("cert", path)
            judge_name(found, held.chain[0], reference)
            one.facts += found.facts
            one.faults += found.faults
        if role == "server_key" and not one.faults:
            one.facts.append(f"it is the key of the certificate in {held.cert_file}")


def _judge_client(
    files: _Files, path: str, receiver: Receiver, held: ReceiverFiles, now: float
) -> None:
    """Add whether `receiver` accepts the client whose certificates are in the file at `path`."""
    shown = safe_text(path, PATH_MAX)
    one = _get(files, "cert", shown, "")
    if one.reading is None:
        one.reading = read_named_file(NamedFile("cert", path))
    chain = read_client_chain(path)
    if isinstance(chain, Finding):
        one.faults.append(chain)
        return
    if not held.client_ca_file:
        whom = "speaks no TLS" if not held.tls else "asks no client for a certificate"
        one.facts.append(f"receiver {held.name} {whom}: it never sees this one")
        return
    judgement = judge_client_chain(receiver, chain, now, folder_of=path)
    facts = tuple(map(read_der, chain))
    found = judge_client(held, facts, shown, judgement.faults, judgement.missing, judgement.issuers)
    refused = tuple(found)
    one.faults += refused
    if not refused:
        through = ", ".join(dict.fromkeys(map(name_certificate, judgement.anchors)))
        one.facts.append(
            f"receiver {held.name} accepts it, by {through} of {held.client_ca_file} as it is on disk"
        )


def _make_report(one: _Growing) -> FileReport:
    reading = one.reading
    plain = FileReport(
        path=one.path,
        role=one.role,
        format="yaml",
        what=one.what,
        facts=tuple(map(_safe, dict.fromkeys(one.facts))),
        faults=tuple(dict.fromkeys(one.faults)),
        remarks=tuple(dict.fromkeys(one.remarks)),
        targets=tuple(one.targets),
    )
    if reading is None:
        return plain
    return FileReport(
        path=one.path,
        role=one.role,
        format=reading.format.value,
        what=safe_text(reading.what),
        blocks=reading.blocks,
        certificates=tuple(_list_certificates(reading)),
        keys=reading.keys,
        facts=plain.facts,
        faults=plain.faults,
        remarks=plain.remarks,
        targets=plain.targets,
    )


def _list_certificates(reading: Reading) -> Iterator[CertificateFacts]:
    yield from map(read_facts, reading.certificates)
    yield from map(read_der, reading.odd_certificates)


def _safe(text: str) -> str:
    return safe_text(text, 700)
