"""`mtls-probe run`: the service."""

import asyncio
import sys
from pathlib import Path

import click

from probe.commands.configuration import config_option, loader, report_warnings
from probe.commands.event_loop import in_loop, listening_on
from probe.commands.exit_codes import AS_EXPECTED


@click.command()
@config_option
def run(config_file: Path | None) -> int:
    """Run the service: schedule, metrics, web.

    Without --config it starts whatever the environment says: what is wrong with it stands on the
    page, in the log and in the metrics. It ends at the start for two reasons only: a configuration
    file with an error, and an address where it cannot listen (nobody could see that it is up then).
    """
    again = loader(config_file)
    # Lists are fetched once the service is up: one that is slow must not hold up its start.
    loaded = asyncio.run(again.read())
    report_warnings(loaded)
    from probe.outputs.log import configure_logging
    from probe.service import serve

    configure_logging(human=sys.stderr.isatty())
    with listening_on(loaded.web):
        in_loop(serve(loaded, loader=again))
    return AS_EXPECTED
