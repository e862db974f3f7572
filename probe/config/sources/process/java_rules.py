"""What Java's SDK refuses in its settings: it then exports nothing, of no signal.

Pure. Written after OtlpConfigUtil of opentelemetry-java 1.68 and compared with it: a variable or a
property that is set and empty is a value like any other, nothing but an endpoint's spaces is
trimmed, and an agent that cannot configure one exporter does not start.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from probe.config.errors import ConfigurationError, find_nearest
from probe.config.sources.sdk.variables import exports_otlp, find_setting, variable_name
from probe.model.target import PROTOCOLS, SIGNALS, Protocol, Signal, Target

_COMPRESSIONS: Final = ("gzip", "none")
_DURATION: Final = re.compile(r"\d+\s*(?:ms|s|m|h|d)?")


def find_java_faults(
    environ: Mapping[str, str], default: Protocol = "grpc"
) -> tuple[ConfigurationError, ...]:
    """Return why an SDK of Java that is configured by these variables exports nothing.

    Args:
        environ: The variables, those included that are set and empty.
        default: The protocol where none is set.
    """
    found: dict[ConfigurationError, None] = {}
    for signal in SIGNALS:
        if exports_otlp(environ, signal):
            found.update(dict.fromkeys(_judge_signal(environ, signal, default)))
    return tuple(found)


def use_java_files(target: Target, environ: Mapping[str, str]) -> Target:
    """Return `target` with certificate and key each of its signal's own variable, else the general."""
    if target.plaintext:
        return target
    certificate, key = (
        find_setting(environ, target.signal, name)[1] or None
        for name in ("CLIENT_CERTIFICATE", "CLIENT_KEY")
    )
    return replace(target, tls=replace(target.tls, cert_file=certificate, key_file=key))


def _judge_signal(
    environ: Mapping[str, str], signal: Signal, default: Protocol
) -> Iterator[ConfigurationError]:
    name, protocol = _find(environ, signal, "PROTOCOL")
    if protocol is not None and protocol not in PROTOCOLS:
        reason = "is set and empty" if not protocol else "is unknown to Java's SDK"
        near = find_nearest(protocol, PROTOCOLS)
        yield _error(name, reason, protocol, allowed=PROTOCOLS, nearest=near)
    name, endpoint = _find(environ, signal, "ENDPOINT")
    if endpoint is not None and (fault := _judge_endpoint(endpoint.strip(), protocol or default)):
        yield _error(name, fault)
    name, compression = _find(environ, signal, "COMPRESSION")
    if compression is not None and compression not in _COMPRESSIONS:
        reason = "is unknown to Java's SDK"
        yield _error(name, reason, compression, allowed=_COMPRESSIONS)
    name, timeout = _find(environ, signal, "TIMEOUT")
    if timeout and not _DURATION.fullmatch(timeout.strip()):
        yield _error(name, "is not a duration to Java's SDK, like 10000 or 10s", timeout)
    (name, certificate), (other, key) = (
        _find(environ, signal, half) for half in ("CLIENT_CERTIFICATE", "CLIENT_KEY")
    )
    if (certificate is None) != (key is None):
        present, missing = (name, other) if key is None else (other, name)
        yield _error(present, f"is set without {missing}: Java's SDK refuses one without the other")


def _judge_endpoint(text: str, protocol: str) -> str:
    """Return what is wrong with an endpoint, or an empty text; nothing of it is repeated."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() not in {"http", "https"}:
        return "is not a URL with http:// or https://, which Java's SDK asks for"
    if parts.query:
        return "has a query, which Java's SDK refuses"
    if parts.fragment:
        return "has a fragment (#), which Java's SDK refuses"
    if protocol == "grpc" and parts.path not in {"", "/"}:
        return "has a path, which Java's SDK refuses for grpc"
    return ""


def _find(environ: Mapping[str, str], signal: Signal, setting: str) -> tuple[str, str | None]:
    """Return the variable that decides, and its value, which may be empty; None: neither is set."""
    own, general = variable_name(setting, signal), variable_name(setting)
    return (own, environ[own]) if own in environ else (general, environ.get(general))


def _error(
    name: str,
    reason: str,
    found: str | None = None,
    *,
    allowed: tuple[str, ...] = (),
    nearest: str | None = None,
) -> ConfigurationError:
    return ConfigurationError(
        f"{reason}; its exporters are not made, of no signal",
        file="environment",
        key=name,
        found=found,
        allowed=allowed,
        nearest=nearest,
    )
