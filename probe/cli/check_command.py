"""`mtls-probe check`: one round over all targets, or rounds until all are as expected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from probe.cli.choice import Choice
from probe.cli.habits import translate_habits
from probe.cli.load_configuration import (
    PathOf,
    TextFile,
    config_option,
    get_secret_register,
    manifest_option,
    name_sources,
    pid_option,
    report_sources,
    wait_for_configuration,
)
from probe.cli.named_receivers import name_receivers, receiver_option
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
from probe.cli.run_command import run_in_loop
from probe.model.runtime import COLLECTOR, EXPORTERS
from probe.model.target import ADDRESSES, DEPTHS, PROTOCOLS
from probe.report.progress import show_progress
from probe.system.standard_streams import ignore_broken_pipe

if TYPE_CHECKING:
    from probe.config.configuration import Configuration
    from probe.model.diagnosis import Diagnosis
    from probe.model.evidence import Evidence
    from probe.model.target import SourceState, Target
    from probe.service.pipeline import Observation

_STDOUT: Final = Path("-")
_NO_TARGETS: Final = (
    "error: there is nothing to probe here: no target is in this shard, or modules alone are "
    "configured, which /probe uses; give a configuration with targets"
)


_AN_ENDPOINT: Final = (
    "To try an endpoint: mtls-probe check HOST:PORT --ca ca.crt --cert tls.crt --key tls.key"
)
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def _add_unit(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Return a duration with its unit; a number alone is seconds."""
    return f"{text}s" if text is not None and _NUMBER.fullmatch(text) else text


def _need_unit(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Return a duration; a number alone is refused, as nobody means so many seconds here."""
    if text is not None and _NUMBER.fullmatch(text):
        raise click.UsageError(
            f"--expiry {text!r}: a duration needs its unit, like {text}d for days"
        )
    return text


class _CheckCommand(click.Command):
    """Reads what users of curl and openssl write, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, in this command's own words."""
        if ctx.resilient_parsing:  # a shell completes a line that is not whole yet
            return super().parse_args(ctx, args)
        valued: set[str] = set()
        flags: set[str] = set()
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option):
                (flags if parameter.is_flag else valued).update(parameter.opts)
        return super().parse_args(ctx, list(translate_habits(args, valued, flags)))


