"""`mtls-probe validate`: loads the configuration and every file it names; connects nowhere."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe.cli.load_configuration import (
    config_option,
    get_secret_register,
    manifest_option,
    name_sources,
    pid_option,
    read_configuration,
    report_sources,
)
from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, output_option, report_counts
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probe.credentials.tls_context import Credentials
    from probe.model.finding import Finding
    from probe.model.target import Target


@click.command(short_help="Load configuration and files; connect nowhere.")
@config_option
@pid_option
@manifest_option
@output_option("table", "json")
def validate(
    config_file: Path | None, pids: tuple[int, ...], manifests: tuple[str, ...], output: str
) -> int:
    """Load the configuration and every file it names; connects nowhere."""
    loaded = read_configuration(config_file, name_sources(pids, manifests, config_file))
    report_sources(loaded)
    from probe.credentials.store import CredentialStore
    from probe.model.finding import Finding
    from probe.report.validation import (
        build_validation,
        encode_validation,
        is_valid,
        print_validation,
    )
    from probe.surroundings.file_view import ViewError

    if loaded.web.config_file is not None:
        from probe.web.server.web_config import WebConfig

        WebConfig(Path(loaded.web.config_file), get_secret_register())
    store = CredentialStore()
    files = [store.open(target) for target in loaded.targets]
    read: list[tuple[Target, Credentials]] = []
    unseen: list[tuple[Target, Finding]] = []
    for target, each in zip(loaded.targets, files, strict=True):
        try:
            read.append((target, each.read()))
        except ViewError as error:
            unseen.append((target, Finding(cause="probe_fault", fact=error.detail, fix=())))
    unread = (*_check_server_files(loaded.targets), *_list_unsupported(read))
    for warning in unread:
        click.echo(f"warning: {safe_text(warning)}", err=True)
    found = build_validation(
        loaded.targets,
        [
            *((target, fault) for target, held in read for fault in held.facts.faults),
            *_judge_receivers(read),
            *unseen,
        ],
        (*loaded.warnings, *unread),
        loaded.source_states,
        loaded.nothing_to_probe,
    )
    with ignore_broken_pipe():
        if output == "json":
            click.echo(encode_validation(found), nl=False)
        else:
            print_validation(found)
    if not found.nothing_to_probe:
        report_counts(target=len(found.targets), fault=len(found.faults))
    return AS_EXPECTED if is_valid(found) else NOT_AS_EXPECTED


def _judge_receivers(
    read: Iterable[tuple[Target, Credentials]],
) -> Iterator[tuple[Target, Finding]]:
    """Yield what is wrong with the files of the receivers that targets stand for."""
    from probe.diagnosis.readings.receiver_judgement import judge_receiver

    for target, held in read:
        if held.facts.receiver is not None:
            for fault in judge_receiver(held.facts.receiver, time.time()).faults:
                yield target, fault


def _list_unsupported(read: Iterable[tuple[Target, Credentials]]) -> Iterator[str]:
    """Yield which targets this probe cannot try, though their exporters may work."""
    from probe.attempt.variant import UNVARIED, find_library_limit, vary_offer

    for target, credentials in read:
        if target.plaintext or target.faults:
            continue
        choose = partial(vary_offer, target.exporter, target.protocol, target.tls, UNVARIED)
        if limit := find_library_limit(credentials, choose):
            yield f"{target.name}: the probe itself cannot try it: {limit}"


def _check_server_files(targets: Iterable[Target]) -> Iterator[str]:
    """Yield what is wrong with each file that `server_cert_file` names: nothing is compared then."""
    from probe.credentials.named_file import NamedFile
    from probe.credentials.read_file import read_file
    from probe.model.finding import Finding
    from probe.text.description import is_description

    for target in targets:
        served = target.server_certificate_file
        if served is None or served.receiver:
            continue
        if is_description(served.path):
            held = served.path[1:-1]
            yield f"{target.name}: server_cert_file holds {held}, where a path belongs"
        else:
            read = read_file(NamedFile("cert", served.path))
            if isinstance(read, Finding):
                yield f"{target.name}: server_cert_file: {read.fact}"
