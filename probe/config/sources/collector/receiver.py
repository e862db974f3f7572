"""Which certificate files the OTLP receivers of a Collector serve, and where they listen.

Pure but for the files that references name. With it the certificate that a Collector on this host
serves can be compared with the one on its disk.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from probe.config.duration import go_seconds
from probe.config.errors import ConfigurationError
from probe.config.expand import Expanded
from probe.config.sources.collector.authentication import Warn
from probe.config.sources.collector.merge import CollectorFiles, component_type, opened
from probe.model.target import Endpoint, Protocol

DEFAULTS: Final[tuple[tuple[str, Protocol, str], ...]] = (
    ("grpc", "grpc", "localhost:4317"),
    ("http", "http/protobuf", "localhost:4318"),
)
"""Each protocol of the receiver, with the endpoint that it has where none is set."""

_ANY_HOST: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # read, not bound
_LISTEN: Final = re.compile(r"(?:\[(.*)\]|([^:]*)):([0-9]{1,5})", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCertificate:
    """A certificate that a receiver serves: where, from which files, and how often it is re-read."""

    receiver: str
    endpoint: Endpoint
    protocol: Protocol
    cert_file: str
    key_file: str | None = None
    client_ca_file: str | None = None
    reload_interval: float | None = None
    """Seconds; None: the certificate and its key are never read again."""
    client_ca_file_reload: bool = False


def served_certificates(
    files: CollectorFiles, receivers: frozenset[str], warn: Warn
) -> tuple[ServedCertificate, ...]:
    """Return what the OTLP receivers serve whose ids are in `receivers`.

    A receiver that cannot be read is a warning: exporters do not depend on it.
    """
    served: list[ServedCertificate] = []
    try:
        for name, key in files.components("receivers").items():
            if component_type(name) == "otlp" and name in receivers:
                served += _of_receiver(name, files.value("receivers", key))
    except ConfigurationError as error:
        warn(f"the receivers cannot be read: {error.reason}")
    return tuple(served)


def _of_receiver(name: str, value: Any) -> list[ServedCertificate]:
    protocols = _mapping(_mapping(value).get("protocols"))
    served = []
    for key, protocol, default in DEFAULTS:
        if key not in protocols:
            continue
        settings = _mapping(protocols[key])
        tls = _mapping(settings.get("tls"))
        endpoint = _endpoint(_text(settings.get("endpoint")) or default)
        cert_file = _text(tls.get("cert_file"))
        if endpoint is None or not cert_file or _text(settings.get("transport")) == "unix":
            continue
        served.append(
            ServedCertificate(
                receiver=name,
                endpoint=endpoint,
                protocol=protocol,
                cert_file=cert_file,
                key_file=_text(tls.get("key_file")) or None,
                client_ca_file=_text(tls.get("client_ca_file")) or None,
                reload_interval=_seconds(tls.get("reload_interval")),
                client_ca_file_reload=opened(tls.get("client_ca_file_reload")) is True,
            )
        )
    return served


def _mapping(value: Any) -> dict[str, Any]:
    value = opened(value)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, Expanded):
        return value.text
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> float | None:
    try:
        return go_seconds(_text(value)) or None
    except ValueError:
        return None


def _endpoint(text: str) -> Endpoint | None:
    listen = _LISTEN.fullmatch(text)
    if listen is None:
        return None
    host = listen[1] or listen[2] or ""
    host = _ANY_HOST.get(host, host)
    try:
        return Endpoint.parse(f"[{host}]:{listen[3]}" if ":" in host else f"{host}:{listen[3]}")
    except ValueError:
        return None
