"""Targets from the command line: endpoints with one set of TLS settings for all of them."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, cast

import click
from click.core import ParameterSource

from probe.config import duration
from probe.config.check_settings import header_fault, proxy_fault, server_name_fault
from probe.config.configuration import Configuration, WebSettings
from probe.config.target_entry import choose_protocol
from probe.config.target_list import assign_names
from probe.model.runtime import find_sibling
from probe.model.target import (
    SIGNALS,
    Addresses,
    Depth,
    Endpoint,
    Protocol,
    Secret,
    Signal,
    Source,
    Target,
    TlsSettings,
)
from probe.text.description import describe_name, describe_value
from probe.text.safe_text import safe_text

_SIGNALS: Final[dict[str, Signal]] = {
    **{name: name for name in SIGNALS},
    "trace": "traces",
    "metrics": "metrics",
    "logs": "logs",
}
"""By what URLs call them."""
_HTTP_PATH: Final = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
_GRPC_PATH: Final = re.compile(
    r"^/opentelemetry\.proto\.collector\.(trace|metrics|logs)\.v1\.[A-Za-z]+Service/Export\Z"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MARK: Final = re.compile("[=:]")
_CURL_PLACE: Final = re.compile(r"\+?([^:=]+):([0-9]{1,5}):(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)")

_FILES: Final = (
    ((".yml", ".yaml", ".json"), "a configuration is named by --config"),
    ((".txt", ".list"), "a file of endpoints is named by --targets"),
    ((".pem", ".crt", ".cer", ".key"), "files are named by --cert, --key and --ca"),
)
"""What ends like a file, and the option that was left out."""


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
            raise click.UsageError(
                f"{option.opts[0]} goes with an endpoint on the command line: "
                f"mtls-probe check HOST:PORT {option.opts[0]} …"
            )


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
    headers: Sequence[str] = (),
    proxy: str | None = None,
    insecure_skip_verify: bool = False,
) -> tuple[Target, ...]:
    """Return a target for each endpoint.

    Raises:
        click.UsageError: where an endpoint, a duration, a header or the proxy can't be read.
    """
    seconds = read_duration(timeout, "--timeout")
    proxy_url = None if proxy is None else _read_proxy(proxy)
    targets = []
    for position, text in enumerate(endpoints, start=1):
        try:
            endpoint = Endpoint.parse(text)
        except ValueError as error:
            # A line of a file may be anything, and an endpoint's query a token.
            shown = safe_text(describe_value(text, key="endpoint"))
            file = next((f"; {named}" for ends, named in _FILES if text.endswith(ends)), "")
            raise click.UsageError(f"endpoint {position}, {shown}: {error}{file}") from None
        endpoint, by_path, signal = _read_path(endpoint)
        chosen = choose_protocol(protocol or by_path, exporter, endpoint.port)
        if exporter != find_sibling(exporter, chosen):
            raise click.UsageError(f"--exporter {exporter} does not speak {chosen}")
        if fault := server_name_fault(server_name, grpc=chosen == "grpc"):
            raise click.UsageError(f"--server-name {server_name!r} {fault}")
        targets.append(
            Target(
                name="",
                endpoint=endpoint,
                protocol=chosen,
                signal=signal,
                exporter=exporter,
                depth=cast("Depth", depth),
                addresses=cast("Addresses", addresses),
                timeout=seconds,
                tls=TlsSettings(
                    cert_file=cert_file,
                    key_file=key_file,
                    ca_file=ca_file,
                    server_name_override=server_name,
                    insecure_skip_verify=insecure_skip_verify,
                ),
                headers=tuple(_read_header(each, grpc=chosen == "grpc") for each in headers),
                proxy_url=proxy_url,
                sources=(Source("arguments"),),
            )
        )
    return assign_names(targets)


def _read_path(endpoint: Endpoint) -> tuple[Endpoint, Protocol | None, Signal]:
    """Return what a pasted URL's path says: the protocol and the signal; gRPC's paths are left out.

    An exporter over gRPC has none in its endpoint.
    """
    path, mark, query = endpoint.path.partition("?")
    if found := _GRPC_PATH.search(path):
        return replace(endpoint, path=mark + query), "grpc", _SIGNALS[found[1]]
    if found := _HTTP_PATH.search(path):
        return endpoint, "http/protobuf", _SIGNALS[found[1]]
    return endpoint, None, "traces"


def _read_header(text: str, *, grpc: bool) -> tuple[str, Secret]:
    """Read NAME=VALUE or, as curl has it, `NAME: VALUE`; no error repeats the value.

    Raises:
        click.UsageError: where it is neither, or cannot be sent.
    """
    name, mark, value = re.split("([=:])", text, maxsplit=1) if _MARK.search(text) else ("", "", "")
    name, value = name.strip(), value.strip() if mark == ":" else value
    if not name:
        raise click.UsageError("--header is NAME=VALUE or 'NAME: VALUE'")
    if fault := header_fault(name, value, grpc=grpc):
        raise click.UsageError(f"--header, {safe_text(describe_name(name))}: {fault}")
    return name, Secret(value)


def _read_proxy(text: str) -> Secret:
    """Read the URL of a proxy, or its host:port.

    Raises:
        click.UsageError: where it is neither; its password is never shown.
    """
    url = text if "://" in text else f"http://{text}"
    if fault := proxy_fault(url):
        raise click.UsageError(f"--proxy: {fault}")
    return Secret(url)


def place_targets(targets: Sequence[Target], resolved: Iterable[str]) -> Sequence[Target]:
    """Return `targets`, those with an address that `resolved` has one for.

    Each is NAME=ADDRESS or, as curl has it, HOST:PORT:ADDRESS.

    Raises:
        click.UsageError: for what is neither.
    """
    places = dict(map(_read_place, resolved))
    return [
        replace(
            target,
            address=places.get((target.endpoint.host.lower(), target.endpoint.port))
            or places.get((target.endpoint.host.lower(), None), target.address),
        )
        for target in targets
    ]


def _read_place(text: str) -> tuple[tuple[str, int | None], str]:
    port: int | None
    if found := _CURL_PLACE.fullmatch(text):
        name, port, address = found[1], int(found[2]), found[3].strip("[]")
    else:
        (name, _, address), port = text.partition("="), None
    try:
        address = str(ip_address(address))
    except ValueError:
        name = ""
    if not name:
        raise click.UsageError(f"--resolve {text!r} is not NAME=ADDRESS or HOST:PORT:ADDRESS")
    return (name.lower(), port), address


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


def read_moment(text: str, option: str, now: float) -> float:
    """Read a moment: RFC 3339, a day (00:00 UTC), or a duration from `now` on; as epoch seconds.

    Raises:
        click.UsageError: where it is neither.
    """
    if text.startswith("+"):
        return now + read_duration(text[1:], option)
    try:
        moment = datetime.fromisoformat(text.upper())  # RFC 3339 §5.6: t and z may be small
    except ValueError:
        moment = None
    if moment is None or (moment.tzinfo is None and not _DAY.fullmatch(text)):
        raise click.UsageError(
            f"{option} {text!r} is not a moment; write 2026-12-24 (00:00 UTC), 2026-12-24T08:00:00Z, or "
            "+3d for three days from now"
        )
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def read_listen(text: str) -> WebSettings:
    """Read the HOST:PORT to serve on; no host means every address of this machine, as in Go.

    Raises:
        click.UsageError: where it is not valid.
    """
    try:
        return WebSettings.parse_listen(text)
    except ValueError:
        raise click.UsageError(
            f"--listen {text!r} is not HOST:PORT; write :9943 for every address of this machine, "
            "127.0.0.1:9943 for this machine alone"
        ) from None


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
