"""What `check` and `demo` print: a table of all targets, and the story of each failure.

All text has passed `safe_text`.
"""

import sys
from collections.abc import Iterable
from typing import Final, TextIO

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from probe.diagnosis.catalogue import CATALOGUE
from probe.ledger.target_runtime import is_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.report.address_summary import group_rows, read_rows, split_by_target, summarize_addresses
from probe.report.console import break_sentence, make_console, make_table
from probe.report.outcome import TERMINAL_COLOURS, describe_expectation, find_mood, rank_severity
from probe.report.story import LABELS, Row, Section, build_story, format_heading, name_target
from probe.text.safe_text import safe_text

_INDENT: Final = max(map(len, LABELS.values())) + 4
ALIKE: Final = 10
"""Addresses that are named where several have one story."""
_COLUMNS: Final = ("TARGET", "ENDPOINT", "OUTCOME", "STAGE", "CAUSE")
_ROOM_FOR_ENDPOINTS: Final = 72
"""Columns of a terminal below which a table has no room for them next to names and causes."""
_UNBROKEN: Final = 100_000
"""Columns of a pipe: who searches there for a name finds it whole."""


def print_table(
    rows: Iterable[Row], stream: TextIO | None = None, *, verbose: bool = False
) -> None:
    """Print the table in the targets' order, then the story of each that has one, worst first.

    Without any row nothing is printed; where `verbose`, each has a story, with what was proven.
    """
    stream = stream or sys.stdout
    console = make_console(stream)
    rows = list(rows)
    if not console.is_terminal:
        console.width = _UNBROKEN
    if not rows:
        return
    console.print(_table(rows, console))
    for name, results in group_rows(rows):
        console.print()
        summary = Text(f"{safe_text(name)}: {summarize_addresses(results)}", style="bold")
        console.print(summary, soft_wrap=True)
    for (evidence, diagnosis), alike in _gather_alike(sort_by_urgency(rows)):
        expected = is_expected(evidence, diagnosis)
        if verbose or not expected or diagnosis.outcome != "confirmed" or diagnosis.findings:
            console.print()
            # Lines are broken here: rich would not indent what it wraps.
            console.print(
                _story(evidence, diagnosis, alike, console, verbose=verbose), soft_wrap=True
            )
    if len(_gather_targets(rows)) > 1:
        console.print()
        console.print(Text(_total(rows)))


def sort_by_urgency(rows: Iterable[Row]) -> list[Row]:
    """Return `rows` with what must be fixed first, and what is as expected last."""
    return sorted(rows, key=_urgency)


def _gather_alike(rows: Iterable[Row]) -> list[tuple[Row, list[str]]]:
    """Return `rows` with one for all addresses of a target that have the same story, and the others."""
    gathered: dict[object, tuple[Row, list[str]]] = {}
    for evidence, diagnosis in rows:
        target = evidence.target
        if not target.address:
            gathered[len(gathered)] = ((evidence, diagnosis), [])
            continue
        facts = tuple(fact.replace(target.address, "") for fact in diagnosis.facts)
        named = tuple(finding.cause for finding in diagnosis.findings)
        key = (target.name, diagnosis.outcome, diagnosis.cause, diagnosis.also, facts, named)
        if key in gathered:
            gathered[key][1].append(target.address)
        else:
            gathered[key] = ((evidence, diagnosis), [])
    return list(gathered.values())


def _table(rows: list[Row], console: Console) -> Table:
    """Return the table; where it is too wide, without what the stories repeat, and no cause broken."""
    cells = [_cells(*row) for row in rows]
    table = _of_columns(cells, _COLUMNS)
    if Measurement.get(console, console.options.update(width=_UNBROKEN), table).maximum <= (
        console.width
    ):
        return table
    if console.width < _ROOM_FOR_ENDPOINTS:
        return _of_columns(cells, ("TARGET", "OUTCOME", "CAUSE"))
    table = _of_columns(cells, ("TARGET", "ENDPOINT", "OUTCOME", "CAUSE"))
    for column in table.columns[-2:]:
        words = " ".join([str(column.header), *map(str, column.cells)]).split()
        column.width = max(map(len, words))
    return table


def _of_columns(rows: list[dict[str, Text]], titles: tuple[str, ...]) -> Table:
    table = make_table(titles)
    for row in rows:
        table.add_row(*(row[title] for title in titles))
    return table


def _cells(evidence: Evidence, diagnosis: Diagnosis) -> dict[str, Text]:
    target = evidence.target
    expected = is_expected(evidence, diagnosis)
    outcome, cause = str(diagnosis.outcome), _cause(diagnosis)
    if expected and diagnosis.cause:
        outcome += " (as expected)"
    if outcome == "confirmed" and not expected:
        outcome, cause = (
            f"{outcome} (not as expected)",
            f"none; {describe_expectation(target)} was expected",
        )
    colour = TERMINAL_COLOURS[find_mood(diagnosis.outcome, expected=expected)]
    texts = (
        Text(name_target(evidence)),
        Text(safe_text(target.endpoint)),
        Text(outcome, style=colour),
        Text(diagnosis.stage),
        Text(cause),
    )
    return dict(zip(_COLUMNS, texts, strict=True))


def _urgency(row: Row) -> tuple[bool, bool, int]:
    evidence, diagnosis = row
    return (
        is_expected(evidence, diagnosis),
        diagnosis.outcome == "unconfirmed",
        rank_severity(CATALOGUE.get(diagnosis.cause or "")),
    )


def _cause(diagnosis: Diagnosis) -> str:
    if diagnosis.cause is None:
        return ""
    return diagnosis.cause + ("" if diagnosis.certain else " (not certain)")


def _total(rows: list[Row]) -> str:
    wholes = _gather_targets(rows)
    total, bad = len(wholes), wholes.count(False)
    if not bad:
        return f"all {total} targets are as expected"
    return f"{bad} of {total} targets {'is' if bad == 1 else 'are'} not as expected"


def _gather_targets(rows: Iterable[Row]) -> list[bool]:
    """Return whether each target is as expected; of one with several addresses, all of them."""
    wholes: list[bool] = []
    for group in split_by_target(rows):
        expected = [is_expected(each, diagnosis) for each, diagnosis in group]
        wholes += [all(expected)] if read_rows(group) else expected
    return wholes


def _story(
    evidence: Evidence,
    diagnosis: Diagnosis,
    alike: list[str],
    console: Console,
    *,
    verbose: bool,
) -> Text:
    text = Text()
    text.append(format_heading(evidence), style="bold")
    if alike:
        more = f" and {len(alike) - ALIKE} more" if len(alike) > ALIKE else ""
        text.append(f"\n  and the same at {', '.join(alike[:ALIKE])}{more}")
    before: Section | None = None
    number = 0
    for part, said in build_story(evidence, diagnosis, verbose=verbose):
        label = "" if part == before else LABELS[part]
        number += part == "do"
        sentence = f"{number}. {said}" if part == "do" else said
        before = part
        for line in break_sentence(sentence, console, _INDENT):
            text.append(f"\n  {label:<{_INDENT - 2}}", style="bold" if label else "")
            text.append(line, style="bold" if part == "what" else "")
            label = ""
    return text
