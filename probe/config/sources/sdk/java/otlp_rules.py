"""How Java's SDK reads the settings of its OTLP exporters, where it is stricter than the specification.

Pure. Follows OtlpConfigUtil and DefaultConfigProperties of opentelemetry-java 1.68, and was compared
with that SDK. What it refuses keeps the whole SDK from starting. A value that is empty is set, blanks
are part of a path, certificate and key are looked up one by one, a `+` in a header is a blank.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote_plus

from probe.config.check_settings import header_fault
from probe.config.sources.sdk.variables import TLS_NAMES, Headers, variable_name
from probe.model.target import PROTOCOLS, Protocol, Secret, Signal, TlsSettings

Fault = tuple[str, str]
"""The variable, and what is wrong with it."""

_NOT_EMPTY: Final = ("ENDPOINT", "PROTOCOL", *TLS_NAMES)
_HALF_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_DURATION: Final = re.compile(r"\s*\+?\d+\s*(us|ns|ms|s|m|h|d)?\s*")
_COMPRESSIONS: Final = ("gzip", "none")
_NO_START: Final = "Java's SDK does not start with it"


def find_variable(environ: Mapping[str, str], name: str, signal: Signal | None) -> str:
    """Return the variable that decides: that of the signal where it is set, to nothing too."""
    own = variable_name(name, signal)
    return own if own in environ else variable_name(name)


def read_java_tls(
    environ: Mapping[str, str], signal: Signal | None, *, insecure: bool
) -> TlsSettings:
    """Return the three files, each from the signal's own variable or the general one."""
    ca, certificate, key = (
        environ.get(find_variable(environ, name, signal)) or None for name in TLS_NAMES
    )
    return TlsSettings(ca_file=ca, cert_file=certificate, key_file=key, insecure=insecure)


def read_java_headers(environ: Mapping[str, str], signal: Signal | None, *, grpc: bool) -> Headers:
    """Return the headers of the signal's own variable, or the general one's.

    Raises:
        ValueError: naming the member, never its value.
    """
    headers: dict[str, tuple[str, Secret]] = {}
    for position, name, value in _list_headers(environ, signal):
        if fault := header_fault(name, value, grpc=grpc):
            raise ValueError(f"its member {position}: {fault}")
        headers[name.lower()] = (name, Secret(value))
    return tuple(headers.values())


def _list_headers(
    environ: Mapping[str, str], signal: Signal | None
) -> Iterator[tuple[int, str, str]]:
    """Yield each header with its position; one without a value is left out."""
    members = _list_members(environ.get(variable_name("HEADERS", signal), ""))
    if not members:
        members = _list_members(environ.get(variable_name("HEADERS"), ""))
    for position, member in enumerate(members, start=1):
        name, equals, value = (part.strip() for part in member.partition("="))
        if not (equals and member[0] != "="):
            raise ValueError(f"its member {position} is not name=value: {_NO_START}")
        if not (name and value):
            continue
        if _HALF_ESCAPE.search(value):
            raise ValueError(f"its member {position} has a % without two digits: {_NO_START}")
        yield position, name, unquote_plus(value)


def _list_members(text: str) -> list[str]:
    return [member.strip() for member in text.split(",") if member.strip()]


def find_java_faults(
    environ: Mapping[str, str], signal: Signal, default: Protocol | None
) -> Iterator[Fault]:
    """Yield what of the exporter of `signal` keeps Java's SDK from starting.

    Args:
        environ: The variables.
        signal: One that is exported, with or without an endpoint.
        default: The protocol without a variable, where it is known.
    """
    for name in _NOT_EMPTY:
        where = find_variable(environ, name, signal)
        if environ.get(where) == "":
            yield where, f"is set to nothing, which Java takes for a value: {_NO_START}; remove it"
    where = find_variable(environ, "PROTOCOL", signal)
    yield from _check_endpoint(environ, signal, environ.get(where) or default)
    if environ.get(where) and environ[where] not in PROTOCOLS:
        yield where, f"is neither grpc nor http/protobuf: {_NO_START}"
    certificate, key = (find_variable(environ, name, signal) for name in TLS_NAMES[1:])
    if bool(environ.get(certificate)) != bool(environ.get(key)):
        present, missing = (certificate, key) if environ.get(certificate) else (key, certificate)
        if missing not in environ:
            yield present, f"is set without {missing}: {_NO_START}"
    where = find_variable(environ, "COMPRESSION", signal)
    if where in environ and environ[where] not in _COMPRESSIONS:
        yield where, f"is neither gzip nor none: {_NO_START} unless a compressor is added"
    try:
        list(_list_headers(environ, signal))
    except ValueError as error:
        yield variable_name("HEADERS", signal), str(error)
    where = find_variable(environ, "TIMEOUT", signal)
    if environ.get(where) and not _DURATION.fullmatch(environ[where]):
        yield where, f"is not a duration, like 10000 or 10s: {_NO_START}"


def _check_endpoint(
    environ: Mapping[str, str], signal: Signal, protocol: str | None
) -> Iterator[Fault]:
    where = find_variable(environ, "ENDPOINT", signal)
    text = environ.get(where, "").strip()
    if not text:
        return
    if not re.match(r"https?:", text, re.IGNORECASE):
        yield where, f"does not begin with http:// or https://: {_NO_START}"
        return
    rest, mark, _ = text.partition("#")
    if mark:
        yield where, f"has a fragment: {_NO_START}"
    rest, mark, _ = rest.partition("?")
    if mark:
        yield where, f"has a query: {_NO_START}"
    path = rest.partition("://")[2].partition("/")[2]
    if protocol == "grpc" and path:
        yield where, f"has a path, which gRPC has not: {_NO_START}"