@click.command(
    cls=_CheckCommand, short_help="Try every target once, and say what is wrong with it."
)
@config_option
@pid_option
@manifest_option
@receiver_option
@click.argument("endpoints", nargs=-1)
@click.option("--cert", "cert_file", metavar="PATH", help="File with the client certificate (PEM).")
@click.option("--key", "key_file", metavar="PATH", help="File with its private key (PEM).")
@click.option(
    "--ca", "ca_file", metavar="PATH", help="File with the CA of the backend's certificate (PEM)."
)
@click.option("--server-name", default="", help="Name to verify instead of the endpoint's host.")
@click.option(
    "--protocol",
    type=Choice(PROTOCOLS, short={"http": "http/protobuf"}),
    help="The OTLP protocol, `http` for short; default: what the exporter speaks, else what a pasted "
    "URL's path says, else by port: 4318 is http/protobuf.",
)
@click.option(
    "--exporter",
    type=Choice(EXPORTERS),
    default=COLLECTOR.id,
    show_default=True,
    help="Whose verdict it is: how the files and the backend's certificate are judged.",
)
@click.option(
    "--depth",
    type=Choice(DEPTHS),
    default="otlp",
    show_default=True,
    help="How far an attempt goes: handshake and judgement, an empty OTLP request, or one with an item.",
)
@click.option(
    "--addresses",
    type=Choice(ADDRESSES),
    default="first",
    show_default=True,
    help="Whether the first address of a name stands for all, or each has a result of its own.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=_add_unit,
    default="5s",
    show_default=True,
    help="Time limit of one attempt; a number alone is seconds.",
)
@click.option(
    "--header",
    "headers",
    metavar="NAME=VALUE",
    multiple=True,
    help="A header of the request, `NAME: VALUE` works too. The value is masked wherever the probe "
    "writes. May be repeated.",
)
@click.option(
    "--proxy", metavar="URL", help="A proxy that is asked for a tunnel: http://HOST:PORT."
)
@click.option(
    "--insecure-skip-verify",
    is_flag=True,
    help="Go on where the backend's certificate does not verify, as an exporter with "
    "insecure_skip_verify does.",
)
@click.option(
    "--targets",
    "targets_file",
    type=TextFile("r", encoding="utf-8-sig", errors="surrogateescape"),
    help="A file of endpoints, one on each line.",
)
@click.option(
    "--wait",
    metavar="DURATION",
    callback=_add_unit,
    help="Repeat until all targets are as expected, at most for this time.",
)
@click.option(
    "--expiry",
    metavar="DURATION",
    callback=_need_unit,
    help="Exit with 1, too, where a certificate in use ends within this time, such as 14d: which one, "
    "in which file, and what renews it.",
)
@click.option(
    "--evidence",
    "evidence_folder",
    type=PathOf(file_okay=False, path_type=Path),
    help="Write what each attempt saw into this folder, for `diagnose` or a bug report.",
)
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
@click.option(
    "--resolve",
    "resolved",
    metavar="NAME=ADDRESS",
    multiple=True,
    help="Connect to this address where an endpoint has this name: for a Service whose port is "
    "forwarded here, for example. What is verified stays. curl's HOST:PORT:ADDRESS works too. May be "
    "repeated.",
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
    no_experiments: bool,
    output: str,
    output_file: Path | None,
    resolved: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Try every target once and say what is wrong with it; `-` reads endpoints from stdin."""
    from probe.config.arguments import (
        make_targets,
        place_targets,
        read_duration,
        read_endpoints,
    )

    file = None if output_file == _STDOUT else output_file
    check_folder(file)
    if evidence_folder is not None:
        make_folder(evidence_folder, "--evidence")
    lasting = read_duration(expiry, "--expiry") if expiry is not None else 0.0
    if endpoints or targets_file is not None:
        if config_file is not None or pids or manifests or receivers:
            given = {"--pid": pids, "--manifest": manifests, "--receiver": receivers}
            other = next((option for option, values in given.items() if values), "--config")
            raise click.UsageError(f"give endpoints or {other}, not both")
        listed = read_endpoints(endpoints, targets_file or ())
        targets: Sequence[Target] = make_targets(listed, **settings)
        loaded = None
        limit = read_duration(wait, "--wait") if wait is not None else 0.0
    else:
        loaded, limit = _load(config_file, pids, manifests, receivers, wait, settings)
        targets = loaded.targets
    targets = place_targets(targets, resolved)
    from probe.ledger.target_runtime import is_expected
    from probe.log.format import configure_logging
    from probe.service.pipeline import PipelineSettings, run_rounds

    of_pipeline = PipelineSettings.from_configuration(loaded) if loaded else PipelineSettings()
    sources: Sequence[SourceState] = loaded.source_states if loaded else ()

    register = get_secret_register()
    configure_logging(human=True, mask=register.mask)
    with show_progress(len(targets), shown=not quiet) as watched:

        def report(observed: Sequence[Observation]) -> None:
            watched(
                observed[0][0].name,
                all(is_expected(evidence, diagnosis) for _, evidence, diagnosis in observed),
            )

        observations = run_in_loop(
            run_rounds(
                targets,
                replace(of_pipeline, experiments=of_pipeline.experiments and not no_experiments),
                concurrency=loaded.concurrency if loaded else 100,
                limit=limit,
                register=register,
                report=report,
            ),
            attempts=len(targets),
        )
    seen = [(evidence, diagnosis) for _, evidence, diagnosis in observations]
    if evidence_folder is not None:
        from probe.report.result import write_evidence

        write_evidence(evidence_folder, [evidence for evidence, _ in seen])
    with ignore_broken_pipe():
        tried = [target for target, _, _ in observations]
        print_results(seen, output, targets=tried, sources=sources, file=file, verbose=verbose)
    code = exit_code(seen, sources)
    if lasting and _report_endings(seen, lasting) and code == AS_EXPECTED:
        return NOT_AS_EXPECTED
    return code


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
        click.echo(_AN_ENDPOINT, err=True)
    if not (loaded.targets or loaded.nothing_to_probe):
        click.echo(_NO_TARGETS, err=True)
    return loaded, limit


def _report_endings(seen: Sequence[tuple[Evidence, Diagnosis]], lasting: float) -> bool:
    """Write to stderr which certificates in use end within `lasting` seconds; return whether any does."""
    from probe.report.endings import describe_ending, list_endings

    endings = list_endings((evidence for evidence, _ in seen), lasting)
    for one in endings:
        click.echo("\n".join(describe_ending(one)), err=True)
    return bool(endings)
