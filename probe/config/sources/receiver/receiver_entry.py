"""One entry of `receivers` becomes what is known of each protocol that it serves.

Pure but for the files that references name. Follows otlpreceiver's and otelarrowreceiver's
configuration (v0.162.0); of other receivers, what has TLS settings of a server.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.sources.collector.merge import CollectorFiles, component_type
from probe.config.sources.receiver.listening import Listener, parse_listener
from probe.config.sources.receiver.receiver_tls import read_server_tls
from probe.config.yaml_document import Expanded, unwrap
from probe.model.collector_receiver import Receiver
from probe.model.target import SIGNALS, Signal, TlsSettings
from probe.text.safe_text import safe_text

PROTOCOLS: Final[Mapping[str, Mapping[str, str]]] = {
    "otlp": {"grpc": "localhost:4317", "http": "localhost:4318"},
    "otelarrow": {"grpc": "localhost:4317"},
}
"""By type, each protocol of a receiver that takes OTLP, with what it listens on by default."""
_ALWAYS_ON: Final = frozenset({"otelarrow"})
"""Types whose protocols are there without being named."""
_UNUSED: Final = "no pipeline uses it, so the Collector does not start it"


@dataclass(frozen=True, slots=True)
class ReadReceiver:
    """One protocol of one receiver, as far as it could be read."""

    receiver: Receiver
    signals: tuple[str, ...]
    """What begins the ids of the pipelines that use it; none: the Collector does not start it."""
    listener: Listener | None = None
    """None where it listens on nothing that can be connected to."""
    unprobed: str = ""
    """Why it is not probed; empty where it is."""
    auth: str = ""
    """The authenticator that it asks for more than a certificate, by its id."""
    path: str = ""
    """OTLP/HTTP: the path that takes the signal's requests, where it is not the usual one."""
    errors: tuple[ConfigurationError, ...] = ()
    """What keeps it, and so its Collector, from starting."""


def read_receiver(
    name: str, key: str, files: CollectorFiles, signals: tuple[str, ...]
) -> Iterator[ReadReceiver]:
    """Yield each protocol of the receiver `name`, as far as it can be read.

    Args:
        name: Its id.
        key: Its key in the file.
        files: The configuration.
        signals: What begins the ids of the pipelines that use it.
    """
    at = files.at["receivers"][key]
    kind = component_type(name)
    blank = Receiver(id=name, protocol="", listens="", settings_file=files.document.file)
    try:
        settings = _as_mapping(files.value("receivers", key))
    except ConfigurationError as error:
        if kind in PROTOCOLS:
            for protocol, default in PROTOCOLS[kind].items():
                receiver = replace(blank, protocol=protocol, listens=default)
                yield ReadReceiver(receiver, signals, errors=(error,))
        return
    protocols = settings.get("protocols")
    if kind not in PROTOCOLS:
        yield from _read_other(blank, settings, at, signals)
        return
    named = _as_mapping(protocols)
    if kind not in _ALWAYS_ON and not any(protocol in named for protocol in PROTOCOLS[kind]):
        receiver = replace(blank, protocol=next(iter(PROTOCOLS[kind])), where=_place(at))
        reason = f"is without a protocol that it takes: {' or '.join(PROTOCOLS[kind])}"
        yield ReadReceiver(
            receiver,
            signals,
            unprobed="" if signals else _UNUSED,
            errors=(at["protocols"].error(reason),),
        )
        return
    for protocol, default in PROTOCOLS[kind].items():
        if protocol not in named and kind not in _ALWAYS_ON:
            continue
        receiver = replace(blank, protocol=protocol, listens=default)
        yield _read_protocol(receiver, named.get(protocol), at["protocols"][protocol], signals)


def _read_other(
    blank: Receiver, settings: Mapping[str, Any], at: Location, signals: tuple[str, ...]
) -> Iterator[ReadReceiver]:
    """Yield what of a receiver of another protocol has TLS settings: its files are judged alone."""
    nested = _as_mapping(settings.get("protocols"))
    parts = {"": (settings, at)} | {
        key: (_as_mapping(value), at["protocols"][key]) for key, value in nested.items()
    }
    for protocol, (part, location) in parts.items():
        listens = _as_text(part.get("endpoint"))
        if not isinstance(unwrap(part.get("tls")), dict) or not listens:
            continue
        receiver = replace(blank, protocol=protocol or component_type(blank.id), listens=listens)
        read = _read_protocol(receiver, part, location, signals)
        if read.receiver.tls is not None and not read.errors:
            # A key that only clients have shows that this is one: a scraper's settings.
            yield replace(read, unprobed="it takes no OTLP, so it is not probed")


def _read_protocol(
    receiver: Receiver, value: Any, at: Location, signals: tuple[str, ...]
) -> ReadReceiver:
    settings = _as_mapping(value)
    listens = _as_text(settings.get("endpoint")) or receiver.listens
    receiver = replace(receiver, listens=safe_text(listens), where=_place(at))
    read = ReadReceiver(
        receiver,
        signals,
        unprobed="" if signals else _UNUSED,
        auth=_as_text(_as_mapping(settings.get("auth")).get("authenticator")),
    )
    errors: list[ConfigurationError] = []
    if _as_text(settings.get("transport")) == "unix":
        shown = "it listens on a Unix socket, so it is not probed"
        read = replace(read, unprobed=read.unprobed or shown)
    else:
        try:
            where = _place(at["endpoint"])
            listener = at["endpoint"].parse(
                lambda text: parse_listener(at.key, where, text), listens
            )
            read = replace(read, listener=listener)
            if not listener.port:
                shown = "it listens on a port that the system chooses, so it is not probed"
                read = replace(read, unprobed=read.unprobed or shown)
        except ConfigurationError as error:
            errors.append(error)
    if receiver.protocol == "http" and (signal := choose_signal(signals)):
        path = _as_text(settings.get(f"{signal}_url_path"))
        read = replace(read, path=path if not path or path.startswith("/") else f"/{path}")
    try:
        read = replace(read, receiver=read_server_tls(receiver, settings.get("tls"), at["tls"]))
    except ConfigurationError as error:
        errors.append(error)
        read = replace(read, receiver=_guess_tls(receiver, _as_mapping(settings.get("tls"))))
    return replace(read, errors=tuple(errors))


def _guess_tls(receiver: Receiver, settings: Mapping[str, Any]) -> Receiver:
    """Return `receiver` with the files of settings that have an error, so that they are judged too."""
    files = {
        key: _as_text(settings.get(key)) or None for key in ("cert_file", "key_file", "ca_file")
    }
    return replace(
        receiver,
        tls=TlsSettings(**files),  # type: ignore[arg-type]  # each is the path of a file
        client_ca_file=_as_text(settings.get("client_ca_file")),
    )


def choose_signal(signals: Sequence[str]) -> Signal | None:
    """Return the first signal of `signals` that has a stable OTLP service."""
    return next((signal for signal in SIGNALS if signal in signals), None)


def _place(location: Location) -> str:
    return safe_text(f"{location.document.file_of(location.path)}:{location.line}", 1024)


def _as_mapping(value: Any) -> dict[str, Any]:
    value = unwrap(value)
    return value if isinstance(value, dict) else {}


def _as_text(value: Any) -> str:
    if isinstance(value, Expanded):
        return value.text
    return value if isinstance(value, str) else ""
