"""`mtls-probe run`: the service."""

import sys
from pathlib import Path

import click

from probe.commands.configuration import config_option, loaded_by, loader, secret_register
from probe.commands.event_loop import in_loop, listening_on
from probe.commands.exit_codes import AS_EXPECTED


@click.command()
@config_option
def run(config_file: Path | None) -> int:
    """Run the service: schedule, metrics, web."""
    again = loader(config_file)
    loaded = loaded_by(again)
    from probe.outputs.log import configure_logging
    from probe.outputs.standard_streams import lines_dropped
    from probe.service import serve

    register = secret_register()
    configure_logging(human=sys.stderr.isatty(), mask=register.mask)
    with listening_on(loaded.web):
        in_loop(serve(loaded, loader=again, register=register, lines_dropped=lines_dropped))
    return AS_EXPECTED
