"""Where the probe's own spans go, as the SDK's environment variables say. Pure.

Source: the specification, "OpenTelemetry Environment Variable Specification" and "OpenTelemetry
Protocol Exporter". The exporter itself reads the rest of them: CA, client certificate, headers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.safe_text import safe_text

QUEUE: Final = 2048
"""Spans that wait at most, where OTEL_BSP_MAX_QUEUE_SIZE does not say otherwise."""

_GRPC_PORT: Final = re.compile(r":4317/?$")
_DEFAULTS: Final = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}


@dataclass(frozen=True, slots=True)
class SpanDestination:
    """A Collector, or another backend of OTLP."""

    protocol: Literal["grpc", "http/protobuf"]
    endpoint: str
    """As the user wrote it, made safe to show."""
    queue: int = QUEUE


def span_destination(
    environ: Mapping[str, str], *, probed: bool = False
) -> tuple[SpanDestination | None, tuple[str, ...]]:
    """Return where spans go, None where they go nowhere, and what the user should know of it.

    An endpoint has to be named, or OTEL_TRACES_EXPORTER to be otlp: a probe that nobody has told of
    a Collector does not knock at localhost.

    Args:
        environ: the environment's variables.
        probed: whether the variables say what is probed: they are another exporter's, then, and
            only OTEL_TRACES_EXPORTER makes the probe use them for itself.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return None, ()
    endpoint = _of_traces(environ, "ENDPOINT")
    if not exporter and (probed or not endpoint):
        return None, ()
    if exporter not in {"", "otlp"}:
        found = safe_text(exporter)
        return None, (f'OTEL_TRACES_EXPORTER is "{found}": no spans are sent; use otlp or none',)
    # Without PROTOCOL, 4317 is gRPC's port here too, as for what is probed.
    by_port = "grpc" if _GRPC_PORT.search(endpoint) else "http/protobuf"
    protocol = _of_traces(environ, "PROTOCOL") or by_port
    if protocol not in _DEFAULTS:
        found = safe_text(protocol)
        return None, (
            f'the protocol of the probe\'s own spans is "{found}": none are sent; use grpc or '
            "http/protobuf",
        )
    return SpanDestination(
        "grpc" if protocol == "grpc" else "http/protobuf",
        safe_text(_without_user(endpoint or _DEFAULTS[protocol])),
        _queue(environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "")),
    ), ()


def _of_traces(environ: Mapping[str, str], name: str) -> str:
    own = environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "").strip()
    return own or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _without_user(url: str) -> str:
    """Return `url` without what may be a secret: user and password, and the query."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = (rest if mark else scheme).partition("/")
    shown = f"{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
    return f"{scheme}://{shown}" if mark else shown


def _queue(text: str) -> int:
    stripped = text.strip()
    length = int(stripped) if stripped.isascii() and stripped.isdecimal() else 0
    return min(length, 1_000_000) or QUEUE
