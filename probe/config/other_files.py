"""What a file is that was given as something else, and how to name it so that it is read.

Pure and total. It judges the keys of a document and the form of a text; no value is part of the
answer.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from probe.config.yaml_document import unwrap
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

_COLLECTOR: Final = frozenset({"receivers", "exporters", "processors", "connectors", "extensions"})
_PROBE: Final = frozenset(
    {"targets", "sources", "defaults", "modules", "clock", "web", "experiments"}
)
_DECLARATIVE: Final = frozenset(
    {"file_format", "tracer_provider", "meter_provider", "logger_provider"}
)
_PROMETHEUS: Final = frozenset(
    {"scrape_configs", "remote_write", "rule_files", "alerting", "groups"}
)
_SPRING: Final = frozenset({"spring", "otel", "management"})
_SECRET_KEYS: Final = frozenset({"data", "stringData"})

_UNIT: Final = re.compile(r"^\[(?:Unit|Service|Install)\][ \t]*$", re.MULTILINE)
_OBJECT: Final = re.compile(r"^\s*\"?apiVersion\"?\s*:", re.MULTILINE)
_PROPERTY: Final = re.compile(r"^[ \t]*otel\.[\w.-]+[ \t]*[=:]", re.MULTILINE)
_VARIABLE: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*=", re.MULTILINE)
_PEM: Final = re.compile(r"^-----BEGIN ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is."""

    what: str
    source: str
    """The kind of source that reads it; `config` for the probe's own file, empty for none."""

    def explain(self, file: str) -> str:
        """Return what it is and what to write, as one clause."""
        shown = safe_text(describe_path(file))
        match self.source:
            case "":
                return f"is {self.what}, in which the probe finds no exporter"
            case "config":
                return f"is {self.what}: give it with --config {shown}"
            case "manifest":
                return (
                    f"is {self.what}: name it as sources: [{{manifest: {shown}}}], or run mtls-probe "
                    f"check --manifest {shown}"
                )
        return f"is {self.what}: name it as sources: [{{{self.source}: {shown}}}]"


def recognise_document(value: Any) -> Recognised | None:
    """Return what a YAML or JSON document is; None where its keys do not say."""
    value = unwrap(value)
    if isinstance(value, list):
        listed = value and all(isinstance(one, dict) and "targets" in one for one in value)
        return Recognised("a list of targets for file_sd", "file_sd") if listed else None
    if not isinstance(value, dict):
        return None
    return next((found for judge in _JUDGES if (found := judge(value))), None)


def recognise_text(text: str) -> Recognised | None:
    """Return what a text that is not one YAML document is; None where its form does not say."""
    if _PEM.search(text):
        return Recognised("PEM text: a certificate or a key", "")
    if _UNIT.search(text):
        return Recognised("a unit of systemd", "sdk")
    if _OBJECT.search(text):
        return Recognised("a manifest of Kubernetes", "manifest")
    if _PROPERTY.search(text):
        return Recognised("a properties file of OpenTelemetry's Java agent", "sdk")
    if _VARIABLE.search(text):
        return Recognised("a file of environment variables", "sdk")
    return None


def _judge_object(value: Mapping[str, Any]) -> Recognised | None:
    kind = unwrap(value.get("kind"))
    if "apiVersion" in value or (isinstance(kind, str) and "metadata" in value):
        named = (
            kind if isinstance(kind, str) and re.fullmatch(r"[A-Za-z]{1,40}", kind) else "object"
        )
        return Recognised(f"a Kubernetes object, {named}", "manifest")
    return None


def _judge_collector(value: Mapping[str, Any]) -> Recognised | None:
    if len(_COLLECTOR.intersection(value)) >= 1 and "config" not in value:
        return Recognised("the configuration of a Collector", "collector")
    return None


def _judge_helm(value: Mapping[str, Any]) -> Recognised | None:
    held = unwrap(value.get("config"))
    if isinstance(held, dict) and not _COLLECTOR.isdisjoint(held):
        return Recognised("values of a Helm chart, with a Collector's configuration", "manifest")
    return None


def _judge_declarative(value: Mapping[str, Any]) -> Recognised | None:
    if not _DECLARATIVE.isdisjoint(value):
        return Recognised("the declarative configuration of an SDK", "sdk")
    return None


def _judge_spring(value: Mapping[str, Any]) -> Recognised | None:
    if not _SPRING.isdisjoint(value):
        return Recognised("the configuration of a Spring Boot application", "sdk")
    return None


def _judge_prometheus(value: Mapping[str, Any]) -> Recognised | None:
    if not _PROMETHEUS.isdisjoint(value):
        return Recognised("a configuration of Prometheus", "")
    return None


def _judge_compose(value: Mapping[str, Any]) -> Recognised | None:
    held = unwrap(value.get("services"))
    if isinstance(held, dict) and any(
        isinstance(one, dict) and ("image" in one or "build" in one) for one in held.values()
    ):
        return Recognised("a file of Docker Compose", "sdk")
    return None


def _judge_probe(value: Mapping[str, Any]) -> Recognised | None:
    if not _PROBE.isdisjoint(value):
        return Recognised("a configuration of mtls-probe", "config")
    return None


def _judge_secret(value: Mapping[str, Any]) -> Recognised | None:
    if len(value) <= 4 and not _SECRET_KEYS.isdisjoint(value):
        return Recognised("data of a Secret or ConfigMap without its kind", "manifest")
    return None


def _judge_variables(value: Mapping[str, Any]) -> Recognised | None:
    if value and all(re.fullmatch(r"[A-Z_][A-Z0-9_]*", key) for key in value):
        return Recognised(
            "a mapping of environment variables, of which NAME=value lines can be read", "sdk"
        )
    return None


_JUDGES: Final[tuple[Callable[[Mapping[str, Any]], Recognised | None], ...]] = (
    _judge_object,
    _judge_helm,
    _judge_declarative,
    _judge_collector,
    _judge_prometheus,
    _judge_compose,
    _judge_spring,
    _judge_probe,
    _judge_secret,
    _judge_variables,
)
"""The more telling ones first."""
