"""The configuration that several commands read: a file, or the environment of an SDK."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from probe.cli.results import NOT_AS_EXPECTED
from probe.text.description import NotAPathError, refuse_non_path
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister

PAUSE: Final = 1.0
"""Seconds between two readings while something is waited for."""
_LONGEST: Final = 2048
"""Characters of one line of a warning or an error."""

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from probe.config.configuration import Configuration, WebSettings
    from probe.config.loader import Answers, ConfigurationLoader
    from probe.config.schema import DefaultsEntry, SourceEntry


class _PathOnly(click.ParamType[Any]):
    """What can't be a path is refused before anybody opens it, and not quoted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert, or end with a usage error that describes the text that is not a path."""
        if isinstance(value, str):
            try:
                refuse_non_path(value)
            except NotAPathError as error:
                self.fail(str(error.strerror), param, ctx)
        return super().convert(value, param, ctx)


class PathOf(_PathOnly, click.Path):
    """A path."""


class TextFile(_PathOnly, click.File):
    """A file to read."""


class _ProcessNumber(click.IntRange):
    """The number of a process."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert, or end with a usage error that says where such a number is."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(
                "this is not the number of a process; pgrep -af TEXT prints those whose command line "
                "has a text",
                param,
                ctx,
            )


config_option = click.option(
    "--config",
    "config_file",
    type=PathOf(path_type=Path),
    help="The configuration file; without it the OTEL_EXPORTER_OTLP_* environment is read.",
)


pid_option = click.option(
    "--pid",
    "pids",
    type=_ProcessNumber(min=1),
    metavar="PID",
    multiple=True,
    help="The number of a running exporter's process: its environment, command line and files are "
    "read, and its network is used. May be repeated.",
)


manifest_option = click.option(
    "--manifest",
    "manifests",
    metavar="FILE",
    multiple=True,
    help="Kubernetes objects or Helm values: their exporters, with the files of the Secrets and "
    "ConfigMaps next to them. `-` is stdin. May be repeated.",
)


def name_sources(
    pids: Sequence[int], manifests: Sequence[str], config_file: Path | None
) -> Sequence[SourceEntry]:
    """Return the sources that `--pid` and `--manifest` name.

    Raises:
        click.UsageError: where there is a configuration too.
    """
    from probe.config.schema import ProcessEntry, SourceEntry

    if pids and config_file is not None:
        raise click.UsageError("give --pid or --config, not both")
    if manifests and config_file is not None:
        raise click.UsageError("give --manifest or --config, not both; sources has manifest too")
    found = [SourceEntry(process=ProcessEntry(pid=pid)) for pid in dict.fromkeys(pids)]
    if manifests:
        found.append(SourceEntry(manifest=[*dict.fromkeys(manifests)]))
    return found


def _read_stdin(named: Sequence[SourceEntry]) -> dict[str, bytes]:
    """Return what standard input holds where a source is that, one byte more than the limit at most."""
    from probe.config.file_reader import STDIN
    from probe.config.yaml_document import MAX_BYTES

    if not any(STDIN in (source.manifest or ()) for source in named):
        return {}
    with click.open_file(STDIN, "rb") as stdin:
        return {STDIN: stdin.read(MAX_BYTES + 1)}


def get_secret_register() -> SecretRegister:
    """Return the register of the command that runs; whatever it prints or keeps is masked by it."""
    return click.get_current_context().ensure_object(SecretRegister)


def make_loader(
    config_file: Path | None,
    listen: WebSettings | None = None,
    *,
    human: bool = True,
    named: Sequence[SourceEntry] = (),
    defaults: DefaultsEntry | None = None,
) -> ConfigurationLoader:
    """Return what reads `config_file`, or where there is none the environment, again and again.

    Its secrets are registered before anything else has it. `listen` is where to serve, whatever the
    file has; `named` are sources of the command line, which are read instead, with `defaults` for
    their targets. From now on the log goes to standard error, in a readable form where `human`, else in
    JSON.
    """
    from probe.config.configuration import mask_sources, register_configuration
    from probe.config.loader import (
        ConfigurationLoader,
        load_configuration,
        load_from_environment,
        load_named_sources,
    )
    from probe.config.schema import DefaultsEntry
    from probe.config.source_reader import SourceReader
    from probe.diagnosis.catalogue import CATALOGUE
    from probe.log.format import configure_logging
    from probe.model.known_secrets import register_environment
    from probe.service.pipeline import USER_AGENT

    register = get_secret_register()
    # Before anything is read: structlog's own way is standard output, where documents go.
    configure_logging(human=human, mask=register.mask)
    register_environment(register, os.environ)
    reader = SourceReader()
    held = _read_stdin(named)

    def read(answers: Answers) -> Configuration:
        if named:
            loaded = load_named_sources(
                named, defaults or DefaultsEntry(), os.environ, reader, listen, held
            )
        elif config_file is None:
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


def read_configuration(
    config_file: Path | None, named: Sequence[SourceEntry] = ()
) -> Configuration:
    """Read `named`, `config_file`, or where there is none the environment; warnings go to stderr.

    It connects nowhere: each list of http_sd is left out, with a warning.

    Raises:
        ConfigurationError: where it has an error.
    """
    import asyncio

    with _end_without_targets():
        loaded = asyncio.run(make_loader(config_file, named=named).load_without_lists())
    _report_warnings(loaded)
    return loaded


def wait_for_configuration(
    config_file: Path | None,
    limit: float,
    named: Sequence[SourceEntry] = (),
    defaults: DefaultsEntry | None = None,
) -> tuple[Configuration, float]:
    """Read as `read_configuration` does, with the lists; return that, and what is left of `limit`.

    It is read again for as long as a source is down or there is nothing to probe, and time (seconds)
    is left: a list that a server does not have yet, or a file that another container writes. An
    environment without file names cannot change, so it is not read again.
    """
    import asyncio

    with _end_without_targets():
        loader = make_loader(config_file, named=named, defaults=defaults)
        loaded, left = asyncio.run(_wait(loader, limit))
    _report_warnings(loaded)
    return loaded, left


@contextmanager
def _end_without_targets() -> Iterator[None]:
    """End the command as a round without a target ends, where a file has no mistake and no target."""
    from probe.config.errors import NothingToProbeError

    try:
        yield
    except NothingToProbeError as error:
        _write(f"error: {error}")
        click.get_current_context().exit(NOT_AS_EXPECTED)


async def _wait(loader: ConfigurationLoader, limit: float) -> tuple[Configuration, float]:
    import asyncio

    end = time.monotonic() + limit
    while True:
        loaded = await loader.load()
        missing = loaded.nothing_to_probe or not all(each.up for each in loaded.source_states)
        left = end - time.monotonic()
        changes = loaded.files or any(source.kind == "process" for source in loaded.sources)
        if not missing or left < PAUSE or not changes:
            return loaded, max(left, 0.0)
        await asyncio.sleep(PAUSE)


def _report_warnings(loaded: Configuration) -> None:
    for warning in loaded.warnings:
        _write(f"warning: {warning}")


def report_sources(loaded: Configuration) -> None:
    """Write to stderr which sources of `loaded` are down and why, and whether nothing is probed.

    Where the environment is the only source, why it is down is why nothing is probed.
    """
    from probe.config.declared_source import SDK_ENVIRONMENT
    from probe.model.target import list_down_sources

    down = list_down_sources(loaded.source_states)
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
    lines = get_secret_register().mask(text).split("\n")
    click.echo("\n".join(safe_text(line, _LONGEST) for line in lines), err=True)
