"""The targets of an OpenTelemetry SDK, read from its environment variables.

Pure and total. Follows the specification "OpenTelemetry Protocol Exporter": a per-signal variable comes
before the generic one, an empty variable is one that is not set, the endpoint's scheme comes before
INSECURE. The exporter's own timeout and compression have no meaning for a probe.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from probe.config.errors import ConfigurationError, find_nearest
from probe.config.proxy_environment import apply_proxy
from probe.config.source_content import SourceContent, add_faults
from probe.config.sources.sdk.java.otlp_rules import (
    find_java_faults,
    read_java_headers,
    read_java_tls,
)
from probe.config.sources.sdk.origin import ENVIRONMENT, Origin
from probe.config.sources.sdk.traps import find_traps
from probe.config.sources.sdk.variables import (
    TLS_NAMES,
    Headers,
    exporter_variable,
    exports_otlp,
    find_setting,
    get_value,
    pair_kind,
    parse_headers,
    variable_name,
    variables_by_setting,
)
from probe.model.runtime import COLLECTOR, JAVA, RUNTIMES_BY_ID
from probe.model.target import (
    GENERAL_VARIABLES,
    PROTOCOLS,
    SIGNALS,
    Endpoint,
    Protocol,
    Signal,
    Target,
    TlsSettings,
)
from probe.text.safe_text import safe_text

SOURCE: Final = ENVIRONMENT.source
FILE_VARIABLES: Final = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
"""A declarative file, which replaces the variables read here."""

_GRPC_PORT: Final = 4317


def read_environment(
    environ: Mapping[str, str],
    exporter: str = COLLECTOR.id,
    origin: Origin = ENVIRONMENT,
    *,
    runtime_known: bool = False,
) -> SourceContent:
    """Return one target for the generic endpoint and one for each signal that goes its own way.

    `sdk` stands for every signal that uses the generic variables alone and exports the first of
    them; `sdk-traces`, `sdk-metrics` and `sdk-logs` have an endpoint or other settings of their
    own. With no endpoint variable set there are no targets. Without a PROTOCOL, it is the one that
    `exporter` speaks; where that speaks both, port 4317 means grpc and any other http/protobuf. A signal whose OTEL_*_EXPORTER has no OTLP exporter is left out,
    unless nothing would be left.

    A variable whose value has no meaning fails the target of whose exporter it is; an endpoint that
    cannot be read, or a protocol that only some SDKs speak, is an error. The other signals go on.

    Args:
        environ: The variables.
        exporter: Whose verdict counts, by its id.
        origin: The file that they were read from, where they are not a process's own.
        runtime_known: Whether no finding says what the variables would be to another exporter.
    """
    origin = replace(
        origin,
        runtime_known=runtime_known or origin.runtime_known,
        java=exporter in {runtime.id for runtime in JAVA},
    )
    exported = tuple(signal for signal in SIGNALS if exports_otlp(environ, signal))
    spoken = RUNTIMES_BY_ID[exporter].protocols
    only = next((one for one in PROTOCOLS if spoken == (one,)), origin.default_protocol)
    found = _read_signals(environ, exported, only, origin)
    if not (found.targets or found.errors):
        found = _read_signals(environ, SIGNALS, only, origin)
    if found.targets or found.errors:
        return found
    return SourceContent(empty=_explain_unset(environ, origin))


def _explain_unset(environ: Mapping[str, str], origin: Origin) -> str:
    names = [origin.spell(variable_name("ENDPOINT", signal)) for signal in (None, *SIGNALS)]
    text = (
        f"neither {names[0]} nor one of {', '.join(names[1:])} is set, and the default of SDKs, "
        "localhost, is not probed"
    )
    for variable in sorted(environ):
        name = origin.spell(variable)
        near = find_nearest(name, names) if "ENDPOI" in variable and environ[variable] else None
        if near is not None and name not in names:
            text += f"; {safe_text(name)} is set: was {near} meant?"
            break
    text += f"; set {names[0]} to the backend, like https://collector:4317"
    return f"{text}, or name a file with --config" if origin.is_environment else text


def _read_signals(
    environ: Mapping[str, str], signals: Sequence[Signal], only: Protocol | None, origin: Origin
) -> SourceContent:
    """Return the targets of `signals`; `only` is what the exporter speaks where it speaks one."""
    errors: dict[ConfigurationError, None] = {}

    def read(signal: Signal | None) -> _Exporter | None:
        try:
            return _read_exporter(environ, signal, only, origin)
        except ConfigurationError as error:
            errors[error] = None
            return None

    generic = read(None) if get_value(environ, "ENDPOINT") else None
    shared: dict[Signal, _Exporter] = {}
    own: list[Target] = []
    for signal in signals:
        if not find_setting(environ, signal, "ENDPOINT")[1]:
            continue
        exporter = read(signal)
        if exporter is None:
            continue
        if exporter == generic:
            shared[signal] = exporter
        else:
            own.append(_make_target(f"sdk-{signal}", {signal: exporter}, environ, only, origin))
    if shared:
        own.insert(0, _make_target("sdk", shared, environ, only, origin))
    if origin.java:
        # What Java refuses of one exporter keeps the whole SDK from starting.
        exported = [signal for signal in signals if exports_otlp(environ, signal)]
        strict = tuple(_check_as_java(environ, exported, only, origin))
        own = [add_faults(target, strict) for target in own]
    return SourceContent(targets=tuple(own), errors=tuple(errors))


def _check_as_java(
    environ: Mapping[str, str], signals: Sequence[Signal], only: Protocol | None, origin: Origin
) -> Iterator[ConfigurationError]:
    found: dict[tuple[str, str], None] = {}
    for signal in signals:
        found |= dict.fromkeys(find_java_faults(environ, signal, only))
    for variable, reason in found:
        yield _error(origin, variable, reason)


@dataclass(frozen=True, slots=True)
class _Exporter:
    """What the variables say about the exporter of one signal; `base` gets the signal's path."""

    endpoint: Endpoint
    base: bool
    protocol: Protocol
    tls: TlsSettings
    headers: Headers
    faults: tuple[ConfigurationError, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By setting, the variable that decides; it does not count when exporters are compared."""


def _make_target(
    name: str,
    exporters: Mapping[Signal, _Exporter],
    environ: Mapping[str, str],
    only: Protocol | None,
    origin: Origin,
) -> Target:
    """Return the target of `exporters`, which are equal; the first one's signal is exported."""
    signals = tuple(exporters)
    signal, exporter = next(iter(exporters.items()))
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
        sources=(origin.source,),
        remarks=find_traps(
            environ, signals, exporter.protocol, endpoint, runtime_known=origin.runtime_known
        ),
        notes=tuple(dict.fromkeys(_note_choices(environ, signals, exporter, only, origin))),
        signal_variables=tuple(_find_signal_variables(exporters.values(), origin)),
    )
    return add_faults(*apply_proxy(target, exporter.faults, environ))


