"""Prints what attempts mean: as a table, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from probe.diagnosis import Diagnosis
    from probe.evidence import Evidence


def print_results(observations: Sequence[tuple[Evidence, Diagnosis]], output: str) -> None:
    """Print `observations` as `output` says: table, json or jsonl."""
    if output == "table":
        from probe.outputs.terminal import print_table

        print_table(observations)
        return
    from probe.outputs.result import document, line, result

    results = [result(evidence, diagnosis) for evidence, diagnosis in observations]
    if output == "json":
        click.echo(document(results), nl=False)
    else:
        for one in results:
            click.echo(line(one), nl=False)
