"""Which certificate files the OTLP receivers of a Collector serve, and where they listen.

Pure but for the files that references name. With it the certificate that a Collector on this host
serves can be compared with the one on its disk.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from probe.config.duration import go_seconds
from probe.config.errors import ConfigurationError, UnknownSettingError
from probe.config.sources.collector.authentication import Warn
from probe.config.sources.collector.merge import CollectorFiles, component_type
from probe.config.yaml_document import Expanded, unwrap
from probe.model.target import Endpoint, ServerCertificateFile, Target
from probe.text.host_port import join_host_port, split_host_port

DEFAULTS: Final = {"grpc": "localhost:4317", "http": "localhost:4318"}
"""Each protocol of the receiver, with the endpoint that it has where none is set."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_HOST: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # read, not bound


@dataclass(frozen=True, slots=True)
class ServedCertificate:
    """A certificate that a receiver serves: where, and from which file."""

    endpoint: Endpoint
    file: ServerCertificateFile


def find_served_certificates(
    files: CollectorFiles, receivers: frozenset[str], warn: Warn
) -> tuple[ServedCertificate, ...]:
    """Return what the OTLP receivers serve whose ids are in `receivers`.

    A receiver that cannot be read is a warning: exporters do not depend on it.
    """
    served: list[ServedCertificate] = []
    try:
        for name, key in files.components("receivers").items():
            if component_type(name) == "otlp" and name in receivers:
                where = files.document.file
                served += _read_receiver(name, where, files.value("receivers", key))
    except ConfigurationError as error:
        warn(f"the receivers cannot be read: {error.reason}")
    except UnknownSettingError:
        return ()
    return tuple(served)


def _read_receiver(name: str, where: str, value: Any) -> list[ServedCertificate]:
    protocols = _as_mapping(_as_mapping(value).get("protocols"))
    served = []
    for key, default in DEFAULTS.items():
        settings = _as_mapping(protocols.get(key))
        tls = _as_mapping(settings.get("tls"))
        endpoint = _parse_endpoint(_as_text(settings.get("endpoint")) or default)
        cert_file = _as_text(tls.get("cert_file"))
        if endpoint and cert_file and _as_text(settings.get("transport")) != "unix":
            file = ServerCertificateFile(
                cert_file,
                receiver=name,
                reload_interval=_as_seconds(tls.get("reload_interval")),
                settings_file=where,
                key_file=_as_text(tls.get("key_file")),
                client_ca_file=_as_text(tls.get("client_ca_file")),
                client_ca_file_reload=unwrap(tls.get("client_ca_file_reload")) is True,
            )
            served.append(ServedCertificate(endpoint, file))
    return served


def _as_mapping(value: Any) -> dict[str, Any]:
    value = unwrap(value)
    return value if isinstance(value, dict) else {}


def _as_text(value: Any) -> str:
    if isinstance(value, Expanded):
        return value.text
    return value if isinstance(value, str) else ""


def _as_seconds(value: Any) -> float | None:
    try:
        return go_seconds(_as_text(value)) or None
    except ValueError:
        return None


def _parse_endpoint(text: str) -> Endpoint | None:
    host, port = split_host_port(text)
    # Go's net.Listen takes no blank around a port, which Endpoint.parse would strip.
    if not (port.isascii() and port.isdecimal()):
        return None
    try:
        return Endpoint.parse(join_host_port(_ANY_HOST.get(host, host), port))
    except ValueError:
        return None


def assign_served_files(
    targets: Iterable[Target], served: Iterable[ServedCertificate], hostname: str = ""
) -> tuple[Target, ...]:
    """Name to each target the file that its backend's certificate is read from.

    A target is a receiver's where the port is the receiver's and the host is this one: a name of
    loopback, `hostname`, or the very host that the receiver listens on. Behind a proxy, where the
    user has named a file, and for an exporter in a process or container, whose loopback may be another
    one, nothing is added.
    """
    by_port: dict[int, list[ServedCertificate]] = {}
    for one in served:
        by_port.setdefault(one.endpoint.port, []).append(one)
    if not by_port:
        return tuple(targets)
    return tuple(_assign_file(target, by_port, hostname.lower()) for target in targets)


def _assign_file(target: Target, by_port: dict[int, list[ServedCertificate]], name: str) -> Target:
    if target.server_certificate_file or target.proxy_url or target.plaintext or target.runs_in:
        return target
    host = target.endpoint.host.lower()
    here = host in _LOOPBACK or bool(name and host == name)
    for one in by_port.get(target.endpoint.port, ()):
        listens = one.endpoint.host.lower()
        if host == listens or (here and listens in _LOOPBACK):
            return replace(target, server_certificate_file=one.file)
    return target
