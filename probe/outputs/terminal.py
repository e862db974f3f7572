"""What `check` and `demo` print: a table of all targets, and the story of each failure.

Colour only on a terminal and never with NO_COLOR; law 10: all text has passed `safe_text`, and
none of it is read as markup.
"""

import sys
from collections.abc import Iterable
from typing import TextIO

from rich.table import Table
from rich.text import Text

from probe.causes.catalogue import CATALOGUE
from probe.diagnosis import Diagnosis
from probe.evidence import Evidence, TargetFacts
from probe.ledger import as_expected
from probe.outputs.console import console_for
from probe.safe_text import safe_text

_STYLES = {"confirmed": "green", "failed": "red", "unconfirmed": "yellow"}

Row = tuple[Evidence, Diagnosis]


def print_table(rows: Iterable[Row], stream: TextIO | None = None) -> None:
    """Print the table, then the story of each target that is not confirmed."""
    stream = stream or sys.stdout
    console = console_for(stream)
    rows = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("TARGET", "ENDPOINT", "OUTCOME", "STAGE", "CAUSE"):
        table.add_column(heading, overflow="fold")
    for evidence, diagnosis in rows:
        target = evidence.target
        expected = as_expected(diagnosis, target.expect_cause)
        outcome = diagnosis.outcome + (" (as expected)" if expected and diagnosis.cause else "")
        table.add_row(
            Text(safe_text(target.name)),
            Text(safe_text(target.endpoint)),
            Text(outcome, style="green" if expected else _STYLES[diagnosis.outcome]),
            Text(diagnosis.stage),
            Text(_cause(diagnosis)),
        )
    console.print(table)
    for evidence, diagnosis in rows:
        if diagnosis.outcome != "confirmed" or diagnosis.findings:
            console.print()
            console.print(_story(evidence.target, diagnosis), soft_wrap=True)


def _cause(diagnosis: Diagnosis) -> str:
    if diagnosis.cause is None:
        return ""
    return diagnosis.cause + ("" if diagnosis.certain else " (not certain)")


def _story(target: TargetFacts, diagnosis: Diagnosis) -> Text:
    story = Text()
    story.append(f"{safe_text(target.name)}  {safe_text(target.endpoint)}\n", style="bold")
    if diagnosis.cause is not None:
        story.append(f"  {CATALOGUE[diagnosis.cause].title} ({_cause(diagnosis)})\n")
    elif diagnosis.outcome == "unconfirmed":
        story.append("  No proof that the backend lets this exporter in\n")
    for fact in diagnosis.facts:
        story.append(f"    seen: {fact}\n")
    if diagnosis.also:
        label = "also proven or possible" if not diagnosis.certain else "also proven"
        story.append(f"    {label}: {', '.join(diagnosis.also)}\n")
    for step in diagnosis.fix:
        story.append(f"    fix:  {step}\n")
    for finding in diagnosis.findings:
        story.append(f"    note: {finding.fact} ({finding.cause})\n")
    story.rstrip()
    return story
