"""Which targets a command was given to try, and a round over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from probe.cli.load_configuration import (
    get_secret_register,
    name_sources,
    report_sources,
    wait_for_configuration,
)
from probe.cli.named_receivers import name_receivers
from probe.cli.run_command import run_in_loop
from probe.report.progress import show_progress

if TYPE_CHECKING:
    from probe.config.configuration import Configuration
    from probe.model.target import SourceState, Target
    from probe.service.pipeline import Observation

_NO_TARGETS: Final = (
    "error: there is nothing to probe here: no target is in this shard, or modules alone are "
    "configured, which /probe uses; give a configuration with targets"
)

_AN_ENDPOINT: Final = (
    "To try an endpoint: mtls-probe {} HOST:PORT --ca ca.crt --cert tls.crt --key tls.key"
)


@dataclass(frozen=True, slots=True)
class ChosenTargets:
    """What to try: `limit` is how many seconds are left to wait until all are as expected."""

    targets: Sequence[Target]
    loaded: Configuration | None
    """The configuration that has them; None for endpoints of the command line."""
    limit: float = 0.0

    @property
    def sources(self) -> Sequence[SourceState]:
        """How each source of targets is."""
        return self.loaded.source_states if self.loaded is not None else ()


def choose_targets(
    *,
    config_file: Path | None,
    pids: tuple[int, ...],
    manifests: tuple[str, ...],
    receivers: tuple[str, ...],
    endpoints: tuple[str, ...],
    targets_file: IO[str] | None,
    wait: str | None,
    resolved: tuple[str, ...],
    overrides: tuple[str, ...],
    settings: Mapping[str, Any],
) -> ChosenTargets:
    """Return the targets that the options name.

    Raises:
        click.UsageError: where they exclude each other, or one cannot be read.
        ConfigurationError: where a configuration has an error.
    """
    from probe.config.arguments import make_targets, place_targets, read_duration, read_endpoints

    change = _read_changes(overrides)
    if endpoints or targets_file is not None:
        if config_file is not None or pids or manifests or receivers:
            given = {"--pid": pids, "--manifest": manifests, "--receiver": receivers}
            other = next((option for option, values in given.items() if values), "--config")
            raise click.UsageError(f"give endpoints or {other}, not both")
        listed = read_endpoints(endpoints, targets_file or ())
        targets: Sequence[Target] = make_targets(listed, **settings)
        limit = read_duration(wait, "--wait") if wait is not None else 0.0
        return ChosenTargets(change(place_targets(targets, resolved)), None, limit)
    loaded, limit = _load(config_file, pids, manifests, receivers, wait, settings)
    return ChosenTargets(change(place_targets(loaded.targets, resolved)), loaded, limit)


def _read_changes(overrides: tuple[str, ...]) -> Callable[[Sequence[Target]], Sequence[Target]]:
    """Return what gives targets the settings of `--with`; they are read before anything else."""
    if not overrides:
        return lambda targets: targets
    from probe.config.overrides import apply_overrides, read_overrides

    return partial(apply_overrides, override=read_overrides(overrides))


def _load(
    config_file: Path | None,
    pids: tuple[int, ...],
    manifests: tuple[str, ...],
    receivers: tuple[str, ...],
    wait: str | None,
    settings: Mapping[str, Any],
) -> tuple[Configuration, float]:
    """Return the configuration of the sources named, and what is left of the time to wait."""
    from probe.config.arguments import read_duration, refuse_given
    from probe.config.schema import DefaultsEntry, TlsEntry

    if receivers and config_file is not None:
        raise click.UsageError("give --receiver or --config, not both")
    named = [*name_sources(pids, manifests, config_file), *name_receivers(receivers)]
    chosen: tuple[str, ...] = ("depth", "exporter", "timeout") if named else ()
    of_receivers = ("cert_file", "key_file", "ca_file", "server_name")
    if receivers:
        chosen = ("depth", "timeout", *of_receivers)
    refuse_given(click.get_current_context(), settings.keys() - chosen)
    limit = read_duration(wait, "--wait") if wait is not None else 0.0
    tls = TlsEntry(
        cert_file=settings["cert_file"],
        key_file=settings["key_file"],
        ca_file=settings["ca_file"],
        server_name_override=settings["server_name"] or None,
    )
    others = {name: settings[name] for name in chosen if name not in of_receivers}
    defaults = DefaultsEntry(tls=tls, **others)
    loaded, limit = wait_for_configuration(config_file, limit, named, defaults)
    report_sources(loaded)
    if loaded.nothing_to_probe and config_file is None and not named:
        click.echo(_AN_ENDPOINT.format(click.get_current_context().info_name), err=True)
    if not (loaded.targets or loaded.nothing_to_probe):
        click.echo(_NO_TARGETS, err=True)
    return loaded, limit


def make_round(
    chosen: ChosenTargets, *, experiments: bool, quiet: bool, judge_at: float | None = None
) -> Sequence[Observation]:
    """Try each target, again and again until all are as expected or the time to wait is up.

    Args:
        chosen: what to try.
        experiments: whether further handshakes may be made.
        quiet: whether to show no progress.
        judge_at: another moment (epoch seconds) as of which servers' certificates are judged as well.
    """
    from probe.ledger.target_runtime import is_expected
    from probe.log.format import configure_logging
    from probe.service.pipeline import PipelineSettings
    from probe.service.run_rounds import run_rounds

    loaded = chosen.loaded
    of_pipeline = PipelineSettings.from_configuration(loaded) if loaded else PipelineSettings()
    register = get_secret_register()
    configure_logging(human=True, mask=register.mask)
    with show_progress(len(chosen.targets), shown=not quiet) as watched:

        def report(observed: Sequence[Observation]) -> None:
            watched(
                observed[0][0].name,
                all(is_expected(evidence, diagnosis) for _, evidence, diagnosis in observed),
            )

        return run_in_loop(
            run_rounds(
                chosen.targets,
                replace(
                    of_pipeline,
                    experiments=of_pipeline.experiments and experiments,
                    judge_at=judge_at,
                ),
                concurrency=loaded.concurrency if loaded else 100,
                limit=chosen.limit,
                register=register,
                report=report,
            ),
            attempts=len(chosen.targets),
        )
