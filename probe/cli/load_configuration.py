"""The configuration that several commands read: a file, or the environment of an SDK."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from probe.text.description import NotAPathError, refuse_non_path
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister

_LONGEST: Final = 2048
"""Characters of one line of what is our own words with a name or two in them."""

if TYPE_CHECKING:
    from probe.config.configuration import Configuration, WebSettings
    from probe.config.loader import Answers, ConfigurationLoader


class PathOf(click.Path):
    """A path; what can't be one is refused before anybody opens it, and not quoted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or end with a usage error that describes what stands in its place."""
        refuse(self, value, param, ctx)
        return super().convert(value, param, ctx)


class TextFile(click.File):
    """A file to read; what can't be a path is refused before anybody opens it, and not quoted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Open the file, or end with a usage error that describes what stands in its place."""
        refuse(self, value, param, ctx)
        return super().convert(value, param, ctx)


def refuse(
    kind: click.ParamType[Any], value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    """End with a usage error where `value` is text that can't be a path."""
    if isinstance(value, str):
        try:
            refuse_non_path(value)
        except NotAPathError as error:
            kind.fail(str(error.strerror), param, ctx)


config_option = click.option(
    "--config",
    "config_file",
    type=PathOf(path_type=Path),
    help="The configuration file; without it the OTEL_EXPORTER_OTLP_* environment is read.",
)


def secret_register() -> SecretRegister:
    """Return the register of the command that runs; whatever it prints or keeps passes it."""
    return click.get_current_context().ensure_object(SecretRegister)


def loader(
    config_file: Path | None, listen: WebSettings | None = None, *, human: bool = True
) -> ConfigurationLoader:
    """Return what reads `config_file`, or where there is none the environment, again and again.

    What is secret of it is registered before anybody else has it. `listen` says where to serve,
    whatever the file says. From now on the log goes to standard error, where `human` in a readable
    form, else in JSON.
    """
    from probe.config.configuration import mask_sources, register_configuration
    from probe.config.loader import ConfigurationLoader, load_configuration, load_from_environment
    from probe.config.source_reader import SourceReader
    from probe.diagnosis.catalogue import CATALOGUE
    from probe.log.format import configure_logging
    from probe.model.known_secrets import register_environment
    from probe.service.pipeline import USER_AGENT

    register = secret_register()
    # Before anything is read: structlog's own way is standard output, where documents go.
    configure_logging(human=human, mask=register.mask)
    register_environment(register, os.environ)
    reader = SourceReader()

    def read(answers: Answers) -> Configuration:
        if config_file is None:
            loaded = load_from_environment(os.environ, reader, listen)
        else:
            loaded = load_configuration(
                config_file,
                os.environ,
                known_causes=CATALOGUE,
                fetched=answers,
                reader=reader,
                listen=listen,
            )
        register_configuration(register, loaded)
        return mask_sources(register, loaded)

    return ConfigurationLoader(read, user_agent=USER_AGENT)


def configuration(config_file: Path | None, *, connects: bool = True) -> Configuration:
    """Read `config_file`, or where there is none the environment; warnings go to stderr.

    What is wrong with sources goes there too: no document on standard output is broken by it.

    Args:
        config_file: the project's own YAML.
        connects: False leaves out the lists of http_sd, each with a warning.

    Raises:
        ConfigurationError: where it has an error.
    """
    loaded = loaded_by(loader(config_file), connects=connects)
    report_sources(loaded)
    return loaded


def loaded_by(loading: ConfigurationLoader, *, connects: bool = True) -> Configuration:
    """Return what `loading` reads; warnings go to stderr.

    Raises:
        ConfigurationError: where it has an error.
    """
    import asyncio

    loaded = asyncio.run(loading.load() if connects else loading.load_without_lists())
    report_warnings(loaded)
    return loaded


def report_warnings(loaded: Configuration) -> None:
    """Write the warnings of `loaded` to stderr, one a line."""
    for warning in loaded.warnings:
        _write(f"warning: {warning}")


def report_sources(loaded: Configuration) -> None:
    """Write to stderr which sources of `loaded` are down and why, and whether nothing is probed.

    Where the environment is the only source, why it is down is why nothing is probed.
    """
    from probe.config.declared_source import SDK_ENVIRONMENT
    from probe.model.target import sources_down

    down = sources_down(loaded.source_states)
    environment = SDK_ENVIRONMENT.where
    if loaded.nothing_to_probe and [state.source for state in loaded.source_states] == [
        environment
    ]:
        reason = f"there is nothing to probe: {down[0].error}" if down else loaded.nothing_to_probe
        _write(f"error: {reason}")
        return
    for state in down:
        # An error of the environment names it already.
        error = (state.error or "").removeprefix(f"{environment}: ")
        _write(
            f"error: source {state.source}: {error if state.source == environment else state.error}"
        )
    if loaded.nothing_to_probe:
        _write(f"error: {loaded.nothing_to_probe}")


def _write(text: str) -> None:
    lines = secret_register().mask(text).split("\n")
    click.echo("\n".join(safe_text(line, _LONGEST) for line in lines), err=True)
