"""The OTLP exporters of Spring Boot's actuator: `management.*`, with `spring.ssl.bundle.*`. Pure.

Follows the configuration metadata of Spring Boot 3.5 and 4.1. An endpoint is used as it is; without
one there is no exporter of spans or logs, and that of metrics goes to localhost, which is not probed.
Certificates come from a bundle, which versions before 4.1 do not give to an exporter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.config.check_settings import header_fault
from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent, add_faults
from probe.config.sources.sdk.spring.config_data import Name, Setting, make_uniform, split_name
from probe.model.target import Endpoint, Protocol, Secret, Signal, Source, Target, TlsSettings

_TRANSPORTS: Final[dict[str, Protocol]] = {"http": "http/protobuf", "grpc": "grpc"}
_PEM: Final = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class _Export:
    """The names of one signal's exporter; the later prefixes are of older versions."""

    signal: Signal
    prefixes: tuple[str, ...]
    endpoint: str
    switches: tuple[str, ...]
    """What turns it off where it is false."""


_EXPORTS: Final = (
    _Export(
        "traces",
        ("management.opentelemetry.tracing.export.otlp", "management.otlp.tracing"),
        "endpoint",
        (
            *("management.tracing.enabled", "management.tracing.export.enabled"),
            *("management.tracing.export.otlp.enabled", "management.otlp.tracing.export.enabled"),
        ),
    ),
    _Export(
        "metrics",
        ("management.otlp.metrics.export",),
        "url",
        ("management.otlp.metrics.export.enabled", "management.defaults.metrics.export.enabled"),
    ),
    _Export(
        "logs",
        ("management.opentelemetry.logging.export.otlp", "management.otlp.logging"),
        "endpoint",
        (
            *("management.logging.export.enabled", "management.logging.export.otlp.enabled"),
            "management.otlp.logging.export.enabled",
        ),
    ),
)
_TRACES_AND_LOGS_OFF: Final = "management.opentelemetry.enabled"


def read_actuator(
    settings: Mapping[Name, Setting], faults: Mapping[Name, ConfigurationError], file: str
) -> SourceContent:
    """Return a target for each signal with an endpoint."""
    targets: list[Target] = []
    errors: list[ConfigurationError] = []
    for export in _EXPORTS:
        for prefix in export.prefixes:
            key = make_uniform(f"{prefix}.{export.endpoint}")
            if key in faults:
                errors.append(faults[key])
                break
            if key not in settings or not settings[key].text.strip():
                continue
            if not _is_off(settings, export):
                try:
                    targets.append(_make_target(settings, faults, export, prefix, file))
                except ConfigurationError as error:
                    errors.append(error)
            break
    return SourceContent(targets=tuple(targets), errors=tuple(errors))


def _is_off(settings: Mapping[Name, Setting], export: _Export) -> bool:
    names = export.switches
    if export.signal != "metrics":
        names = (*names, _TRACES_AND_LOGS_OFF)
    found = (settings.get(make_uniform(name)) for name in names)
    return any(one is not None and one.text.strip().lower() == "false" for one in found)


