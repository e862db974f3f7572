"""Targets from the command line: endpoints with one set of TLS settings for all of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import click
import durationpy

from probe.sources.configuration import Configuration, WebSettings
from probe.target import (
    Depth,
    Endpoint,
    Protocol,
    Source,
    Target,
    TlsSettings,
    default_protocol,
)


def targets_from_arguments(
    endpoints: Sequence[str],
    *,
    cert_file: str | None,
    key_file: str | None,
    ca_file: str | None,
    server_name: str,
    protocol: str | None,
    depth: str,
    timeout: str,
) -> tuple[Target, ...]:
    """Return a target for each endpoint.

    Raises:
        click.UsageError: where an endpoint or a duration can't be read.
    """
    seconds = read_duration(timeout, "--timeout")
    names: dict[str, int] = {}
    targets = []
    for text in endpoints:
        try:
            endpoint = Endpoint.parse(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        name = str(endpoint)
        names[name] = count = names.get(name, 0) + 1
        targets.append(
            Target(
                name=name if count == 1 else f"{name}#{count}",
                endpoint=endpoint,
                protocol=cast("Protocol", protocol)
                if protocol
                else default_protocol(endpoint.port),
                depth=cast("Depth", depth),
                timeout=seconds,
                tls=TlsSettings(
                    cert_file=cert_file,
                    key_file=key_file,
                    ca_file=ca_file,
                    server_name_override=server_name,
                ),
                sources=(Source("arguments"),),
            )
        )
    return tuple(targets)


def read_duration(text: str, option: str) -> float:
    """Read a Go duration (`5s`, `1m30s`) as seconds.

    Raises:
        click.UsageError: where it is none, or not positive.
    """
    try:
        seconds = float(durationpy.from_str(text).total_seconds())
    except (durationpy.DurationError, ValueError, OverflowError):
        raise click.UsageError(f"{option} {text!r} is no duration; write 5s or 1m30s") from None
    if seconds <= 0:
        raise click.UsageError(f"{option} {text!r} has to be more than zero")
    return seconds


def demo_configuration(targets: Sequence[Target], listen: str) -> Configuration:
    """Return a configuration that watches `targets` and serves its page on `listen`."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise click.UsageError(f"--listen {listen!r} is no HOST:PORT")
    return Configuration(
        targets=tuple(replace(target, interval=5.0) for target in targets),
        web=WebSettings(host=host.strip("[]"), port=int(port)),
    )
