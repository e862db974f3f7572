"""What `validate` prints: the targets that a configuration gives, and what is wrong with their files.

JSON (`docs/json.md`), or for people a table. What the targets' owner wrote passes `safe_text` here.
No header value is part of it.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

import msgspec
from msgspec import Struct
from rich.text import Text

from probe.model.finding import Finding
from probe.model.target import SourceState, Target, list_down_sources
from probe.report.console import append_finding, make_console, make_table
from probe.report.result import SCHEMA
from probe.text.safe_text import safe_text
from probe.text.time_format import format_day

_LONGEST: Final = 1024
"""Characters of a fact or a warning; those are our own, with a name or two in them."""


class ValidTargetSource(Struct, frozen=True):
    """Where a target came from."""

    kind: str
    where: str


class ValidTarget(Struct, frozen=True):
    """One target, as its attempts would be made."""

    name: str
    endpoint: str
    protocol: str
    signal: str
    depth: str
    exporter: str
    """Whose verdict its outcome will be."""
    plaintext: bool
    expect_cause: str | None
    expect_until: str | None
    """The day from which on it must be confirmed all the same; null where there is none."""
    expect_requested: bool
    """Whether its backend must insist on a client certificate."""
    sources: tuple[ValidTargetSource, ...]
    facts: tuple[str, ...]


class TargetFinding(Struct, frozen=True):
    """A fault of a target's files or settings, or something that its settings do not do."""

    target: str
    cause: str
    fact: str
    fix: tuple[str, ...]


class ValidationDocument(Struct, frozen=True):
    """The targets, and all that is wrong."""

    schema: str
    targets: tuple[ValidTarget, ...]
    sources: tuple[SourceState, ...]
    nothing_to_probe: str | None
    """Why there is nothing to probe, and what to do; null where there is something."""
    warnings: tuple[str, ...]
    findings: tuple[TargetFinding, ...]
    faults: tuple[TargetFinding, ...]


def build_validation(
    targets: Sequence[Target],
    faults: Iterable[tuple[Target, Finding]],
    warnings: Iterable[str],
    sources: Sequence[SourceState] = (),
    nothing_to_probe: str = "",
) -> ValidationDocument:
    """Return what there is to say of `targets`, whose files have these `faults`, and of `sources`."""
    return ValidationDocument(
        schema=SCHEMA,
        targets=tuple(map(_valid_target, targets)),
        sources=tuple(sources),
        nothing_to_probe=nothing_to_probe or None,
        warnings=tuple(_text(warning) for warning in warnings),
        findings=tuple(_finding(target, remark) for target in targets for remark in target.remarks),
        faults=(
            *(_finding(target, fault) for target in targets for fault in target.faults),
            *(_finding(target, fault) for target, fault in faults),
        ),
    )


def is_valid(found: ValidationDocument) -> bool:
    """Return whether nothing is wrong: with the files, the settings, the sources, or their lack."""
    return not (found.faults or found.nothing_to_probe or list_down_sources(found.sources))


def encode_validation(found: ValidationDocument) -> bytes:
    """Return `found` as JSON, ending in a line break."""
    return msgspec.json.encode(found) + b"\n"


def print_validation(found: ValidationDocument, stream: TextIO | None = None) -> None:
    """Print the targets as a table, then each fault with its fix, then each finding."""
    console = make_console(stream or sys.stdout)
    table = make_table(("TARGET", "ENDPOINT", "PROTOCOL", "SIGNAL", "FROM"))
    for one in found.targets:
        sources = ", ".join(f"{source.kind} {source.where}".rstrip() for source in one.sources)
        protocol = one.protocol + (" in plaintext" if one.plaintext else "")
        cells = (one.name, one.endpoint, protocol, one.signal, sources)
        table.add_row(*map(Text, cells))
    if found.targets:
        console.print(table)
    for label, style, findings in (
        ("fault", "red", found.faults),
        ("note", "yellow", found.findings),
    ):
        for finding in findings:
            text = Text()
            sentence = f"{finding.target}: {finding.fact} ({finding.cause})"
            append_finding(text, label, style, sentence, finding.fix)
            console.print(text, soft_wrap=True, end="")


def _valid_target(target: Target) -> ValidTarget:
    return ValidTarget(
        name=safe_text(target.name),
        endpoint=safe_text(str(target.endpoint)),
        protocol=target.protocol,
        signal=target.signal,
        depth=target.depth,
        exporter=target.exporter,
        plaintext=target.plaintext,
        expect_cause=target.expect_cause,
        expect_until=format_day(target.expect_until) if target.expect_until else None,
        expect_requested=target.expect_requested,
        sources=tuple(
            ValidTargetSource(source.kind, _text(str(source).removeprefix(source.kind).lstrip()))
            for source in dict.fromkeys(target.sources)
        ),
        facts=tuple(map(_text, target.notes)),
    )


def _finding(target: Target, finding: Finding) -> TargetFinding:
    return TargetFinding(
        safe_text(target.name), finding.cause, _text(finding.fact), tuple(map(_text, finding.fix))
    )


def _text(text: str) -> str:
    return safe_text(text, _LONGEST)
