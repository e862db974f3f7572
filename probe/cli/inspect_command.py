"""`mtls-probe inspect`: what local files really are and every fault of them; connects nowhere."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe.cli.load_configuration import (
    PathOf,
    config_option,
    name_sources,
    pid_option,
    read_configuration,
    report_sources,
)
from probe.cli.named_receivers import (
    inspect_named_receivers,
    inspect_receiver_targets,
    receiver_option,
)
from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, output_option, report_counts
from probe.cli.usage_hints import ENDPOINT
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.inspection.file_report import Inspection
    from probe.inspection.inspect_files import FileSet
    from probe.model.target import Target


@click.command(short_help="Say what local files really are, and what is wrong.")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--cert", "cert_file", type=click.Path(), help="A file that should be the client certificate."
)
@click.option("--key", "key_file", type=click.Path(), help="A file that should be its key.")
@click.option("--ca", "ca_file", type=click.Path(), help="A file that should be the backend's CA.")
@click.option(
    "--endpoint",
    metavar="HOST",
    help="The name (or host:port, or URL) that exporters connect to: a server's certificate among "
    "the files is then judged as the backend's, and has to cover it.",
)
@config_option
@pid_option
@receiver_option
@click.option(
    "--client-cert",
    "clients",
    type=PathOf(dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="With --receiver: a client's certificate file. Would these receivers accept it, and which "
    "CA is missing where they would not? May be repeated.",
)
@output_option("table", "json")
def inspect(
    files: tuple[str, ...],
    cert_file: str | None,
    key_file: str | None,
    ca_file: str | None,
    endpoint: str | None,
    config_file: Path | None,
    pids: tuple[int, ...],
    receivers: tuple[str, ...],
    clients: tuple[str, ...],
    output: str,
) -> int:
    """Say what local files really are, and what is wrong with them; connects nowhere.

    A FILE named without an option is judged by what it holds. With no file at all, those of every
    target of the configuration are inspected, else those that OTEL_EXPORTER_OTLP_* name.
    With --receiver, those of the backend are.
    """
    for file in files:
        if ENDPOINT.fullmatch(file) and not Path(file).exists():
            raise click.UsageError(
                f"{safe_text(file)} is not a file; to try an endpoint: mtls-probe check {safe_text(file)}"
            )
    options = (cert_file, key_file, ca_file)
    named = bool(files) or any(option is not None for option in options)
    if named and config_file is not None:
        raise click.UsageError("give files or --config, not both")
    if named and pids:
        raise click.UsageError("give files or --pid, not both")
    if receivers and (named or pids or config_file is not None):
        raise click.UsageError("give --receiver alone, with --client-cert and --endpoint")
    if clients and not receivers:
        raise click.UsageError("--client-cert goes with --receiver")
    if endpoint is not None and not (files or cert_file or receivers):
        raise click.UsageError("--endpoint goes with --cert, --receiver, or with a FILE")
    reference = _parse_reference(endpoint) if endpoint is not None else ""
    well = True
    if receivers:
        return _report(inspect_named_receivers(receivers, clients, reference), output, well=True)
    others: tuple[Inspection, ...] = ()
    if named:
        sets = _collect_named_sets(files, *options)
    else:
        loaded = read_configuration(config_file, name_sources(pids, (), config_file))
        report_sources(loaded)
        if loaded.nothing_to_probe and config_file is None and not pids:
            click.echo("To look at files: mtls-probe inspect tls.crt tls.key ca.crt", err=True)
        sets = _collect_target_sets(one for one in loaded.targets if one.receiver is None)
        others = inspect_receiver_targets(loaded.targets)
        well = not loaded.nothing_to_probe and all(each.up for each in loaded.source_states)
    from probe.inspection.inspect_files import inspect_files

    inspection = inspect_files(sets, time.time(), reference)
    for other in others:
        inspection = replace(
            inspection,
            files=inspection.files + other.files,
            faults=tuple(dict.fromkeys(inspection.faults + other.faults)),
        )
    return _report(inspection, output, well=well)


def _report(inspection: Inspection, output: str, *, well: bool) -> int:
    from probe.report.inspection import encode_inspection, print_inspection

    with ignore_broken_pipe():
        if output == "json":
            click.echo(encode_inspection(inspection), nl=False)
        else:
            print_inspection(inspection)
    report_counts(file=len(inspection.files), fault=len(inspection.faults))
    return AS_EXPECTED if well and not inspection.faults else NOT_AS_EXPECTED


def _collect_named_sets(
    files: tuple[str, ...], cert_file: str | None, key_file: str | None, ca_file: str | None
) -> tuple[FileSet, ...]:
    from probe.inspection.inspect_files import FileSet, group_paths
    from probe.model.target import TlsSettings

    sets = group_paths(files)
    options = {"--cert": cert_file, "--key": key_file, "--ca": ca_file}
    for option, path in options.items():
        if path == "":
            raise click.UsageError(f"{option} has no file name")
    if any(options.values()):
        tls = TlsSettings(cert_file=cert_file, key_file=key_file, ca_file=ca_file)
        sets = (FileSet(tls=tls, whole=False), *sets)
    return sets


def _collect_target_sets(targets: Iterable[Target]) -> tuple[FileSet, ...]:
    """Return each different set of files once, with the names of the targets that use it."""
    from probe.credentials.named_file import FileSettings
    from probe.inspection.inspect_files import FileSet

    sets: dict[tuple[object, ...], FileSet] = {}
    for target in targets:
        tls = target.tls
        key = (
            *(tls.cert_file, tls.cert_pem, tls.key_file, tls.key_pem, tls.ca_file, tls.ca_pem),
            target.exporter,
            settings := FileSettings.of_target(target),
            target.runs_in,
        )
        known = sets.get(key)
        names = (*known.targets, target.name) if known else (target.name,)
        sets[key] = FileSet(
            tls=tls,
            exporter=target.exporter,
            settings=settings,
            targets=names,
            runs_in=target.runs_in,
        )
    return tuple(sets.values())


def _parse_reference(text: str) -> str:
    """Return the host of HOST, host:port or a URL.

    Raises:
        click.UsageError: where it is none of them.
    """
    from ipaddress import IPv6Address

    from probe.model.target import Endpoint

    if text.startswith("spiffe://"):
        return text
    try:
        return str(IPv6Address(text))
    except ValueError:
        pass
    try:
        return Endpoint.parse(text, default_port=4317).host
    except ValueError as error:
        raise click.UsageError(f"--endpoint: {error}") from None
