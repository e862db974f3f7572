"""The targets of an OpenTelemetry SDK, read from its environment variables.

Pure. Follows the specification "OpenTelemetry Protocol Exporter": a per-signal variable comes
before the generic one, an empty variable is one that is not set, the endpoint's scheme comes before
INSECURE. The exporter's own timeout and compression have no meaning for a probe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from probe.sources.error import ConfigurationError, nearest_of
from probe.sources.proxy_environment import proxy_for
from probe.sources.settings import header_fault, proxy_fault
from probe.target import (
    PROTOCOLS,
    SIGNALS,
    Endpoint,
    Protocol,
    Secret,
    Signal,
    Source,
    Target,
    TlsSettings,
)

SOURCE: Final = Source("sdk", "environment")
FILE_VARIABLES: Final = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
"""A declarative file, which replaces the variables read here."""

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"
_GRPC_PORT: Final = 4317
_Headers = tuple[tuple[str, Secret], ...]


def targets_from_environment(environ: Mapping[str, str]) -> tuple[Target, ...]:
    """Return one target for the generic endpoint and one for each signal that goes its own way.

    `sdk` stands for every signal that uses the generic variables alone and exports the first of
    them; `sdk-traces`, `sdk-metrics` and `sdk-logs` have an endpoint or other settings of their
    own. With no endpoint variable set there are no targets. Without a PROTOCOL, port 4317 means
    grpc and any other http/protobuf.

    Raises:
        ConfigurationError: naming the variable whose value has no meaning.
    """
    generic = _exporter(environ, None) if _value(environ, "ENDPOINT") else None
    shared: list[Signal] = []
    own: list[Target] = []
    for signal in SIGNALS:
        if generic is None and not _value(environ, f"{signal.upper()}_ENDPOINT"):
            continue
        exporter = _exporter(environ, signal)
        if exporter == generic:
            shared.append(signal)
        else:
            own.append(_target(f"sdk-{signal}", exporter, signal, environ))
    if generic is None or not shared:
        return tuple(own)
    return (_target("sdk", generic, shared[0], environ), *own)


@dataclass(frozen=True, slots=True)
class _Exporter:
    """What the variables say about the exporter of one signal; `base` gets the signal's path."""

    endpoint: Endpoint
    base: bool
    protocol: Protocol
    tls: TlsSettings
    headers: _Headers


def _target(name: str, exporter: _Exporter, signal: Signal, environ: Mapping[str, str]) -> Target:
    endpoint = exporter.endpoint
    if exporter.protocol == "http/protobuf":
        path, mark, query = endpoint.path.partition("?")
        path = f"{path.rstrip('/')}/v1/{signal}" if exporter.base else path or "/"
        endpoint = replace(endpoint, path=path + mark + query)
    target = Target(
        name=name,
        endpoint=endpoint,
        protocol=exporter.protocol,
        signal=signal,
        tls=exporter.tls,
        headers=exporter.headers,
        sources=(SOURCE,),
    )
    # gRPC asks for a proxy as if for https, whatever the scheme; HTTP in clear needs no tunnel.
    if target.plaintext and target.protocol == "http/protobuf":
        return target
    proxy = proxy_for(endpoint, environ)
    if proxy is not None and (fault := proxy_fault(proxy)):
        raise _error("HTTPS_PROXY", fault)
    return target if proxy is None else replace(target, proxy_url=Secret(proxy))


def _exporter(environ: Mapping[str, str], signal: Signal | None) -> _Exporter:
    """Read the variables of `signal`, or the generic ones alone."""
    variable, text = _setting(environ, signal, "ENDPOINT")
    try:
        endpoint = Endpoint.parse(text)
    except ValueError as error:
        raise _endpoint_error(variable, text, error) from None
    protocol = _protocol(environ, signal, endpoint)
    if not endpoint.scheme:
        if protocol == "http/protobuf":
            reason = (
                f"an endpoint for http/protobuf begins with http:// or https://; for gRPC on this"
                f" port set {_PREFIX}PROTOCOL=grpc"
            )
            raise _error(variable, reason, found=text)
        insecure = _setting(environ, signal, "INSECURE")[1].lower() == "true"
        endpoint = replace(endpoint, scheme="http" if insecure else "https")
    return _Exporter(
        endpoint=endpoint,
        base=variable == _PREFIX + "ENDPOINT",
        protocol=protocol,
        tls=_tls(environ, signal, insecure=endpoint.scheme == "http"),
        headers=_headers(*_setting(environ, signal, "HEADERS"), grpc=protocol == "grpc"),
    )


def _protocol(environ: Mapping[str, str], signal: Signal | None, endpoint: Endpoint) -> Protocol:
    variable, text = _setting(environ, signal, "PROTOCOL")
    if not text:
        return "grpc" if endpoint.port == _GRPC_PORT else "http/protobuf"
    for protocol in PROTOCOLS:
        if text == protocol:
            return protocol
    reason = "is a protocol that is not spoken here" if text == "http/json" else "is unknown"
    raise _error(variable, reason, found=text, allowed=PROTOCOLS)


def _tls(environ: Mapping[str, str], signal: Signal | None, *, insecure: bool) -> TlsSettings:
    """Read file names; a certificate and its key come from the same kind of variables."""
    halves = ("CLIENT_CERTIFICATE", "CLIENT_KEY")
    prefix = f"{signal.upper()}_" if signal else ""
    if not any(_value(environ, prefix + half) for half in halves):
        prefix = ""
    certificate, key = (_value(environ, prefix + half) for half in halves)
    return TlsSettings(
        ca_file=_setting(environ, signal, "CERTIFICATE")[1] or None,
        cert_file=certificate or None,
        key_file=key or None,
        insecure=insecure,
    )


def _headers(variable: str, text: str, *, grpc: bool) -> _Headers:
    """Read `name=value,…`, percent-encoded as in W3C Baggage, without its properties."""
    headers: dict[str, Secret] = {}
    for position, member in enumerate(text.split(",") if text else (), start=1):
        if not member.strip():
            continue
        name, equals, value = member.partition("=")
        name = unquote(name.strip())
        value = unquote(value.strip())
        if not equals:
            raise _error(variable, f"its member {position} is not name=value")
        if fault := header_fault(name, value, grpc=grpc):
            raise _error(variable, f"its member {position}: {fault}")
        headers[name] = Secret(value)
    return tuple(headers.items())


def _setting(environ: Mapping[str, str], signal: Signal | None, name: str) -> tuple[str, str]:
    """Return the variable that decides, and its value."""
    if signal and (text := _value(environ, f"{signal.upper()}_{name}")):
        return f"{_PREFIX}{signal.upper()}_{name}", text
    return _PREFIX + name, _value(environ, name)


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(_PREFIX + name, "").strip()


def _endpoint_error(variable: str, text: str, error: ValueError) -> ConfigurationError:
    if "@" in text:
        return _error(variable, "an endpoint holds no user name or password; use headers")
    return _error(variable, str(error), found=text)


def _error(
    variable: str, reason: str, *, found: str | None = None, allowed: tuple[str, ...] = ()
) -> ConfigurationError:
    return ConfigurationError(
        reason,
        file="environment",
        key=variable,
        found=found,
        allowed=allowed,
        nearest=nearest_of(found, allowed) if found is not None and allowed else None,
    )
