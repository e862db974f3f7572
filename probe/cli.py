"""The command line: run, check, demo, validate (interfaces.md, section 1).

Exit codes: 0 all as expected, 1 at least one target is not, 2 usage or configuration, 3 the
probe's own fault. Only a bug of the probe is printed as a traceback. A command imports what it
needs once it knows that it is needed: `--help` and a mistake are answered at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click

from probe import __version__
from probe.outputs.standard_streams import (
    fill_standard_streams,
    give_up_stdout,
    progress,
    reader_may_leave,
)
from probe.safe_text import safe_text
from probe.sources.error import ConfigurationError
from probe.target import DEPTHS, PROTOCOLS

if TYPE_CHECKING:
    from probe.line import Observation
    from probe.sources.configuration import Configuration, WebSettings
    from probe.target import Endpoint, Target

AS_EXPECTED: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
PROBE_FAULT: Final = 3

_T = TypeVar("_T")

_config = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="The configuration file; without it the OTEL_EXPORTER_OTLP_* environment is read.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mtls-probe")
def cli() -> None:
    """Performs client-certificate handshakes against OTLP backends and names what is wrong."""


def main() -> None:
    """Run the command line and exit with its code."""
    fill_standard_streams()
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except click.Abort:
        code = 130
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        code = USAGE
    except OSError as error:
        # The machine, not a target: a full disk, no folder for temporary files, no descriptors.
        give_up_stdout()
        where = f" ({safe_text(str(error.filename))})" if error.filename else ""
        click.echo(f"mtls-probe: {error.strerror or error}{where}", err=True)
        code = PROBE_FAULT
    except Exception:  # noqa: BLE001  (a bug of the probe's has an exit code of its own)
        import traceback

        traceback.print_exc()
        code = PROBE_FAULT
    sys.exit(code)


@cli.command()
@_config
def run(config_file: Path | None) -> int:
    """Run the service: schedule, metrics, web."""
    configuration = _configuration(config_file)
    from probe.outputs.log import configure_logging
    from probe.service import serve

    configure_logging(human=sys.stderr.isatty())
    with _listening_on(configuration.web):
        _in_loop(serve(configuration))
    return AS_EXPECTED


@cli.command()
@_config
@click.argument("endpoints", nargs=-1)
@click.option("--cert", "cert_file", help="Client certificate, PEM.")
@click.option("--key", "key_file", help="Its key, PEM.")
@click.option("--ca", "ca_file", help="CA of the backend's certificate, PEM.")
@click.option("--server-name", default="", help="Name to verify instead of the endpoint's host.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="Default: http/protobuf on 4318.")
@click.option(
    "--depth",
    type=click.Choice([d for d in DEPTHS if d != "canary"]),
    default="otlp",
    show_default=True,
    help="How far: a TLS refusal or none, or an answer to an OTLP request.",
)
@click.option("--timeout", default="5s", show_default=True, help="Limit of one attempt.")
@click.option(
    "--targets",
    "targets_file",
    type=click.File("r", encoding="utf-8-sig", errors="surrogateescape"),
    help="Endpoints, one a line.",
)
@click.option("--wait", default=None, help="Repeat until all are as expected or this has passed.")
@click.option(
    "--output", type=click.Choice(["table", "json", "jsonl"]), default="table", show_default=True
)
def check(
    config_file: Path | None,
    endpoints: tuple[str, ...],
    targets_file: IO[str] | None,
    wait: str | None,
    output: str,
    **settings: Any,
) -> int:
    """Try every target once and say what is wrong with it; `-` reads endpoints from stdin."""
    from probe.sources.arguments import (
        read_duration,
        read_endpoints,
        refuse_given,
        targets_from_arguments,
    )

    if endpoints or targets_file is not None:
        if config_file is not None:
            raise click.UsageError("give endpoints or --config, not both")
        named = read_endpoints(endpoints, targets_file or ())
        targets: Sequence[Target] = targets_from_arguments(named, **settings)
        concurrency, tolerance = 100, 60.0
    else:
        refuse_given(click.get_current_context(), settings)
        configuration = _configuration(config_file)
        targets, concurrency = configuration.targets, configuration.concurrency
        tolerance = configuration.clock_tolerance
    limit = read_duration(wait, "--wait") if wait is not None else 0.0
    from probe.line import rounds
    from probe.outputs.log import configure_logging

    configure_logging(human=True)
    with progress(len(targets)) as done:
        observations = _in_loop(
            rounds(
                targets,
                concurrency=concurrency,
                clock_tolerance=tolerance,
                limit=limit,
                done=done,
            )
        )
    with reader_may_leave():
        _print(observations, output)
    return _exit_code(observations)


@cli.command()
@click.option("--once", is_flag=True, help="One round and the table, then exit.")
@click.option("--listen", default="127.0.0.1:9943", show_default=True, help="The status page.")
def demo(once: bool, listen: str) -> int:
    """Start backends on loopback, one healthy of each kind and one per cause, and probe them."""
    from probe.sources.arguments import read_listen

    web = read_listen(listen)
    from probe.outputs.log import configure_logging

    configure_logging(human=sys.stderr.isatty())
    return _in_loop(_demo(None if once else web))


@cli.command()
@_config
def validate(config_file: Path | None) -> int:
    """Load the configuration and every file it names; connects nowhere."""
    configuration = _configuration(config_file)
    from probe.credentials.store import CredentialStore

    store = CredentialStore()
    faults = [
        (target, fault)
        for target in configuration.targets
        for fault in store.get(target).facts.faults
    ]
    with reader_may_leave():
        for target, fault in faults:
            click.echo(f"{safe_text(target.name)}: {fault.fact} ({fault.cause})")
            for step in fault.fix:
                click.echo(f"  fix: {step}")
    count = len(configuration.targets)
    click.echo(
        f"{count} target{'' if count == 1 else 's'}, {len(faults)} credential faults", err=True
    )
    return NOT_AS_EXPECTED if faults else AS_EXPECTED


def _configuration(config_file: Path | None) -> Configuration:
    from probe.causes.catalogue import CATALOGUE
    from probe.sources.configuration import configuration_from_environment, load_configuration

    if config_file is None:
        return configuration_from_environment(os.environ)
    configuration = load_configuration(config_file, os.environ, known_causes=CATALOGUE)
    for warning in configuration.warnings:
        click.echo(f"warning: {safe_text(warning)}", err=True)
    return configuration


def _in_loop(main: Coroutine[Any, Any, _T]) -> _T:
    import asyncio

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _exit_code(observations: Iterable[Observation]) -> int:
    from probe.ledger import as_expected

    code = AS_EXPECTED
    for target, _, diagnosis in observations:
        if diagnosis.cause == "probe_fault":
            return PROBE_FAULT
        if not as_expected(diagnosis, target.expect_cause):
            code = NOT_AS_EXPECTED
    return code


def _print(observations: Sequence[Observation], output: str) -> None:
    if output == "table":
        from probe.outputs.terminal import print_table

        print_table(observations)
        return
    from probe.outputs.result import document, line, result

    results = [result(evidence, diagnosis) for _, evidence, diagnosis in observations]
    if output == "json":
        click.echo(document(results), nl=False)
    else:
        for one in results:
            click.echo(line(one), nl=False)


async def _demo(web: WebSettings | None) -> int:
    """Probe the demo's backends once; then, where `web` is given, serve what is seen of them."""
    import tempfile

    from probe.demo.scenarios import Demo
    from probe.line import one_round

    with tempfile.TemporaryDirectory(prefix="mtls-probe-demo-") as folder:
        backends = Demo()
        targets = await backends.start(Path(folder))
        try:
            observations = await one_round(targets, concurrency=20, clock_tolerance=60.0)
            with reader_may_leave():
                _print(observations, "table")
            wrong = [
                f"{target.name}: expected {backends.expected[target.name] or 'confirmed'}, "
                f"got {diagnosis.cause or diagnosis.outcome}"
                for target, _, diagnosis in observations
                if (diagnosis.cause or diagnosis.outcome)
                != (backends.expected[target.name] or "confirmed")
            ]
            for line in wrong:
                click.echo(line, err=True)
            if web is not None:
                await _serve_demo(targets, web)
        finally:
            await backends.stop()
    if _exit_code(observations) == PROBE_FAULT:
        return PROBE_FAULT
    return NOT_AS_EXPECTED if wrong else AS_EXPECTED


async def _serve_demo(targets: Sequence[Target], web: WebSettings) -> None:
    from probe.service import serve
    from probe.sources.arguments import demo_configuration

    def listening(address: Endpoint) -> None:
        click.echo(f"\nstatus page: http://{address}/  (Ctrl-C ends the demo)", err=True)

    with _listening_on(web):
        await serve(demo_configuration(targets, web), listening=listening)


@contextmanager
def _listening_on(web: WebSettings) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        where = safe_text(f"{web.host}:{web.port}")
        raise click.ClickException(f"cannot listen on {where}: {reason or error}") from None
