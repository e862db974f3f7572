"""The command line: run, check, demo, validate (interfaces.md, section 1).

Exit codes: 0 all as expected, 1 at least one target is not, 2 usage or configuration, 3 the
probe's own fault. A configuration error is printed as it is, never as a traceback.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from probe import __version__
from probe.causes.catalogue import CATALOGUE
from probe.ledger import as_expected
from probe.line import Observation, one_round
from probe.outputs.log import configure_logging
from probe.safe_text import safe_text
from probe.sources.configuration import (
    Configuration,
    configuration_from_environment,
    load_configuration,
)
from probe.sources.error import ConfigurationError
from probe.target import DEPTHS, PROTOCOLS, Target

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
    except BrokenPipeError:
        # The reader has gone (`mtls-probe check | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = AS_EXPECTED
    sys.exit(code)


@cli.command()
@_config
def run(config_file: Path | None) -> int:
    """Run the service: schedule, metrics, web."""
    from probe.service import serve

    configuration = _configuration(config_file)
    configure_logging(human=sys.stderr.isatty())
    try:
        _in_loop(serve(configuration))
    except OSError as error:
        listen = f"{configuration.web.host}:{configuration.web.port}"
        click.echo(f"cannot listen on {listen}: {error.strerror or error}", err=True)
        return USAGE
    return AS_EXPECTED


@cli.command()
@_config
@click.argument("endpoints", nargs=-1)
@click.option("--cert", "cert_file", help="Client certificate, PEM.")
@click.option("--key", "key_file", help="Its key, PEM.")
@click.option("--ca", "ca_file", help="CA of the backend's certificate, PEM.")
@click.option("--server-name", default="", help="Name to verify instead of the endpoint's host.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="Default: http/protobuf on 4318.")
@click.option("--depth", type=click.Choice([d for d in DEPTHS if d != "canary"]), default="otlp")
@click.option("--timeout", default="5s", show_default=True, help="Limit of one attempt.")
@click.option("--targets", "targets_file", type=click.File("r"), help="Endpoints, one a line.")
@click.option("--wait", default=None, help="Repeat until all are as expected or this has passed.")
@click.option(
    "--output", type=click.Choice(["table", "json", "jsonl"]), default="table", show_default=True
)
def check(
    config_file: Path | None,
    endpoints: tuple[str, ...],
    targets_file: Iterable[str] | None,
    wait: str | None,
    output: str,
    **settings: Any,
) -> int:
    """Try every target once and say what is wrong with it; `-` reads endpoints from stdin."""
    from probe.sources.arguments import read_duration, targets_from_arguments

    named = [*_expand(endpoints), *_lines(targets_file or ())]
    if named and config_file is not None:
        raise click.UsageError("give endpoints or --config, not both")
    if named:
        targets: Sequence[Target] = targets_from_arguments(named, **settings)
        concurrency, tolerance = 100, 60.0
    else:
        if any(settings[name] for name in ("cert_file", "key_file", "ca_file")):
            raise click.UsageError("--cert, --key and --ca go with an endpoint on the command line")
        configuration = _configuration(config_file)
        targets, concurrency = configuration.targets, configuration.concurrency
        tolerance = configuration.clock_tolerance
    configure_logging(human=True)
    limit = read_duration(wait, "--wait") if wait is not None else 0.0
    observations = _in_loop(_rounds(targets, concurrency, tolerance, limit))
    _print(observations, output)
    return _exit_code(observations)


@cli.command()
@click.option("--once", is_flag=True, help="One round and the table, then exit.")
@click.option("--listen", default="127.0.0.1:9943", show_default=True, help="The status page.")
def demo(once: bool, listen: str) -> int:
    """Start backends on loopback, one healthy of each kind and one per cause, and probe them."""
    configure_logging(human=sys.stderr.isatty())
    return _in_loop(_demo(once=once, listen=listen))


@cli.command()
@_config
def validate(config_file: Path | None) -> int:
    """Load the configuration and every file it names; connects nowhere."""
    from probe.credentials.store import CredentialStore

    configuration = _configuration(config_file)
    store = CredentialStore()
    faults = 0
    for target in configuration.targets:
        for fault in store.get(target).facts.faults:
            faults += 1
            click.echo(f"{safe_text(target.name)}: {fault.fact} ({fault.cause})")
            for step in fault.fix:
                click.echo(f"  fix: {step}")
    count = len(configuration.targets)
    click.echo(f"{count} target{'' if count == 1 else 's'}, {faults} credential faults", err=True)
    return NOT_AS_EXPECTED if faults else AS_EXPECTED


def _configuration(config_file: Path | None) -> Configuration:
    if config_file is None:
        return configuration_from_environment(os.environ)
    return load_configuration(config_file, os.environ, known_causes=CATALOGUE)


def _in_loop(main: Coroutine[Any, Any, _T]) -> _T:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _expand(endpoints: tuple[str, ...]) -> Iterable[str]:
    for endpoint in endpoints:
        if endpoint == "-":
            yield from _lines(sys.stdin)
        else:
            yield endpoint


def _lines(lines: Iterable[str]) -> Iterable[str]:
    stripped = (line.strip() for line in lines)
    return (line for line in stripped if line and not line.startswith("#"))


async def _rounds(
    targets: Sequence[Target], concurrency: int, clock_tolerance: float, limit: float
) -> list[Observation]:
    """Repeat rounds, a second apart, until all are as expected or `limit` seconds have passed."""
    end = time.monotonic() + limit
    while True:
        observations = await one_round(
            targets, concurrency=concurrency, clock_tolerance=clock_tolerance
        )
        if _exit_code(observations) == AS_EXPECTED or time.monotonic() + 1.0 > end:
            return observations
        await asyncio.sleep(1.0)


def _exit_code(observations: Iterable[Observation]) -> int:
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
        click.echo(document(results))
    else:
        for one in results:
            click.echo(line(one))


async def _demo(*, once: bool, listen: str) -> int:
    from probe.demo.scenarios import Demo

    with tempfile.TemporaryDirectory(prefix="mtls-probe-demo-") as folder:
        backends = Demo()
        targets = await backends.start(Path(folder))
        try:
            observations = await one_round(targets, concurrency=20, clock_tolerance=60.0)
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
            if not once:
                await _serve_demo(targets, listen)
        finally:
            await backends.stop()
    return NOT_AS_EXPECTED if wrong else AS_EXPECTED


async def _serve_demo(targets: Sequence[Target], listen: str) -> None:
    from probe.service import Service, until_stopped
    from probe.sources.arguments import demo_configuration

    async with Service(demo_configuration(targets, listen)).running() as (host, port):
        click.echo(f"\nstatus page: http://{host}:{port}/  (Ctrl-C ends the demo)", err=True)
        await until_stopped()