def _make_target(
    settings: Mapping[Name, Setting],
    faults: Mapping[Name, ConfigurationError],
    export: _Export,
    prefix: str,
    file: str,
) -> Target:
    own = settings[make_uniform(f"{prefix}.{export.endpoint}")]
    try:
        endpoint = Endpoint.parse(own.text.strip())
    except ValueError as error:
        raise own.error(str(error), found=own.text) from None
    if not endpoint.scheme:
        raise own.error("must begin with http:// or https://", found=own.text)
    base = make_uniform(prefix)
    wrong = [fault for name, fault in faults.items() if name[: len(base)] == base]
    protocol: Protocol = "http/protobuf"
    transport = settings.get(make_uniform(f"{prefix}.transport"))
    if transport is not None and export.signal != "metrics":
        if transport.text.strip().lower() in _TRANSPORTS:
            protocol = _TRANSPORTS[transport.text.strip().lower()]
        else:
            wrong.append(transport.error("is unknown: allowed are http and grpc", transport.text))
    headers: list[tuple[str, Secret]] = []
    for name, value in _list_headers(settings, make_uniform(f"{prefix}.headers")):
        if fault := header_fault(name, value.text, grpc=protocol == "grpc"):
            wrong.append(value.error(fault))
        else:
            headers.append((name, Secret(value.text)))
    named: dict[str, tuple[str, ...]] = {
        "endpoint": (own.written,),
        "headers": (f"{prefix}.headers",),
        "protocol": (f"{prefix}.transport",),
    }
    tls = TlsSettings(insecure=endpoint.scheme == "http")
    if (bundle := settings.get(make_uniform(f"{prefix}.ssl.bundle"))) is not None:
        tls = _read_bundle(settings, faults, bundle, tls, named)
    if not endpoint.path and protocol == "http/protobuf":
        endpoint = Endpoint(endpoint.host, endpoint.port, scheme=endpoint.scheme, path="/")
    target = Target(
        name=f"sdk-{export.signal}",
        endpoint=endpoint,
        protocol=protocol,
        signal=export.signal,
        tls=tls,
        headers=tuple(headers),
        sources=(Source("sdk", file),),
        signal_variables=tuple(named.items()),
    )
    return add_faults(target, wrong)


def _list_headers(settings: Mapping[Name, Setting], prefix: Name) -> Iterator[tuple[str, Setting]]:
    for name, setting in settings.items():
        if name[: len(prefix)] == prefix and len(name) > len(prefix):
            yield ".".join(split_name(setting.written)[len(prefix) :]), setting


def _read_bundle(
    settings: Mapping[Name, Setting],
    faults: Mapping[Name, ConfigurationError],
    bundle: Setting,
    tls: TlsSettings,
    named: dict[str, tuple[str, ...]],
) -> TlsSettings:
    """Return the files of a PEM bundle, and name the settings that they come from.

    Raises:
        ConfigurationError: for a bundle that is missing, or that the probe cannot read.
    """
    name = bundle.text.strip()
    base = (*make_uniform("spring.ssl.bundle.pem"), *make_uniform(name))
    broken = next((fault for key, fault in faults.items() if key[: len(base)] == base), None)
    if broken is not None:
        raise broken
    if any(key[: len(base)] == base for key in settings):
        found: dict[str, str] = {}
        for role, end in (
            ("cert", "keystore.certificate"),
            ("key", "keystore.private-key"),
            ("ca", "truststore.certificate"),
        ):
            setting = settings.get((*base, *make_uniform(end)))
            if setting is None or not setting.text.strip():
                continue
            kind = "pem" if setting.text.lstrip().startswith(_PEM) else "file"
            found[f"{role}_{kind}"] = setting.text if kind == "pem" else _find_path(setting)
            named[f"{role}_file"] = (setting.written,)
        return TlsSettings(
            ca_file=found.get("ca_file"),
            ca_pem=found.get("ca_pem"),
            cert_file=found.get("cert_file"),
            cert_pem=found.get("cert_pem"),
            key_file=found.get("key_file"),
            key_pem=Secret(found["key_pem"]) if "key_pem" in found else None,
            insecure=tls.insecure,
        )
    stores = (*make_uniform("spring.ssl.bundle.jks"), *make_uniform(name))
    if any(key[: len(stores)] == stores for key in settings):
        reason = (
            "names a bundle of Java keystores, which the probe does not read, so that nothing is "
            "probed for it; give the certificates as PEM, with spring.ssl.bundle.pem"
        )
        raise bundle.error(reason, found=name)
    raise bundle.error(
        "names a bundle that spring.ssl.bundle has not: the application does not start", found=name
    )


def _find_path(setting: Setting) -> str:
    """Return the path of a resource's location.

    Raises:
        ConfigurationError: where it is within the application, or elsewhere.
    """
    location = setting.text.strip()
    if location.startswith("file:"):
        path = location.removeprefix("file:")
        return f"/{path.lstrip('/')}" if path.startswith("//") else path
    scheme, colon, _ = location.partition(":")
    if colon and "/" not in scheme:
        reason = (
            f"is a {scheme}: resource, which the probe cannot read, so that nothing is probed for "
            "it; put it in a file"
        )
        raise setting.error(reason)
    return location
