"""`mtls-probe run`: the service; and how commands run an event loop."""

from __future__ import annotations

import asyncio
import math
import shlex
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from probe.cli.load_configuration import (
    config_option,
    get_secret_register,
    make_loader,
    name_sources,
    pid_option,
)
from probe.cli.own_name import name_command
from probe.cli.results import AS_EXPECTED
from probe.system.own_limits import raise_descriptor_limit
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from probe.config.configuration import Configuration

_T = TypeVar("_T")

UVLOOP_FROM: Final = 20.0
"""Attempts a second. Measured: at 100 a second an attempt costs 6 % less under uvloop, at 5 the same;
the library takes 2 MB, which a sidecar keeps."""


@click.command()
@config_option
@pid_option
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Address of pages, metrics and health, instead of the configuration's web.listen; "
    "default: 0.0.0.0:9943.",
)
def run(config_file: Path | None, pids: tuple[int, ...], listen: str | None) -> int:
    """Run the service: schedule, metrics, web.

    Without --config it starts whatever the environment holds; page, log and metrics show what is
    wrong with that. Only two things end it at its start: a configuration file with an error, and an
    address where it cannot listen, because nobody could then see that it is up.
    """
    from probe.cli.listen_error import translate_listen_error
    from probe.config.arguments import read_listen
    from probe.log.format import log_warnings
    from probe.service.service import serve

    register = get_secret_register()
    address = None if listen is None else read_listen(listen)
    loader = make_loader(
        config_file,
        address,
        human=sys.stderr.isatty(),
        named=name_sources(pids, (), config_file),
    )
    # Lists are fetched once the service is up: one that is slow must not hold up its start.
    loaded = asyncio.run(loader.read())
    log_warnings(loaded.warnings)
    command, setting = f"{name_command()} run", ""
    if config_file is not None:
        command += f" --config {shlex.quote(safe_text(str(config_file)))}"
        setting = "" if listen else f"web.listen in {safe_text(str(config_file))}"
    with translate_listen_error(loaded.web, command, setting):
        run_in_loop(
            serve(loaded, loader=loader, register=register), attempts=estimate_attempts(loaded)
        )
    return AS_EXPECTED


def estimate_attempts(configuration: Configuration) -> float:
    """Return how many attempts a second there will be; any number where that is not what decides.

    `/probe` makes as many as it is asked for. And with a web configuration pages may be served over
    TLS, for which asyncio fills a buffer of 256 KiB for each connection, and uvloop reserves it.
    """
    if configuration.modules or configuration.web.config_file is not None:
        return math.inf
    return sum(1.0 / target.interval for target in configuration.targets)


def run_in_loop(main: Coroutine[Any, Any, _T], *, attempts: float = 0.0) -> _T:
    """Run `main` to its end in a loop of its own, with as many descriptors as there may be.

    `attempts` is how many there will be each second: uvloop pays from `UVLOOP_FROM` on.
    """
    from probe.system.memory_allocation import map_large_buffers

    map_large_buffers()
    raise_descriptor_limit()
    new_loop = None
    if attempts >= UVLOOP_FROM:
        import uvloop

        new_loop = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
