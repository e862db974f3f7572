"""What `inspect` prints: JSON (`docs/json.md`), or for people each file with what is in it.

All text has passed `safe_text`. Of a key there are only its kind and its public half's digest.
"""

import sys
from collections.abc import Iterable
from typing import Final, TextIO

import msgspec
import msgspec.structs
from msgspec import Struct
from rich.text import Text

from probe.inspection.file_report import FileReport, Inspection
from probe.model.certificate import CertificateFacts, KeyFacts, NamedBlock
from probe.model.finding import Finding
from probe.report.console import append_finding, make_console
from probe.report.result import (
    SCHEMA,
    ReportedFinding,
    ResultCertificate,
    build_certificate,
    report_findings,
)
from probe.text.time_format import DAY, rfc3339
from probe.x509.validity import describe_time_left

_SHOWN_CERTIFICATES: Final = 10
_SHOWN_BLOCKS: Final = 10
_SHOWN_NAMES: Final = 12


class LocatedFault(Struct, frozen=True):
    """A fault with the file, or the setting, that it is of."""

    path: str
    role: str
    cause: str
    fact: str
    fix: tuple[str, ...]


class InspectedCertificate(ResultCertificate, frozen=True):
    """One certificate in full; null is an extension that is not there."""

    days_left: int
    """Whole days; negative once it has expired."""
    is_ca: bool
    self_signed: bool
    key_type: str
    key_bits: int
    signature_hash: str
    extended_key_usage: tuple[str, ...] | None
    key_usage: tuple[str, ...] | None
    subject_key_id: str
    authority_key_id: str
    aia_issuers: tuple[str, ...]


class InspectedFile(Struct, frozen=True):
    """One file."""

    path: str
    role: str
    format: str
    what: str
    blocks: tuple[str, ...]
    certificates: tuple[InspectedCertificate, ...]
    keys: tuple[KeyFacts, ...]
    facts: tuple[str, ...]
    faults: tuple[ReportedFinding, ...]
    remarks: tuple[ReportedFinding, ...]
    targets: tuple[str, ...]


class InspectionDocument(Struct, frozen=True):
    """All files, and all faults once more in one list."""

    schema: str
    at: str
    files: tuple[InspectedFile, ...]
    faults: tuple[LocatedFault, ...]


def encode_inspection(inspection: Inspection) -> bytes:
    """Return the JSON document of an inspection, ending in a line break."""
    files = tuple(_file(report, inspection.at) for report in inspection.files)
    faults = msgspec.convert(inspection.faults, tuple[LocatedFault, ...], from_attributes=True)
    document = InspectionDocument(SCHEMA, rfc3339(inspection.at, "milliseconds"), files, faults)
    return msgspec.json.encode(document) + b"\n"


def print_inspection(inspection: Inspection, stream: TextIO | None = None) -> None:
    """Print each file with what is in it and what is wrong with it."""
    console = make_console(stream or sys.stdout)
    shown: set[Finding] = set()
    for report in inspection.files:
        console.print(_story(report, inspection.at), soft_wrap=True)
        console.print()
        shown.update(report.faults)
    of_settings = [fault for fault in inspection.faults if fault not in shown]
    if of_settings:
        text = Text()
        text.append("settings\n", style="bold")
        _append_findings(text, "fault", "red", of_settings)
        console.print(text, soft_wrap=True)


def _file(report: FileReport, now: float) -> InspectedFile:
    return InspectedFile(
        path=report.path,
        role=report.role,
        format=report.format,
        what=report.what,
        blocks=tuple(map(_block, report.blocks)),
        certificates=tuple(_certificate(one, now) for one in report.certificates),
        keys=report.keys,
        facts=report.facts,
        faults=report_findings(report.faults),
        remarks=report_findings(report.remarks),
        targets=report.targets,
    )


def _block(block: NamedBlock) -> str:
    return f"line {block.line}: {block.name}"


def _certificate(facts: CertificateFacts, now: float) -> InspectedCertificate:
    known = msgspec.structs.asdict(build_certificate(facts))
    known["days_left"] = int((facts.not_after - now) // DAY)
    others = (name for name in InspectedCertificate.__struct_fields__ if name not in known)
    return InspectedCertificate(**known, **{name: getattr(facts, name) for name in others})


def _story(report: FileReport, now: float) -> Text:
    story = Text()
    story.append(f"{report.path}", style="bold")
    story.append(f"  ({report.role})\n")
    story.append(f"  {report.what}\n")
    if report.targets:
        story.append(f"  used by {', '.join(report.targets)}\n")
    if any(block.name != "certificate" for block in report.blocks[1:]):
        for block in report.blocks[:_SHOWN_BLOCKS]:
            story.append(f"    {_block(block)}\n")
        _append_rest(story, len(report.blocks) - _SHOWN_BLOCKS, "block")
    for place, facts in enumerate(report.certificates[:_SHOWN_CERTIFICATES], 1):
        _append_certificate(story, place, facts, now)
    _append_rest(story, len(report.certificates) - _SHOWN_CERTIFICATES, "certificate")
    for key in report.keys:
        story.append(f"  {_key(key)}\n")
    for fact in report.facts:
        story.append(f"    seen: {fact}\n")
    _append_findings(story, "fault", "red", report.faults)
    _append_findings(story, "note", "yellow", report.remarks)
    story.rstrip()
    return story


def _append_findings(story: Text, label: str, style: str, findings: Iterable[Finding]) -> None:
    for one in findings:
        append_finding(story, label, style, f"{one.fact} ({one.cause})", one.fix, indent=4)


def _append_rest(story: Text, more: int, what: str) -> None:
    if more > 0:
        story.append(f"    and {more} more {what}{'' if more == 1 else 's'}: --output json\n")


def _append_certificate(story: Text, place: int, facts: CertificateFacts, now: float) -> None:
    story.append(f"  certificate {place}: {facts.subject.text or '(empty subject)'}\n")
    issuer = "itself" if facts.self_signed else facts.issuer.text or "(empty name)"
    story.append(f"    issuer     {issuer}\n")
    if facts.sans:
        more = len(facts.sans) - _SHOWN_NAMES
        rest = f", and {more} more" if more > 0 else ""
        story.append(f"    SANs       {', '.join(facts.sans[:_SHOWN_NAMES])}{rest}\n")
    elif not facts.is_ca:
        story.append("    SANs       none\n")
    story.append(f"    usages     {_usages(facts)}\n")
    signed = f", signed with {facts.signature_hash}" if facts.signature_hash else ""
    story.append(f"    key        {facts.key_type or 'unknown'} {facts.key_bits} bits{signed}\n")
    validity = f"{rfc3339(facts.not_before)} to {rfc3339(facts.not_after)}"
    story.append(f"    valid      {validity}, {describe_time_left(facts, now)}\n")


def _usages(facts: CertificateFacts) -> str:
    extended = facts.extended_key_usage
    purposes = "any purpose" if extended is None else ", ".join(extended) or "no purpose"
    bits = "any use" if facts.key_usage is None else ", ".join(facts.key_usage) or "no use"
    return f"{purposes}; {bits}; {'a CA' if facts.is_ca else 'no CA'}"


def _key(key: KeyFacts) -> str:
    what = "private key" if key.private else "public key"
    if key.encrypted:
        return f"{what}: encrypted with a passphrase"
    if not key.key_type:
        return f"{what}: does not parse"
    return (
        f"{what}: {key.key_type} {key.key_bits} bits, "
        f"SHA-256 of its public half {key.public_key_sha256[:16]}"
    )
