"""`mtls-probe check`: one round over all targets, or rounds until all are as expected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from probe.cli.chosen_targets import choose_targets, make_round
from probe.cli.load_configuration import PathOf
from probe.cli.results import (
    AS_EXPECTED,
    NOT_AS_EXPECTED,
    OUTPUTS,
    check_folder,
    exit_code,
    make_folder,
    output_option,
    print_results,
)
from probe.cli.since_option import add_changes_since, read_attempts, since_option
from probe.cli.target_options import (
    TargetsCommand,
    add_unit,
    need_unit,
    resolve_option,
    target_options,
    with_option,
)
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.time_format import format_time

if TYPE_CHECKING:
    from probe.model.diagnosis import Diagnosis
    from probe.model.evidence import Evidence

_STDOUT: Final = Path("-")


@click.command(
    cls=TargetsCommand, short_help="Try every target once, and say what is wrong with it."
)
@target_options
@click.option(
    "--wait",
    metavar="DURATION",
    callback=add_unit,
    help="Repeat until all targets are as expected, at most for this time.",
)
@click.option(
    "--expiry",
    metavar="DURATION",
    callback=need_unit,
    help="Exit with 1, too, where a certificate in use ends within this time, such as 14d: which one, "
    "in which file, and what renews it.",
)
@click.option(
    "--evidence",
    "evidence_folder",
    type=PathOf(file_okay=False, path_type=Path),
    help="Write what each attempt saw into this folder, for `diagnose` or a bug report.",
)
@since_option
@click.option(
    "--no-experiments",
    is_flag=True,
    help="Make no further handshakes where the first one leaves several causes possible.",
)
@output_option(*OUTPUTS)
@click.option(
    "--output-file",
    type=PathOf(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the output to this file, in one step: a reader never sees half of it. `-` is stdout.",
)
@resolve_option
@with_option
@click.option(
    "--at",
    "moment",
    metavar="TIME",
    help="Judge files and certificates as of then: 2026-12-24 (00:00 UTC), 2026-12-24T08:00:00Z or +3d. "
    "What the backend says is of now.",
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Show of each target what was proven, in the table: address, TLS version, certificates with "
    "their ends, and whether a client certificate was asked for.",
)
@click.option("--quiet", is_flag=True, help="Show no progress, not even on a terminal.")
def check(
    config_file: Path | None,
    pids: tuple[int, ...],
    manifests: tuple[str, ...],
    receivers: tuple[str, ...],
    endpoints: tuple[str, ...],
    targets_file: IO[str] | None,
    wait: str | None,
    expiry: str | None,
    evidence_folder: Path | None,
    since: Path | None,
    no_experiments: bool,
    output: str,
    output_file: Path | None,
    resolved: tuple[str, ...],
    overrides: tuple[str, ...],
    moment: str | None,
    verbose: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Try every target once and say what is wrong with it; `-` reads endpoints from stdin."""
    from probe.config.arguments import read_duration, read_moment

    before = read_attempts(since) if since is not None else ()
    file = None if output_file == _STDOUT else output_file
    check_folder(file)
    if evidence_folder is not None:
        make_folder(evidence_folder, "--evidence")
    lasting = read_duration(expiry, "--expiry") if expiry is not None else 0.0
    at = read_moment(moment, "--at", time.time()) if moment is not None else None
    if at is not None and output == "prometheus":
        raise click.UsageError("--at goes with no metrics: their time is now")
    chosen = choose_targets(
        config_file=config_file,
        pids=pids,
        manifests=manifests,
        receivers=receivers,
        endpoints=endpoints,
        targets_file=targets_file,
        wait=wait,
        resolved=resolved,
        overrides=overrides,
        settings=settings,
    )
    observations = make_round(chosen, experiments=not no_experiments, quiet=quiet, judge_at=at)
    sources = chosen.sources
    if before:
        observations = list(add_changes_since(observations, before))
    seen = [(evidence, diagnosis) for _, evidence, diagnosis in observations]
    if evidence_folder is not None:
        from probe.report.result import write_evidence

        write_evidence(evidence_folder, [evidence for evidence, _ in seen])
    if at is not None:
        from probe.forecast.as_of import judge_as_of

        seen = [judge_as_of(evidence, at) for evidence, _ in seen]
        click.echo(
            f"judged as of {format_time(at)}: files and the backends' certificates by their dates then; "
            "what the backends said is of now",
            err=output != "table",
        )
    with ignore_broken_pipe():
        tried = [target for target, _, _ in observations]
        print_results(seen, output, targets=tried, sources=sources, file=file, verbose=verbose)
    code = exit_code(seen, sources)
    if lasting and _report_endings(seen, lasting) and code == AS_EXPECTED:
        return NOT_AS_EXPECTED
    return code


def _report_endings(seen: Sequence[tuple[Evidence, Diagnosis]], lasting: float) -> bool:
    """Write to stderr which certificates in use end within `lasting` seconds; return whether any does."""
    from probe.report.endings import describe_ending, list_endings

    endings = list_endings((evidence for evidence, _ in seen), lasting)
    for one in endings:
        click.echo("\n".join(describe_ending(one)), err=True)
    return bool(endings)
