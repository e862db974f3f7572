"""What a command leaves: its results as a table or a document, in a file or printed; its exit code."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from probe.cli.choice import Choice

if TYPE_CHECKING:
    from probe.model.diagnosis import Diagnosis
    from probe.model.evidence import Evidence
    from probe.model.target import SourceState, Target

AS_EXPECTED: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
PROBE_FAULT: Final = 3

OUTPUTS: Final = ("table", "json", "jsonl", "junit", "prometheus")

Row = tuple["Evidence", "Diagnosis"]
_Command = TypeVar("_Command", bound=Callable[..., Any])

MODE: Final = 0o644
"""Of an output file: the node exporter runs as another user; no output holds a secret."""


def output_option(*forms: str) -> Callable[[_Command], _Command]:
    """Return the option `--output` of a command that has these formats; the first is the default."""
    return click.option(
        "--output",
        type=Choice(forms),
        default=forms[0],
        show_default=True,
        help="Format of the output.",
    )


def report_counts(**counts: int) -> None:
    """Write to stderr how many there are of each thing, as `3 files, 1 fault`."""
    listed = [f"{number} {name}{'' if number == 1 else 's'}" for name, number in counts.items()]
    click.echo(", ".join(listed), err=True)


def exit_code(
    observations: Iterable[tuple[Evidence, Diagnosis]], sources: Iterable[SourceState] = ()
) -> int:
    """Return the code for one round: a fault of the probe's own comes before everything else.

    A source that is down is not as expected, and neither is a round without any target.
    """
    from probe.ledger.target_runtime import is_expected

    observations = tuple(observations)
    well = bool(observations) and all(state.up for state in sources)
    code = AS_EXPECTED if well else NOT_AS_EXPECTED
    for evidence, diagnosis in observations:
        if diagnosis.cause == "probe_fault":
            return PROBE_FAULT
        if not is_expected(evidence, diagnosis):
            code = NOT_AS_EXPECTED
    return code


def print_results(
    rows: Sequence[Row],
    output: str,
    *,
    targets: Sequence[Target] = (),
    sources: Sequence[SourceState] | None = None,
    file: Path | None = None,
    verbose: bool = False,
) -> None:
    """Print `rows` in the form `output`, or put them into `file` in one step.

    Args:
        rows: What each attempt saw and what that means.
        output: One of `OUTPUTS`.
        targets: Those of `rows`, in their order; only for metrics.
        sources: The state of each source, for the documents that hold it; None: there are none.
        file: Where they go instead of standard output.
        verbose: Whether the table shows of each target what was proven.

    Raises:
        OSError: where it could not be written.
    """
    if file is None and output == "table":
        from probe.report.terminal import print_table

        print_table(rows, verbose=verbose)
        return
    content = _encode(rows, output, targets, sources, verbose=verbose)
    if file is None:
        click.echo(content, nl=False)
        return
    try:
        replace_file(file, content)
    except OSError as error:
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(file)) from error


def check_folder(file: Path | None) -> None:
    """Make sure that the folder of an output file is there, before a round begins for nothing.

    Raises:
        OSError: where it is not.
    """
    if file is not None and not file.parent.is_dir():
        missing = errno.ENOENT
        why = f"cannot write: {os.strerror(missing)}; make its folder first"
        raise OSError(missing, why, str(file))


def make_folder(folder: Path, option: str) -> None:
    """Make the folder that `option` names, before a round begins for nothing.

    Raises:
        OSError: where that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{option}: cannot make this folder: {error.strerror}; name one that you can write to"
        raise OSError(error.errno, why, str(folder)) from error


def _encode(
    rows: Sequence[Row],
    output: str,
    targets: Sequence[Target],
    sources: Sequence[SourceState] | None,
    *,
    verbose: bool,
) -> bytes:
    if output == "table":
        from probe.report.terminal import print_table

        text = io.StringIO()
        print_table(rows, text, verbose=verbose)
        return text.getvalue().encode()
    if output == "junit":
        from probe.report.junit import render_junit

        return render_junit(rows, sources or ())
    if output == "prometheus":
        from probe.metrics.scrape import render_textfile

        observed = ((target, *row) for target, row in zip(targets, rows, strict=True))
        return render_textfile(observed, sources=sources or ())
    from probe.report.address_summary import build_target_addresses, group_rows
    from probe.report.result import build_result, encode_line, encode_results

    results = [build_result(evidence, diagnosis) for evidence, diagnosis in rows]
    if output == "json":
        addresses = [build_target_addresses(*group) for group in group_rows(rows)]
        return encode_results(results, sources=sources, addresses=addresses)
    return b"".join(map(encode_line, results))


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` in one step; a link stays, and what it names changes.

    A program that reads meanwhile, such as the node exporter's textfile collector, sees the old content or
    the new one. What is not a regular file (/dev/null, a named pipe) is written to, never replaced.

    Raises:
        OSError: where its folder cannot be written to; nothing is left behind then.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    # A dot before the name: the textfile collector reads only *.prom, others read all.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), MODE)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
