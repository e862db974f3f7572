"""`mtls-probe run`: the service; and how commands run an event loop."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

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

_T = TypeVar("_T")


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
        run_in_loop(serve(loaded, loader=loader, register=register))
    return AS_EXPECTED


def run_in_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """Run `main` to its end in a loop of its own, with as many descriptors as there may be."""
    import uvloop

    from probe.system.directory_watcher import join_watching_threads
    from probe.system.memory_allocation import map_large_buffers

    map_large_buffers()
    raise_descriptor_limit()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    finally:
        join_watching_threads()
