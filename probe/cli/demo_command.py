"""`mtls-probe demo`: backends on loopback, one for each cause, and the probe next to them."""

from __future__ import annotations

import asyncio
import errno
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from probe.cli.own_name import name_command
from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, PROBE_FAULT, exit_code, print_results
from probe.cli.run_command import run_in_loop
from probe.report.progress import show_progress
from probe.system.standard_streams import ignore_broken_pipe

if TYPE_CHECKING:
    from probe.config.configuration import WebSettings
    from probe.demo.scenarios import Demo
    from probe.model.target import Endpoint, Target
    from probe.service.pipeline import Observation

_GO_ON: Final = """
To go on, in another terminal, while this demo runs:

  cd {folder}
  {command} check {endpoint} --ca {good}/server-ca.pem --cert {good}/tls.crt --key {good}/tls.key -v
  {command} check {endpoint} --ca {good}/server-ca.pem
  {command} forecast {endpoint} --ca {good}/server-ca.pem --cert {good}/tls.crt --key {good}/tls.key
  {command} inspect {damaged}/tls.key
  {command} explain client_ca_untrusted

The backend takes the first check and refuses the second. Both sides of one connection, as an exporter
and as a backend that says what really comes:

  {command} listen --listen {free} --cert server.crt --key server.key --client-ca {good}/exporter-ca.pem --expect 1 --timeout 60s & {command} check {free} --ca {good}/server-ca.pem --cert {good}/tls.crt --key {good}/tls.key --wait 20s; wait

In a minute, another backend loses a CA; then http://{address}/targets/{changing} says what changed.
Ctrl-C stops the backends and removes the files.
"""
_NO_LOOPBACK: Final = (
    "the demo's backends listen on 127.0.0.1, and that does not work here: {}. The loopback interface "
    "has no IPv4, or is down; root brings it up: ip link set lo up"
)
_GOOD: Final = "healthy-grpc"
_DAMAGED: Final = "documented-cause-5-client-file-malformed"


@click.command(short_help="Faulty backends on this machine, and the probe.")
@click.option("--once", is_flag=True, help="One round and the table, then exit.")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:9943",
    show_default=True,
    help="Address of the status page.",
)
def demo(once: bool, listen: str) -> int:
    """Start backends on loopback, one healthy of each kind and one per cause, and probe them.

    While it runs, it shows commands to go on with, for its backends and files.
    """
    from probe.config.arguments import read_listen

    web = read_listen(listen)
    from probe.log.format import configure_logging

    # A person has just read the table: the log would say all of it once more.
    human = sys.stderr.isatty()
    configure_logging(human=human, errors_only=human)
    return run_in_loop(_demo(None if once else web))


async def _demo(web: WebSettings | None) -> int:
    """Probe the demo's backends once; then, where `web` is given, serve what is seen of them."""
    from probe.cli.listen_error import translate_listen_error
    from probe.demo.scenarios import Demo
    from probe.service.run_rounds import run_rounds
    from probe.web.server.listener import try_to_listen

    if web is not None:
        with translate_listen_error(web, f"{name_command()} demo"):
            await try_to_listen(web.host, web.port)
    with _making_files() as folder:
        backends = Demo()
        with _translate_start_error():
            targets = await backends.start(folder)
        try:
            with show_progress(len(targets)) as watched:
                observations = await run_rounds(
                    targets,
                    concurrency=20,
                    report=lambda observed: watched(
                        observed[0][0].name,
                        not any(_list_differences(observed, backends.expected)),
                    ),
                )
            seen = [(evidence, diagnosis) for _, evidence, diagnosis in observations]
            unreached = [each.cause for _, each in seen if each.stage == "connect"]
            if unreached:
                raise click.ClickException(_NO_LOOPBACK.format(unreached[0]))
            faulty = sum(map(bool, backends.expected.values()))
            wrong = list(_list_differences(observations, backends.expected))
            with ignore_broken_pipe():
                click.echo(
                    f"{faulty} of these {len(targets)} targets fail on purpose: each of their backends "
                    "has a fault for the probe to find.\n"
                )
                print_results(seen, "table")
                last = []
                if web is None:
                    last.append(
                        f"The certificates in {folder} were for this round only and are gone; "
                        f"{name_command()} demo, without --once, keeps backends and files until Ctrl-C."
                    )
                if not wrong:
                    last.append(f"The probe found the fault of each of the {faulty} backends.")
                click.echo(f"\n{' '.join(last)}")
            for line in wrong:
                click.echo(line, err=True)
            if web is not None:
                await _serve_demo(backends, targets, web, folder)
        finally:
            await backends.stop()
    if web is not None:
        click.echo(f"\nThe demo's backends are stopped, and {folder} is removed.", err=True)
    if exit_code(seen) == PROBE_FAULT:
        return PROBE_FAULT
    return NOT_AS_EXPECTED if wrong else AS_EXPECTED


def _list_differences(
    observations: Iterable[Observation], expected: Mapping[str, str | None]
) -> Iterator[str]:
    """Yield which targets did not end as their backend was built to make them end."""
    for target, _, diagnosis in observations:
        wanted = expected[target.name] or "confirmed"
        got = diagnosis.cause or diagnosis.outcome
        if got != wanted:
            yield f"{target.name}: expected {wanted}, got {got}"


async def _serve_demo(
    backends: Demo, targets: Sequence[Target], web: WebSettings, folder: Path
) -> None:
    from probe.backend.accepted_sockets import find_free_address
    from probe.cli.listen_error import translate_listen_error
    from probe.config.arguments import demo_configuration
    from probe.demo.scenarios import CHANGES_AFTER, CHANGING
    from probe.service.service import serve

    (endpoint,) = (each.endpoint for each in targets if each.name == _GOOD)
    free = find_free_address(endpoint.host)

    def report_address(address: Endpoint) -> None:
        click.echo(f"\nstatus page: http://{address}/  (Ctrl-C ends the demo)", err=True)
        further = _GO_ON.format(
            folder=shlex.quote(str(folder)),
            command=name_command(),
            endpoint=endpoint,
            good=_GOOD,
            address=address,
            changing=CHANGING,
            damaged=_DAMAGED,
            free=free,
        )
        click.echo(further.rstrip(), err=True)

    async def change_later() -> None:
        await asyncio.sleep(CHANGES_AFTER)
        await backends.change()

    changing = asyncio.create_task(change_later())
    with translate_listen_error(web, f"{name_command()} demo"), _cancelling(changing):
        await serve(demo_configuration(targets, web), on_listening=report_address)


@contextmanager
def _cancelling(task: asyncio.Task[None]) -> Iterator[None]:
    """Cancel `task` at the end."""
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def _making_files() -> Iterator[Path]:
    """Yield a folder for the demo's certificates, which is gone at the end.

    Raises:
        click.ClickException: where no folder can be written to.
    """
    try:
        made = TemporaryDirectory(prefix="mtls-probe-demo-")
    except FileNotFoundError as error:
        raise click.ClickException(
            f"no folder for the demo's certificates: {error.strerror}. None of them can be written to; "
            f"name one that can: TMPDIR=FOLDER {name_command()} demo, or in a container "
            "docker run --tmpfs /tmp"
        ) from None
    with made as folder:
        yield Path(folder)


@contextmanager
def _translate_start_error() -> Iterator[None]:
    """Say what the demo's backends lack, where they cannot listen on loopback.

    Raises:
        click.ClickException: instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise
        raise click.ClickException(_NO_LOOPBACK.format(error.strerror)) from None
