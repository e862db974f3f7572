"""Where the probe's own spans go, and how many, as the SDK's environment variables say. Pure.

Source: the specification, "OpenTelemetry Environment Variable Specification" and "OpenTelemetry
Protocol Exporter". The exporter itself reads the rest of them: CA, client certificate, headers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.config.sources.sdk.variables import exports_otlp, find_setting, sdk_disabled
from probe.text.description import describe_url, describe_value
from probe.text.safe_text import safe_text

QUEUE: Final = 2048
"""Spans that wait at most, where OTEL_BSP_MAX_QUEUE_SIZE does not say otherwise."""

_GRPC_PORT: Final = re.compile(r":4317/?$")
_URL: Final = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_RATIO: Final = re.compile(r"[0-9]*\.?[0-9]+(e-?[0-9]{1,3})?|[0-9]+\.", re.ASCII | re.IGNORECASE)
_DEFAULTS: Final = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}


@dataclass(frozen=True, slots=True)
class SpanDestination:
    """A Collector, or another backend of OTLP."""

    protocol: Literal["grpc", "http/protobuf"]
    endpoint: str
    """As the user wrote it, made safe to show."""
    queue: int = QUEUE
    sample_successes: float | None = None
    """What OTEL_TRACES_SAMPLER asks for, 0 to 1."""


def read_span_destination(
    environ: Mapping[str, str], *, probed: bool = False
) -> tuple[SpanDestination | None, tuple[str, ...]]:
    """Return where spans go, None where they go nowhere, and what the user should know of it.

    An endpoint has to be named, or OTEL_TRACES_EXPORTER to be otlp: a probe without a configured
    Collector does not connect to localhost.

    Args:
        environ: the environment's variables.
        probed: whether the variables say what is probed: they are another exporter's, then, and
            only OTEL_TRACES_EXPORTER makes the probe use them for itself.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    otlp = exports_otlp(environ, "traces")
    if (
        sdk_disabled(environ)
        or exporter.lower() == "none"
        or _read_sampler(environ) == "always_off"
    ):
        return None, ()
    endpoint = find_setting(environ, "traces", "ENDPOINT")[1]
    asked = exporter or (endpoint and not probed)
    if not asked or (probed and not otlp):
        return None, ()
    if not otlp:
        found = safe_text(describe_value(exporter))
        return None, (f'OTEL_TRACES_EXPORTER is "{found}": no spans are sent; use otlp or none',)
    # Without PROTOCOL, 4317 is gRPC's port here too, as for what is probed.
    by_port = "grpc" if _GRPC_PORT.search(endpoint) else "http/protobuf"
    protocol = find_setting(environ, "traces", "PROTOCOL")[1] or by_port
    if protocol not in _DEFAULTS:
        found = safe_text(describe_value(protocol, _DEFAULTS))
        return None, (
            f'the protocol of the probe\'s own spans is "{found}": none are sent; use grpc or '
            "http/protobuf",
        )
    shown = _safe_endpoint(endpoint or _DEFAULTS[protocol])
    if protocol != "grpc" and endpoint and not _URL.match(endpoint):
        found = safe_text(describe_value(shown, key="endpoint"))
        return None, (
            f'the endpoint of the probe\'s own spans is "{found}": none are sent; over '
            "http/protobuf it begins with http:// or https://",
        )
    share, notices = _read_share(environ)
    return SpanDestination(
        "grpc" if protocol == "grpc" else "http/protobuf",
        shown,
        _read_queue(environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "")),
        share,
    ), notices


def _read_sampler(environ: Mapping[str, str]) -> str:
    """Return the sampler's name; an attempt has no parent, so `parentbased_` changes nothing."""
    return environ.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_")


def _read_share(environ: Mapping[str, str]) -> tuple[float | None, tuple[str, ...]]:
    """Return the share that the sampler's variables ask for, and what is wrong with them.

    A value that nobody can follow is reported and ignored, as the specification asks: without a ratio,
    everything is recorded.
    """
    sampler = _read_sampler(environ)
    if sampler in {"", "always_on"}:
        return (1.0 if sampler else None), ()
    if sampler != "traceidratio":
        found = safe_text(describe_value(environ["OTEL_TRACES_SAMPLER"]))
        return None, (
            f'OTEL_TRACES_SAMPLER is "{found}", which the probe does not have: ignored; '
            "telemetry.sample_successes says how many successes are recorded",
        )
    ratio = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    if not ratio:
        return 1.0, ()
    if not _RATIO.fullmatch(ratio) or float(ratio) > 1:
        return 1.0, (
            f'OTEL_TRACES_SAMPLER_ARG is "{safe_text(describe_value(ratio))}", which is not from 0 to 1: ignored',
        )
    return float(ratio), ()


def _safe_endpoint(endpoint: str) -> str:
    """Return a URL or `host:port` without what may be a secret."""
    url = endpoint if "://" in endpoint else f"//{endpoint}"
    return safe_text(describe_url(url).removeprefix("//"))


def _read_queue(text: str) -> int:
    stripped = text.strip()
    length = int(stripped) if stripped.isascii() and stripped.isdecimal() else 0
    return min(length, 1_000_000) or QUEUE