def _find_signal_variables(
    exporters: Collection[_Exporter], origin: Origin
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each setting that some signal's own variable decides, with all that then decide it.

    What is read from a file has the names that it has there, and all of them.
    """
    for name, general in GENERAL_VARIABLES.items():
        deciding = tuple(dict.fromkeys(exporter.variables[name] for exporter in exporters))
        if deciding != (general,) or not origin.is_environment:
            yield name, tuple(map(origin.spell, deciding))


def _note_choices(
    environ: Mapping[str, str],
    signals: Sequence[Signal],
    exporter: _Exporter,
    only: Protocol | None,
    origin: Origin,
) -> Iterator[str]:
    """Say which signals are left out, and which protocol was chosen where no variable names one."""
    for signal in SIGNALS:
        if signal not in signals and not exports_otlp(environ, signal):
            yield f"{origin.spell(exporter_variable(signal))} has no OTLP exporter: {signal} are not probed"
    for signal in signals:
        if find_setting(environ, signal, "PROTOCOL")[1]:
            continue
        names = origin.spell(variable_name("PROTOCOL"))
        if len(signals) == 1:
            names = f"neither {origin.spell(variable_name('PROTOCOL', signal))} nor {names} is"
        else:
            names += " is not"
        if only is not None and only == origin.default_protocol:
            yield f"{names} set: {only} is taken, the default of {origin.reader}"
            continue
        if only is not None:
            yield f"{names} set: {only} is taken, the one protocol of this exporter"
            continue
        by = f"port {_GRPC_PORT} means grpc, and any other http/protobuf"
        yield (
            f"{names} set: {exporter.protocol} is taken because of port {exporter.endpoint.port} "
            f"({by}); SDKs differ in their default"
        )


def _read_exporter(
    environ: Mapping[str, str], signal: Signal | None, only: Protocol | None, origin: Origin
) -> _Exporter:
    """Read the variables of `signal`, or the generic ones alone.

    Raises:
        ConfigurationError: where the endpoint cannot be read, or JSON is sent to it.
    """
    where, text = find_setting(environ, signal, "ENDPOINT")
    try:
        endpoint = Endpoint.parse(text)
    except ValueError as error:
        raise _error(origin, where, str(error), found=text) from None
    faults: list[ConfigurationError] = []
    protocol = _read_protocol(environ, signal, endpoint, faults, only, origin)
    if not endpoint.scheme:
        if protocol == "http/protobuf" and not origin.java:
            reason = (
                f"an endpoint for http/protobuf begins with http:// or https://; for gRPC on this"
                f" port set {origin.spell(find_setting(environ, signal, 'PROTOCOL')[0])}=grpc"
            )
            faults.append(_error(origin, where, reason, found=text))
        insecure = find_setting(environ, signal, "INSECURE")[1].lower() == "true"
        endpoint = replace(endpoint, scheme="http" if insecure else "https")
    return _Exporter(
        endpoint=endpoint,
        base=where == variable_name("ENDPOINT"),
        protocol=protocol,
        tls=_read_tls(environ, signal, origin, insecure=endpoint.scheme == "http"),
        headers=_read_headers(environ, signal, faults, origin, grpc=protocol == "grpc"),
        faults=tuple(faults),
        variables=variables_by_setting(environ, signal),
    )


def _read_protocol(
    environ: Mapping[str, str],
    signal: Signal | None,
    endpoint: Endpoint,
    faults: list[ConfigurationError],
    only: Protocol | None,
    origin: Origin,
) -> Protocol:
    where, text = find_setting(environ, signal, "PROTOCOL")
    for protocol in PROTOCOLS:
        if text == protocol:
            return protocol
    if text == "http/json":
        # Some SDKs speak it (JavaScript's), so their configuration is not at fault.
        reason = "names a protocol that this probe does not speak, so that nothing is probed for it"
        raise _error(origin, where, reason, found=text, allowed=PROTOCOLS)
    if text and not origin.java:
        faults.append(_error(origin, where, "is unknown", found=text, allowed=PROTOCOLS))
    return only or ("grpc" if endpoint.port == _GRPC_PORT else "http/protobuf")


def _read_tls(
    environ: Mapping[str, str], signal: Signal | None, origin: Origin, *, insecure: bool
) -> TlsSettings:
    """Read file names; a certificate and its key come from the same kind of variables."""
    if origin.java:
        return read_java_tls(environ, signal, insecure=insecure)
    kind = pair_kind(environ, signal)
    certificate, key = (get_value(environ, half, kind) for half in TLS_NAMES[1:])
    return TlsSettings(
        ca_file=find_setting(environ, signal, "CERTIFICATE")[1] or None,
        cert_file=certificate or None,
        key_file=key or None,
        insecure=insecure,
    )


def _read_headers(
    environ: Mapping[str, str],
    signal: Signal | None,
    faults: list[ConfigurationError],
    origin: Origin,
    *,
    grpc: bool,
) -> Headers:
    where, text = find_setting(environ, signal, "HEADERS")
    try:
        if origin.java:
            return read_java_headers(environ, signal, grpc=grpc)
        return parse_headers(text, grpc=grpc)
    except ValueError as error:
        faults.append(_error(origin, where, str(error)))
        return ()


def _error(
    origin: Origin,
    name: str,
    reason: str,
    *,
    found: str | None = None,
    allowed: tuple[str, ...] = (),
) -> ConfigurationError:
    near = find_nearest(found or "", allowed)
    return ConfigurationError(
        reason,
        file=origin.file,
        line=origin.lines.get(name),
        key=origin.spell(name),
        found=found,
        allowed=allowed,
        nearest=near,
    )
