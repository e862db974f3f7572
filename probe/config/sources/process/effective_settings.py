"""The variables that a recognised SDK works by: what is set, and its own defaults where nothing is.

Pure. What is added is what that SDK would do; a note says so. Whether a proxy of the environment
counts depends on the runtime: Java has properties for it, and some HTTP clients have nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.config.sources.process.recognised import Recognised
from probe.config.sources.sdk.variables import (
    PREFIX,
    exporter_variable,
    exports_otlp,
    get_value,
    variable_name,
)
from probe.model.runtime import COLLECTOR, find_sibling
from probe.model.target import SIGNALS, Protocol

_PROXIES: Final = ("HTTPS_PROXY", "https_proxy")
_PORTS: Final[dict[Protocol, int]] = {"grpc": 4317, "http/protobuf": 4318}


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What to read in place of the environment."""

    environ: Mapping[str, str]
    exporter: str
    notes: tuple[str, ...] = ()


def choose_settings(found: Recognised, fallback: str) -> EffectiveSettings:
    """Return the variables of `found` with what its SDK does where they say nothing.

    Args:
        found: What is known of the process.
        fallback: Whose verdict counts where no model is that of the process.
    """
    environ = dict(found.settings)
    notes: list[str] = []
    protocol = _choose_protocol(found, environ, notes)
    exporter = _choose_exporter(found, environ, fallback, notes)
    if found.sdk:
        notes += _set_default_endpoint(found, environ, protocol)
    _choose_proxy(found, environ)
    return EffectiveSettings(environ, exporter, tuple(notes))


def has_endpoint(environ: Mapping[str, str]) -> bool:
    """Return whether a variable names an endpoint."""
    return any(get_value(environ, "ENDPOINT", signal) for signal in (None, *SIGNALS))


def _choose_protocol(found: Recognised, environ: dict[str, str], notes: list[str]) -> Protocol:
    """Set the protocol where the SDK does not leave it to a variable, and return the general one."""
    name = variable_name("PROTOCOL")
    for signal, protocol in found.signal_protocols.items():
        environ[variable_name("PROTOCOL", signal)] = protocol
        notes.append(f"{exporter_variable(signal)} names an exporter of {protocol}")
    text = get_value(environ, "PROTOCOL")
    if found.only_protocol is not None:
        for signal in SIGNALS:
            own = variable_name("PROTOCOL", signal)
            if environ.pop(own, ""):
                notes.append(f"{own} has no effect: its exporter speaks {found.only_protocol}")
        if text and text != found.only_protocol:
            notes.append(f"{name} has no effect: its exporter speaks {found.only_protocol}")
        notes.append(f"{found.only_protocol} is taken: {found.protocol_by}")
        environ[name] = found.only_protocol
        return found.only_protocol
    if text:
        return "grpc" if text == "grpc" else "http/protobuf"
    if found.protocol is not None and any(not get_value(environ, "PROTOCOL", s) for s in SIGNALS):
        environ[name] = found.protocol
        notes.append(f"{name} is not set: {found.protocol} is taken, {_say_why(found)}")
    return found.protocol or "http/protobuf"


def _say_why(found: Recognised) -> str:
    return found.protocol_by or f"the default of {found.runtime}'s SDK"


def _choose_exporter(
    found: Recognised, environ: Mapping[str, str], fallback: str, notes: list[str]
) -> str:
    if found.runtime:
        notes.insert(0, f"the process is recognised as {found.runtime}: {found.by}")
        if found.sdk:
            notes.insert(1, f"its SDK: {found.sdk}")
    else:
        notes.insert(0, "nothing shows which runtime the process has")
    if not found.exporter:
        notes.insert(
            1, f"the probe has no model of its exporters, so files are judged as by {fallback}"
        )
        return fallback
    protocol = get_value(environ, "PROTOCOL")
    sibling = find_sibling(found.exporter, protocol) if protocol else found.exporter
    return found.exporter if sibling == COLLECTOR.id else sibling


def _set_default_endpoint(
    found: Recognised, environ: dict[str, str], protocol: Protocol
) -> Iterator[str]:
    """Set what the SDK connects to where no variable names an endpoint.

    Where everything is exported without the program's doing, signals without a variable of their
    own go there too; elsewhere nothing shows that there is an exporter of them.
    """
    general = variable_name("ENDPOINT")
    if environ.get(general, "").strip():
        return
    if has_endpoint(environ):
        if not found.zero_code:
            return
        open_signals = [
            signal
            for signal in SIGNALS
            if exports_otlp(environ, signal) and not get_value(environ, "ENDPOINT", signal)
        ]
        if not open_signals:
            return
    elif not any(exports_otlp(environ, signal) for signal in SIGNALS):
        return
    scheme = "https" if found.secure and not _is_insecure(environ) else "http"
    endpoint = f"{scheme}://localhost:{_PORTS[protocol]}"
    environ[general] = endpoint
    yield f"{general} is not set: {endpoint} is the default of its SDK"


def _is_insecure(environ: Mapping[str, str]) -> bool:
    return environ.get(f"{PREFIX}INSECURE", "").strip().lower() == "true"


def _choose_proxy(found: Recognised, environ: dict[str, str]) -> None:
    """Leave out a proxy that this runtime does not ask; Java's is named by properties."""
    if found.runtime == "Java" or found.exporter in {"node-http", "rust-tonic"}:
        for name in _PROXIES:
            environ.pop(name, None)
    if found.proxy:
        environ["HTTPS_PROXY"] = found.proxy
        environ["NO_PROXY"] = found.no_proxy
