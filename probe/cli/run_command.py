"""`mtls-probe run`: the service."""

import asyncio
import sys
from pathlib import Path

import click

from probe.cli.event_loop import in_loop, listening_on
from probe.cli.exit_codes import AS_EXPECTED
from probe.cli.load_configuration import config_option, loader, secret_register


@click.command()
@config_option
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to serve page, metrics and health, instead of the configuration's web.listen; "
    "default: 0.0.0.0:9943.",
)
def run(config_file: Path | None, listen: str | None) -> int:
    """Run the service: schedule, metrics, web.

    Without --config it starts whatever the environment says: what is wrong with it stands on the
    page, in the log and in the metrics. Two things alone end it at its start: a configuration file
    with an error, and an address where it cannot listen, for nobody could see then that it is up.
    """
    from probe.config.arguments import read_listen
    from probe.log.format import log_warnings
    from probe.service.service import serve
    from probe.system.standard_streams import lines_dropped

    register = secret_register()
    address = None if listen is None else read_listen(listen)
    again = loader(config_file, address, human=sys.stderr.isatty())
    # Lists are fetched once the service is up: one that is slow must not hold up its start.
    loaded = asyncio.run(again.read())
    log_warnings(loaded.warnings)
    with listening_on(loaded.web):
        in_loop(serve(loaded, loader=again, register=register, lines_dropped=lines_dropped))
    return AS_EXPECTED
