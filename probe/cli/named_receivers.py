"""The receivers that the command line names: as sources of targets, and to be inspected."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from probe.cli.load_configuration import PathOf, get_secret_register

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probe.config.schema import SourceEntry
    from probe.inspection.file_report import Inspection
    from probe.inspection.inspect_receivers import ReceiverSet
    from probe.model.finding import Finding
    from probe.model.target import Target

receiver_option = click.option(
    "--receiver",
    "receivers",
    type=PathOf(dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="The configuration of a Collector on this host: its receivers are looked at, as the "
    "backend's own side. Repeated, the files merge as those of the Collector's --config do.",
)


def name_receivers(receivers: Sequence[str]) -> Sequence[SourceEntry]:
    """Return the source that `--receiver` names; none where it is not given."""
    from probe.config.schema import SourceEntry

    return [SourceEntry(receiver=list(receivers))] if receivers else []


def inspect_named_receivers(
    receivers: Sequence[str], clients: Sequence[str], reference: str
) -> Inspection:
    """Inspect the receivers of the configuration that `receivers` make together."""
    from probe.config.errors import ConfigurationError
    from probe.config.file_reader import FileReader, decode_text
    from probe.config.source_content import list_findings
    from probe.config.sources.receiver.read_receivers import read_all_receivers
    from probe.inspection.inspect_receivers import ReceiverSet, inspect_receivers
    from probe.model.known_secrets import register_environment, register_receiver

    register = get_secret_register()
    register_environment(register, os.environ)
    files = FileReader()
    sets: list[ReceiverSet] = []
    faults: list[Finding] = []
    try:
        reading = read_all_receivers(
            receivers, os.environ, lambda path: decode_text(files.read(path))
        )
        faults += (fault for error in reading.besides for fault in list_findings(error))
        for one in reading.receivers:
            register_receiver(register, one.receiver)
            found = tuple(fault for error in one.errors for fault in list_findings(error))
            sets.append(ReceiverSet(receiver=one.receiver, note=one.unprobed, faults=found))
    except ConfigurationError as error:
        faults += list_findings(error)
    if not (sets or faults):
        nothing = "has no receiver that takes OTLP"
        faults += list_findings(ConfigurationError(nothing, file=", ".join(receivers)))
    return inspect_receivers(
        sets,
        time.time(),
        settings_file=", ".join(receivers),
        clients=clients,
        reference=reference,
        faults=faults,
    )


def inspect_receiver_targets(targets: Iterable[Target]) -> tuple[Inspection, ...]:
    """Inspect the receivers that `targets` stand for, by the file of their settings."""
    from probe.inspection.inspect_receivers import ReceiverSet, inspect_receivers

    by_file: dict[str, list[ReceiverSet]] = {}
    for target in targets:
        if target.receiver is not None:
            one = ReceiverSet(receiver=target.receiver, faults=target.faults)
            by_file.setdefault(target.receiver.settings_file, []).append(one)
    return tuple(
        inspect_receivers(sets, time.time(), settings_file=file) for file, sets in by_file.items()
    )
