"""Targets from the command line: endpoints with one set of TLS settings for all of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import cast

import click
from click.core import ParameterSource

from probe.config import duration
from probe.config.check_settings import server_name_fault
from probe.config.configuration import Configuration, WebSettings
from probe.config.target_entry import choose_protocol
from probe.config.target_list import assign_names
from probe.model.runtime import find_sibling
from probe.model.target import (
    Addresses,
    Depth,
    Endpoint,
    Source,
    Target,
    TlsSettings,
)
from probe.text.description import describe_value
from probe.text.safe_text import safe_text


def read_endpoints(endpoints: Iterable[str], lines: Iterable[str]) -> list[str]:
    """Return `endpoints`, where `-` stands for the lines of stdin, and those that `lines` name.

    Raises:
        click.UsageError: where there is no endpoint at all.
    """
    named = [*_expand_stdin(endpoints), *_strip_comments(lines)]
    if not named:
        raise click.UsageError("no endpoint is named; write host:port, one a line")
    return named


def refuse_given(context: click.Context, settings: Collection[str]) -> None:
    """Refuse `settings` given on the command line, where no endpoint is there to have them.

    Raises:
        click.UsageError: naming the first.
    """
    for option in context.command.params:
        name = option.name or ""
        if name in settings and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} goes with an endpoint on the command line")


def make_targets(
    endpoints: Sequence[str],
    *,
    cert_file: str | None,
    key_file: str | None,
    ca_file: str | None,
    server_name: str,
    protocol: str | None,
    exporter: str,
    depth: str,
    timeout: str,
    addresses: str = "first",
) -> tuple[Target, ...]:
    """Return a target for each endpoint.

    Raises:
        click.UsageError: where an endpoint or a duration can't be read.
    """
    seconds = read_duration(timeout, "--timeout")
    targets = []
    for position, text in enumerate(endpoints, start=1):
        try:
            endpoint = Endpoint.parse(text)
        except ValueError as error:
            # A line of a file may be anything, and an endpoint's query a token.
            shown = safe_text(describe_value(text, key="endpoint"))
            raise click.UsageError(f"endpoint {position}, {shown}: {error}") from None
        chosen = choose_protocol(protocol, exporter, endpoint.port)
        if exporter != find_sibling(exporter, chosen):
            raise click.UsageError(f"--exporter {exporter} does not speak {chosen}")
        if fault := server_name_fault(server_name, grpc=chosen == "grpc"):
            raise click.UsageError(f"--server-name {server_name!r} {fault}")
        targets.append(
            Target(
                name="",
                endpoint=endpoint,
                protocol=chosen,
                exporter=exporter,
                depth=cast("Depth", depth),
                addresses=cast("Addresses", addresses),
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
    return assign_names(targets)


def place_targets(targets: Sequence[Target], resolved: Iterable[str]) -> Sequence[Target]:
    """Return `targets`, those with an address whose host `resolved` has, as `NAME=ADDRESS`.

    Raises:
        click.UsageError: for what is not that.
    """
    places: dict[str, str] = {}
    for text in resolved:
        name, equals, address = text.partition("=")
        try:
            places[name.lower()] = str(ip_address(address))
        except ValueError:
            equals = ""
        if not (name and equals):
            raise click.UsageError(f"--resolve {text!r} is not NAME=ADDRESS")
    return [
        replace(target, address=places.get(target.endpoint.host.lower(), target.address))
        for target in targets
    ]


def read_duration(text: str, option: str) -> float:
    """Read a duration as the configuration has it (`5s`, `1m30s`, `2d`), as seconds.

    Raises:
        click.UsageError: where it is not a valid duration, or not positive.
    """
    try:
        seconds = duration.seconds(text)
    except ValueError as error:
        raise click.UsageError(f"{option} {text!r}: {error}") from None
    if seconds <= 0:
        raise click.UsageError(f"{option} {text!r} has to be more than zero")
    return seconds


def read_listen(text: str) -> WebSettings:
    """Read the HOST:PORT to serve on; no host means every address of this machine, as in Go.

    Raises:
        click.UsageError: where it is not valid.
    """
    try:
        return WebSettings.parse_listen(text)
    except ValueError:
        raise click.UsageError(f"--listen {text!r} is not HOST:PORT") from None


def demo_configuration(targets: Sequence[Target], web: WebSettings) -> Configuration:
    """Return a configuration that watches `targets` and serves its page on `web`."""
    return Configuration(
        targets=tuple(replace(target, interval=5.0) for target in targets), web=web
    )


def _expand_stdin(endpoints: Iterable[str]) -> Iterator[str]:
    for endpoint in endpoints:
        if endpoint == "-":
            # Bytes that are not text become an endpoint that is not valid, which the error names.
            with click.open_file("-", encoding="utf-8-sig", errors="surrogateescape") as stdin:
                yield from _strip_comments(stdin)
        else:
            yield endpoint


def _strip_comments(lines: Iterable[str]) -> Iterator[str]:
    stripped = (line.strip() for line in lines)
    return (line for line in stripped if line and not line.startswith("#"))
