"""`mtls-probe forecast`: one round over all targets, and what will break by itself, in order of time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from probe.cli.chosen_targets import choose_targets, make_round
from probe.cli.load_configuration import PathOf
from probe.cli.results import (
    AS_EXPECTED,
    NOT_AS_EXPECTED,
    PROBE_FAULT,
    check_folder,
    output_option,
    replace_file,
)
from probe.cli.target_options import (
    TargetsCommand,
    need_unit,
    resolve_option,
    target_options,
    with_option,
)
from probe.system.standard_streams import ignore_broken_pipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probe.forecast.entry import ForecastEntry
    from probe.forecast.forecast import SeenTarget

_STDOUT: Final = Path("-")


@click.command(cls=TargetsCommand, short_help="List what will break by itself, in order of time.")
@target_options
@click.option(
    "--within",
    metavar="DURATION",
    callback=need_unit,
    default="90d",
    show_default=True,
    help="How far to look ahead.",
)
@output_option("table", "json", "ics")
@click.option(
    "--alarm",
    "alarms",
    metavar="DURATION",
    multiple=True,
    help="With --output ics: how long before each event a calendar is to remind of it. May be repeated.",
)
@click.option(
    "--output-file",
    type=PathOf(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the output to this file, in one step: a reader never sees half of it. `-` is stdout.",
)
@resolve_option
@with_option
@click.option(
    "-v", "--verbose", is_flag=True, help="Show of each entry why it is so sure, and what to do."
)
@click.option("--quiet", is_flag=True, help="Show no progress, not even on a terminal.")
def forecast(
    config_file: Path | None,
    pids: tuple[int, ...],
    manifests: tuple[str, ...],
    receivers: tuple[str, ...],
    endpoints: tuple[str, ...],
    targets_file: IO[str] | None,
    within: str,
    output: str,
    alarms: tuple[str, ...],
    output_file: Path | None,
    resolved: tuple[str, ...],
    overrides: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Try every target once and list what will break by itself: certificates, CAs, old files in use.

    Exit code 1 where something breaks within --within, or where the certificates of a target could
    not be seen; 0 where nothing does.
    """
    from probe.config.arguments import read_duration
    from probe.forecast.forecast import SeenTarget, list_unseen, make_forecast
    from probe.ledger.target_runtime import is_expected
    from probe.model.target import list_down_sources
    from probe.report.forecast_table import print_forecast

    if alarms and output != "ics":
        raise click.UsageError("--alarm goes with --output ics")
    reminders = [read_duration(each, "--alarm") for each in alarms]
    horizon = read_duration(within, "--within")
    file = None if output_file == _STDOUT else output_file
    check_folder(file)
    chosen = choose_targets(
        config_file=config_file,
        pids=pids,
        manifests=manifests,
        receivers=receivers,
        endpoints=endpoints,
        targets_file=targets_file,
        wait=None,
        resolved=resolved,
        overrides=overrides,
        settings=settings,
    )
    observations = make_round(chosen, experiments=False, quiet=quiet)
    seen = [SeenTarget(evidence, diagnosis) for _, evidence, diagnosis in observations]
    now = time.time()
    entries, unseen = make_forecast(seen, now, horizon), list(list_unseen(seen))
    with ignore_broken_pipe():
        if file is None and output == "table":
            print_forecast(entries, now, horizon, verbose=verbose)
        else:
            content = _render(entries, unseen, output, now, horizon, reminders, verbose=verbose)
            _write(content, file)
    for name, why in unseen:
        click.echo(f"not seen: {name}: {why}", err=True)
    if failing := sum(not is_expected(evidence, diagnosis) for evidence, diagnosis, _ in seen):
        number = f"{failing} of {len(seen)} attempts did"
        click.echo(f"{number} not end as expected now; mtls-probe check says why", err=True)
    known = bool(seen) and not unseen and not list_down_sources(tuple(chosen.sources))
    return _choose_code(entries, seen, known=known)


def _write(content: bytes, file: Path | None) -> None:
    if file is None:
        click.echo(content, nl=False)
    else:
        replace_file(file, content)


def _choose_code(
    entries: Sequence[ForecastEntry], seen: Sequence[SeenTarget], *, known: bool
) -> int:
    """Return 0 only where everything was seen, and nothing of it ends."""
    if any(one.diagnosis.cause == "probe_fault" for one in seen):
        return PROBE_FAULT
    return NOT_AS_EXPECTED if not known or any(one.counts for one in entries) else AS_EXPECTED


def _render(
    entries: Sequence[ForecastEntry],
    unseen: Sequence[tuple[str, str]],
    output: str,
    now: float,
    within: float,
    alarms: Sequence[float],
    *,
    verbose: bool,
) -> bytes:
    if output == "ics":
        from probe.report.calendar_file import render_calendar

        return render_calendar(entries, now, alarms)
    if output == "json":
        from probe.report.forecast_document import build_forecast, encode_forecast

        return encode_forecast(build_forecast(entries, unseen, now, within))
    import io

    from probe.report.forecast_table import print_forecast

    text = io.StringIO()
    print_forecast(entries, now, within, text, verbose=verbose)
    return text.getvalue().encode()
