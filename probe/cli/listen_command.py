"""`mtls-probe listen`: a backend that says of each exporter's connection what came, and what is wrong."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

import click

from probe.cli.load_configuration import PathOf
from probe.cli.own_name import name_command
from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, output_option
from probe.cli.run_command import run_in_loop
from probe.cli.target_options import add_unit
from probe.system.standard_streams import discard_stdout, ignore_broken_pipe
from probe.text.safe_text import quote_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from probe.backend.exporter_listener import Listening, Seen
    from probe.backend.forward import Forward
    from probe.backend.listener_files import ListenerFiles
    from probe.config.configuration import WebSettings
    from probe.model.finding import Finding

_FILE: Final = PathOf(dir_okay=False)
_PORT: Final = 4317


@click.command(short_help="Stand for a backend; say what exporters really send.")
@click.option(
    "--cert", type=_FILE, required=True, help="The certificate to present, with its intermediates."
)
@click.option("--key", type=_FILE, required=True, help="Its key.")
@click.option(
    "--client-ca",
    type=_FILE,
    required=True,
    help="The CAs whose clients are accepted: the backend's client_ca_file.",
)
@click.option(
    "--listen", default=f":{_PORT}", show_default=True, metavar="HOST:PORT", help="Where to listen."
)
@click.option(
    "--forward",
    metavar="HOST:PORT",
    help="Hand OTLP on to this backend, without TLS; https://HOST:PORT with it. Without this option "
    "what comes is answered and dropped.",
)
@click.option(
    "--forward-ca", type=_FILE, help="The CA of that backend; without it, the system's are used."
)
@click.option(
    "--forward-cert", type=_FILE, help="The certificate that is presented to that backend."
)
@click.option("--forward-key", type=_FILE, help="Its key.")
@click.option(
    "--no-ca-hints",
    is_flag=True,
    help="Name no accepted CA to exporters. Without it they are named, and an exporter that presents "
    "no certificate is asked once more without them: then it withholds none.",
)
@click.option(
    "--accept-any",
    is_flag=True,
    help="Go on with exporters that a Collector would refuse, and say so. Not with --forward.",
)
@click.option(
    "--expect",
    type=click.IntRange(min=1),
    metavar="N",
    help="End once N connections brought an OTLP request that was answered with success: exit code 0.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=add_unit,
    help="End after this time, with exit code 1 where --expect was not met.",
)
@output_option("table", "json", "jsonl")
def listen(
    cert: str,
    key: str,
    client_ca: str,
    listen: str,
    forward: str | None,
    forward_ca: str | None,
    forward_cert: str | None,
    forward_key: str | None,
    no_ca_hints: bool,
    accept_any: bool,
    expect: int | None,
    timeout: str | None,
    output: str,
) -> int:
    """Stand for a backend, and say what each exporter that connects really sends.

    Point the exporter here: its TLS offers, its certificate and whether it is accepted, its alerts
    and its OTLP requests are reported, with the causes that `check` names.
    """
    from probe.config.arguments import read_duration, read_listen

    web = read_listen(listen)
    limit = read_duration(timeout, "--timeout") if timeout is not None else None
    if accept_any and forward is not None:
        raise click.UsageError(
            "--accept-any with --forward would bring telemetry past the check of the backend's "
            "clients; give one of them"
        )
    to = _read_forward(forward, forward_ca, forward_cert, forward_key)
    files = _read_files(cert, key, client_ca, web)
    paths = {"--cert": cert, "--key": key, "--client-ca": client_ca}
    named = " ".join(f"{option} {quote_path(path)}" for option, path in paths.items())
    again = f"{name_command()} listen {named}"
    return run_in_loop(
        _listen(
            web,
            files,
            to,
            output=output,
            expect=expect or 0,
            limit=limit,
            no_ca_hints=no_ca_hints,
            accept_any=accept_any,
            again=again,
        )
    )


def _read_files(cert: str, key: str, client_ca: str, web: WebSettings) -> ListenerFiles:
    """Read what is presented and whose clients are accepted.

    Raises:
        click.ClickException: where nothing could be presented, or nobody accepted.
    """
    from probe.backend.listener_files import ListenerFiles
    from probe.model.target import Endpoint

    files = ListenerFiles(cert, key, client_ca, Endpoint(web.host, web.port), time.time())
    if files.unusable:
        raise click.ClickException(_describe_faults(files.unusable))
    if not files.client_cas:
        raise click.ClickException(f"--client-ca: there is no CA certificate in {client_ca}")
    return files


def _describe_faults(faults: Iterable[Finding]) -> str:
    lines = []
    for one in faults:
        lines.append(f"{one.fact} ({one.cause})")
        lines += [f"  fix: {step}" for step in one.fix]
    return "\n".join(lines)


def _read_forward(
    text: str | None, ca: str | None, cert: str | None, key: str | None
) -> Forward | None:
    """Return where OTLP is handed on to.

    Raises:
        click.ClickException: where its files cannot be used.
    """
    if text is None:
        if ca or cert or key:
            raise click.UsageError(
                "--forward-ca, --forward-cert and --forward-key go with --forward"
            )
        return None
    from probe.backend.forward import Forward
    from probe.credentials.load import load_credentials
    from probe.model.target import Endpoint, TlsSettings

    try:
        to = Endpoint.parse(text, default_port=_PORT)
    except ValueError as error:
        raise click.UsageError(f"--forward: {error}") from None
    if to.path.strip("/"):
        raise click.UsageError("--forward is an address, without a path")
    if to.scheme != "https":
        if ca or cert or key:
            raise click.UsageError(
                "--forward-ca, --forward-cert and --forward-key go with https://"
            )
        return Forward(to)
    credentials = load_credentials(TlsSettings(ca_file=ca, cert_file=cert, key_file=key))
    if credentials.facts.faults:
        raise click.ClickException(_describe_faults(credentials.facts.faults))
    return Forward(to, credentials)


async def _listen(
    web: WebSettings,
    files: ListenerFiles,
    forward: Forward | None,
    *,
    output: str,
    expect: int,
    limit: float | None,
    no_ca_hints: bool,
    accept_any: bool,
    again: str,
) -> int:
    from probe.backend.accepted_sockets import name_sockets, open_sockets
    from probe.backend.exporter_listener import Listening
    from probe.backend.forward import NoBackendError
    from probe.cli.listen_error import translate_listen_error

    write = _make_report(output)

    def report(seen: Seen) -> None:
        try:
            write(seen)
        except BrokenPipeError:  # who reads has enough
            discard_stdout()
            listening.done.set()

    listening = Listening(
        files,
        report,
        forward=forward,
        no_ca_hints=no_ca_hints,
        accept_any=accept_any,
        expect=expect,
    )
    with translate_listen_error(web, again):
        sockets = open_sockets(web.host, web.port)
    try:
        try:
            await listening.start(sockets)
        except NoBackendError as error:
            raise click.ClickException(f"--forward {forward}: {error}") from None
        _announce(files, forward, name_sockets(sockets), accept_any=accept_any)
        await _wait(listening, limit)
    finally:
        await listening.close()
        for one in sockets:
            one.close()
    _conclude(listening, output, expect)
    return NOT_AS_EXPECTED if listening.good < expect else AS_EXPECTED


def _make_report(output: str) -> Callable[[Seen], None]:
    if output == "json":
        return lambda _seen: None
    from probe.report.connection_table import ListeningTable
    from probe.report.exporter_connections import encode_connection

    if output == "table":
        table = ListeningTable()

        def add(seen: Seen) -> None:
            table.add(seen)
            sys.stdout.flush()

        return add

    def write(seen: Seen) -> None:
        click.echo(encode_connection(seen), nl=False)
        sys.stdout.flush()

    return write


def _announce(
    files: ListenerFiles,
    forward: Forward | None,
    places: Sequence[str],
    *,
    accept_any: bool,
) -> None:
    """Say on stderr where it listens, what becomes of telemetry, and what is odd about the files."""
    click.echo(f"listening on {', '.join(places)}  (Ctrl-C ends)", err=True)
    if forward is None:
        click.echo("warning: what exporters send here is answered, and dropped", err=True)
    else:
        click.echo(f"what accepted exporters send is handed on to {forward}", err=True)
    if accept_any:
        click.echo("warning: --accept-any accepts every exporter, with any certificate", err=True)
    for one in files.remarks:
        click.echo(f"note: {one.fact} ({one.cause})", err=True)


async def _wait(listening: Listening, limit: float | None) -> None:
    """Return when enough has come, time is up, or somebody ends it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listening.done.set)
    try:
        async with asyncio.timeout(limit):
            await listening.done.wait()
    except TimeoutError:
        return
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _conclude(listening: Listening, output: str, expect: int) -> None:
    if output == "json":
        from probe.report.exporter_connections import encode_connections

        with ignore_broken_pipe():
            click.echo(
                encode_connections(
                    listening.seen.values(),
                    expected=expect,
                    good=listening.good,
                    unreported=listening.unreported,
                    turned_away=listening.turned_away,
                ),
                nl=False,
            )
    wanted = f" of {expect} expected" if expect else ""
    count = listening.count
    click.echo(
        f"{listening.good}{wanted} good, {count} connection{'' if count == 1 else 's'}", err=True
    )
    if listening.unreported or listening.turned_away:
        click.echo(
            f"warning: there were so many that {listening.unreported} reports were left out and "
            f"{listening.turned_away} connections were closed at once",
            err=True,
        )
