"""The configuration that several commands read: a file, or the environment of an SDK."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe.safe_text import safe_text

if TYPE_CHECKING:
    from probe.sources.configuration import Configuration

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="The configuration file; without it the OTEL_EXPORTER_OTLP_* environment is read.",
)


def configuration(config_file: Path | None) -> Configuration:
    """Read `config_file`, or where there is none the environment; warnings go to stderr.

    Raises:
        ConfigurationError: where it has an error.
    """
    from probe.causes.catalogue import CATALOGUE
    from probe.sources.configuration import configuration_from_environment, load_configuration

    if config_file is None:
        return configuration_from_environment(os.environ)
    loaded = load_configuration(config_file, os.environ, known_causes=CATALOGUE)
    for warning in loaded.warnings:
        click.echo(f"warning: {safe_text(warning)}", err=True)
    return loaded
