"""The `OTEL_EXPORTER_OTLP_*` variables: which one decides, and how a list of headers is written.

Pure. Follows the specification "OpenTelemetry Protocol Exporter": a per-signal variable comes
before the generic one, and an empty variable is one that is not set. Whether there is an OTLP
exporter at all is said by `OTEL_*_EXPORTER` ("OpenTelemetry Environment Variable Specification").
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from probe.config.check_settings import header_fault
from probe.model.target import GENERAL_VARIABLES, Secret, Signal

PREFIX: Final = "OTEL_EXPORTER_OTLP_"
TLS_NAMES: Final = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
"""The variables that name files, without prefix and signal."""

_OTLP: Final = {"otlp", "otlp_proto_grpc", "otlp_proto_http"}
"""How an OTLP exporter is called; the longer names are Python's."""

Headers = tuple[tuple[str, Secret], ...]


def get_value(environ: Mapping[str, str], name: str, signal: Signal | None = None) -> str:
    """Return the value of one variable, without fallback; empty where it is not set."""
    return environ.get(variable_name(name, signal), "").strip()


def variable_name(name: str, signal: Signal | None = None) -> str:
    """Return the full name of a variable: `signal` None means the generic one."""
    return f"{PREFIX}{signal.upper()}_{name}" if signal else PREFIX + name


def find_setting(environ: Mapping[str, str], signal: Signal | None, name: str) -> tuple[str, str]:
    """Return the variable that decides for `signal`, and its value."""
    if signal and (text := get_value(environ, name, signal)):
        return variable_name(name, signal), text
    return variable_name(name), get_value(environ, name)


def pair_kind(environ: Mapping[str, str], signal: Signal | None) -> Signal | None:
    """Return the signal whose own variables name certificate and key, or None: the generic ones."""
    return signal if any(get_value(environ, half, signal) for half in TLS_NAMES[1:]) else None


def variables_by_setting(environ: Mapping[str, str], signal: Signal | None) -> dict[str, str]:
    """Return the variable that decides for `signal`, by the setting's key name."""
    pair = pair_kind(environ, signal)
    decides = {
        key: find_setting(environ, signal, general.removeprefix(PREFIX))[0]
        for key, general in GENERAL_VARIABLES.items()
    }
    return decides | {
        "cert_file": variable_name("CLIENT_CERTIFICATE", pair),
        "key_file": variable_name("CLIENT_KEY", pair),
    }


def exporter_variable(signal: Signal) -> str:
    """Return the variable that names the exporters of `signal`."""
    return f"OTEL_{signal.upper()}_EXPORTER"


def exports_otlp(environ: Mapping[str, str], signal: Signal) -> bool:
    """Return whether an SDK makes an OTLP exporter for `signal`, as it does where nothing is said."""
    names = environ.get(exporter_variable(signal), "").strip().lower()
    return not names or not _OTLP.isdisjoint(name.strip() for name in names.split(","))


def sdk_disabled(environ: Mapping[str, str]) -> bool:
    """Return whether OTEL_SDK_DISABLED turns every exporter off: only `true` does."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def parse_headers(text: str, *, grpc: bool) -> Headers:
    """Read `name=value,…`, percent-encoded as in W3C Baggage, without its properties.

    Of two that differ in case only, the later one counts: names ignore case (RFC 9110 §5.1).

    Raises:
        ValueError: naming the member, never its value.
    """
    headers: dict[str, tuple[str, Secret]] = {}
    for position, member in enumerate(text.split(",") if text else (), start=1):
        if not member.strip():
            continue
        name, equals, value = member.partition("=")
        name = unquote(name.strip())
        value = unquote(value.strip())
        if not equals:
            raise ValueError(f"its member {position} is not name=value")
        if fault := header_fault(name, value, grpc=grpc):
            raise ValueError(f"its member {position}: {fault}")
        headers[name.lower()] = (name, Secret(value))
    return tuple(headers.values())
