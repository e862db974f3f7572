"""Prints what attempts mean: as a table, JSON, a pipeline's report or metrics; or into a file."""

from __future__ import annotations

import errno
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from probe.model.diagnosis import Diagnosis
    from probe.model.evidence import Evidence
    from probe.model.source_state import SourceState
    from probe.model.target import Target

OUTPUTS: Final = ("table", "json", "jsonl", "junit", "prometheus")

Row = tuple["Evidence", "Diagnosis"]

_NAMED_WRONGLY: Final = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENXIO, errno.EINVAL),
    }
)
"""What a file that was named wrongly ends with; anything else is the state of this machine."""


def print_results(
    rows: Sequence[Row],
    output: str,
    *,
    targets: Sequence[Target] = (),
    sources: Sequence[SourceState] | None = None,
    file: Path | None = None,
) -> None:
    """Print `rows` as `output` says, or put them into `file` in one step.

    Args:
        rows: What each attempt saw and what that means.
        output: One of `OUTPUTS`.
        targets: Those of `rows`, in their order; only for metrics.
        sources: How each source was, for the documents that hold it; None: there were none to ask.
        file: Where they go instead of standard output.

    Raises:
        click.UsageError: where `file` is none that can be written to.
        OSError: where it could not be written all the same, on a full disk for example.
    """
    if file is None and output == "table":
        from probe.report.terminal import print_table

        print_table(rows)
        return
    content = _content(rows, output, targets, sources)
    if file is None:
        click.echo(content, nl=False)
        return
    from probe.system.output_file import write_whole
    from probe.text.safe_text import safe_text

    try:
        write_whole(file, content)
    except OSError as error:
        if error.errno not in _NAMED_WRONGLY:
            raise OSError(error.errno, error.strerror, str(file)) from error
        why = error.strerror or type(error).__name__
        raise click.UsageError(f"{safe_text(str(file))} cannot be written: {why}") from None


def _content(
    rows: Sequence[Row],
    output: str,
    targets: Sequence[Target],
    sources: Sequence[SourceState] | None,
) -> bytes:
    if output == "table":
        from probe.report.terminal import print_table

        text = io.StringIO()
        print_table(rows, text)
        return text.getvalue().encode()
    if output == "junit":
        from probe.report.junit import junit

        return junit(rows, sources or ())
    if output == "prometheus":
        from probe.metrics.scrape import textfile

        observed = ((target, *row) for target, row in zip(targets, rows, strict=True))
        return textfile(observed, sources=sources or ())
    from probe.report.result import document, line, result

    results = [result(evidence, diagnosis) for evidence, diagnosis in rows]
    return document(results, sources=sources) if output == "json" else b"".join(map(line, results))
