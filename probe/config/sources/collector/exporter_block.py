"""An exporter's settings alone, as documentation shows them, become a configuration around them.

Pure. `exporter: {otlp: {…}}`, an `exporters:` section alone, or the settings of one exporter: who
pastes them wants to know whether such an exporter works.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.sources.collector.exporter import GRPC_TYPES, HTTP_TYPES, ExporterEntry
from probe.config.sources.collector.merge import component_type
from probe.config.yaml_document import Document, Place, unwrap

_HTTP_ONLY: Final = frozenset(
    {
        "traces_endpoint",
        "metrics_endpoint",
        "logs_endpoint",
        "encoding",
        "proxy_url",
        "compression_params",
    }
)
_GRPC_ONLY: Final = frozenset({"balancer_name", "keepalive", "wait_for_ready", "authority"})
_SETTINGS: Final = frozenset(ExporterEntry.__struct_fields__) | _HTTP_ONLY | _GRPC_ONLY
_COMMON: Final = frozenset({"endpoint", "tls", "headers", "compression", "timeout", "sending_queue",
                            "retry_on_failure", "auth"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExporterBlock:
    """Exporters of which only the settings are known."""

    exporters: dict[str, Any]
    place: Place | None
    """Where they stand."""


def find_exporter_block(document: Document) -> ExporterBlock | None:
    """Return the exporters that `document` holds and nothing else, or None.

    Raises:
        ConfigurationError: where the settings do not say by which protocol they are meant.
    """
    value = document.value
    if not isinstance(value, dict) or len(value) > len(_SETTINGS):
        return None
    if len(value) == 1 and (key := next(iter(value))) in {"exporter", "exporters"}:
        held, place = unwrap(value[key]), _find_place(document.place, key)
        if not isinstance(held, dict) or not held:
            return None
        if all(map(_is_otlp, held)):
            return ExporterBlock(held, place)
        return _wrap_settings(held, place, Location(document)[key])
    return _wrap_settings(value, document.place, Location(document))


def surround(document: Document, block: ExporterBlock) -> Document:
    """Return a whole configuration in which a pipeline of traces uses the exporters of `block`."""
    nothing = Place(block.place.line if block.place else 1)
    parts = {"exporters": block.place or nothing, "receivers": nothing, "service": nothing}
    pipeline = {"receivers": ["otlp"], "exporters": list(block.exporters)}
    value = {
        "exporters": block.exporters,
        "receivers": {"otlp": {"protocols": {"grpc": None}}},
        "service": {"pipelines": {"traces": pipeline}},
    }
    return replace(document, value=value, place=Place(1, parts))


def _wrap_settings(held: dict[str, Any], place: Place | None, at: Location) -> ExporterBlock | None:
    if "endpoint" not in held or not _COMMON.union(_SETTINGS).issuperset(held):
        return None
    kind = _choose_type(held)
    if not kind:
        reason = (
            "is the settings of one exporter, and may be gRPC's or HTTP's: write exporters: {otlp: "
            "{endpoint: …}} for gRPC, or exporters: {otlp_http: {endpoint: …}} for HTTP"
        )
        raise ConfigurationError(reason, file=at.document.file, line=at.line)
    return ExporterBlock({kind: held}, None if place is None else Place(place.line, {kind: place}))


def _choose_type(held: dict[str, Any]) -> str:
    """Return the type that the settings can only be of, or an empty text."""
    endpoint = unwrap(held["endpoint"])
    text = endpoint if isinstance(endpoint, str) else ""
    if not _HTTP_ONLY.isdisjoint(held):
        return "otlp_http"
    if not _GRPC_ONLY.isdisjoint(held):
        return "otlp"
    if text and "://" not in text and "$" not in text:
        return "otlp"
    port = text.rstrip("/").rpartition(":")[2]
    return {"4317": "otlp", "4318": "otlp_http"}.get(port, "")


def _is_otlp(key: str) -> bool:
    return component_type(key) in GRPC_TYPES | HTTP_TYPES


def _find_place(place: Place, key: str) -> Place | None:
    return place.parts.get(key) if isinstance(place.parts, dict) else None
