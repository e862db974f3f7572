"""`mtls-probe demo`: backends on loopback, one for each cause, and the probe next to them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, PROBE_FAULT, exit_code, print_results
from probe.cli.run_command import run_in_loop, translate_listen_error
from probe.report.progress import show_progress
from probe.system.standard_streams import ignore_broken_pipe

if TYPE_CHECKING:
    from probe.config.configuration import WebSettings
    from probe.model.target import Endpoint, Target
    from probe.service.pipeline import Observation


@click.command()
@click.option("--once", is_flag=True, help="One round and the table, then exit.")
@click.option(
    "--listen", default="127.0.0.1:9943", show_default=True, help="Address of the status page."
)
def demo(once: bool, listen: str) -> int:
    """Start backends on loopback, one healthy of each kind and one per cause, and probe them."""
    from probe.config.arguments import read_listen

    web = read_listen(listen)
    from probe.log.format import configure_logging

    configure_logging(human=sys.stderr.isatty())
    return run_in_loop(_demo(None if once else web))


async def _demo(web: WebSettings | None) -> int:
    """Probe the demo's backends once; then, where `web` is given, serve what is seen of them."""
    import tempfile

    from probe.demo.scenarios import Demo
    from probe.service.pipeline import run_rounds
    from probe.web.server.listener import try_to_listen

    if web is not None:
        with translate_listen_error(web):
            await try_to_listen(web.host, web.port)
    with tempfile.TemporaryDirectory(prefix="mtls-probe-demo-") as folder:
        backends = Demo()
        targets = await backends.start(Path(folder))
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
                    last.append(f"The certificates in {folder} were made for this round only.")
                if not wrong:
                    last.append(f"The probe found the fault of each of the {faulty} backends.")
                click.echo(f"\n{' '.join(last)}")
            for line in wrong:
                click.echo(line, err=True)
            if web is not None:
                await _serve_demo(targets, web)
        finally:
            await backends.stop()
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


async def _serve_demo(targets: Sequence[Target], web: WebSettings) -> None:
    from probe.config.arguments import demo_configuration
    from probe.service.service import serve

    def report_address(address: Endpoint) -> None:
        click.echo(f"\nstatus page: http://{address}/  (Ctrl-C ends the demo)", err=True)

    with translate_listen_error(web):
        await serve(demo_configuration(targets, web), on_listening=report_address)
