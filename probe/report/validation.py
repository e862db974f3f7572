"""What `validate` prints: the targets that a configuration gives, and what is wrong with their files.

JSON as in interfaces.md, section 4, or for people a table. Law 10: what the targets' owner wrote
passes `safe_text` here, and none of it is read as markup. Law 11: no header value is part of it.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

import msgspec
from msgspec import Struct
from rich.table import Table
from rich.text import Text

from probe.model.finding import Finding
from probe.model.source_state import SourceState, sources_down
from probe.model.target import Target
from probe.report.console import console_for
from probe.report.result import SCHEMA
from probe.text.safe_text import safe_text

_LONGEST: Final = 1024
"""Characters of a fact or a warning; those are our own, with a name or two in them."""


class SourceOf(Struct, frozen=True):
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
    plaintext: bool
    expect_cause: str | None
    sources: tuple[SourceOf, ...]
    facts: tuple[str, ...]


class TargetFault(Struct, frozen=True):
    """A fault of a target's files, or what its settings do not do though they read so."""

    target: str
    cause: str
    fact: str
    fix: tuple[str, ...]


class Validation(Struct, frozen=True):
    """The whole document."""

    schema: str
    targets: tuple[ValidTarget, ...]
    sources: tuple[SourceState, ...]
    nothing_to_probe: str | None
    """Why there is nothing to probe, and what to do; null where there is something."""
    warnings: tuple[str, ...]
    findings: tuple[TargetFault, ...]
    faults: tuple[TargetFault, ...]


def validation(
    targets: Sequence[Target],
    faults: Iterable[tuple[Target, Finding]],
    warnings: Iterable[str],
    sources: Sequence[SourceState] = (),
    nothing_to_probe: str = "",
) -> Validation:
    """Return what there is to say of `targets`, whose files have these `faults`, and of `sources`."""
    return Validation(
        schema=SCHEMA,
        targets=tuple(map(_target, targets)),
        sources=tuple(sources),
        nothing_to_probe=nothing_to_probe or None,
        warnings=tuple(_text(warning) for warning in warnings),
        findings=tuple(
            _fault(target, remark.cause, remark.fact, remark.fix)
            for target in targets
            for remark in target.remarks
        ),
        faults=(
            *(
                _fault(target, one.cause, one.fact, one.fix)
                for target in targets
                for one in target.faults
            ),
            *(_fault(target, one.cause, one.fact, one.fix) for target, one in faults),
        ),
    )


def is_valid(found: Validation) -> bool:
    """Return whether nothing is wrong: with the files, the settings, the sources, or their lack."""
    return not (found.faults or found.nothing_to_probe or sources_down(found.sources))


def validation_document(found: Validation) -> bytes:
    """Return `found` as JSON, ending in a line break."""
    return msgspec.json.encode(found) + b"\n"


def print_validation(found: Validation, stream: TextIO | None = None) -> None:
    """Print the targets as a table, then each fault with its fix, then each finding."""
    console = console_for(stream or sys.stdout)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("TARGET", "ENDPOINT", "PROTOCOL", "SIGNAL", "FROM"):
        table.add_column(heading, overflow="fold")
    for one in found.targets:
        sources = ", ".join(f"{source.kind} {source.where}".rstrip() for source in one.sources)
        protocol = one.protocol + (" in plaintext" if one.plaintext else "")
        cells = (one.name, one.endpoint, protocol, one.signal, sources)
        table.add_row(*map(Text, cells))
    if found.targets:
        console.print(table)
    for label, style, faults in (
        ("fault", "red", found.faults),
        ("note", "yellow", found.findings),
    ):
        for fault in faults:
            text = Text(f"{label}: ", style=style)
            text.append(f"{fault.target}: {fault.fact} ({fault.cause})", style="default")
            for step in fault.fix:
                text.append(f"\n  fix: {step}", style="default")
            console.print(text, soft_wrap=True)


def _target(target: Target) -> ValidTarget:
    return ValidTarget(
        name=safe_text(target.name),
        endpoint=safe_text(str(target.endpoint)),
        protocol=target.protocol,
        signal=target.signal,
        depth=target.depth,
        plaintext=target.plaintext,
        expect_cause=target.expect_cause,
        sources=tuple(
            SourceOf(source.kind, _text(source.where)) for source in dict.fromkeys(target.sources)
        ),
        facts=tuple(map(_text, target.notes)),
    )


def _fault(target: Target, cause: str, fact: str, fix: tuple[str, ...]) -> TargetFault:
    return TargetFault(safe_text(target.name), cause, _text(fact), tuple(map(_text, fix)))


def _text(text: str) -> str:
    return safe_text(text, _LONGEST)
