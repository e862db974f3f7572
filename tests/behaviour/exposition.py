"""Metrics as a recording keeps them: families, labels, values of closed sets; HELP texts left out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families
from prometheus_client.samples import Sample

from tests.behaviour.normal import Json, Normaliser

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
NAMES_GIVEN_HERE: Final = frozenset({"target", "endpoint", "le"})
"""Labels whose values are not recorded: names from the scene, and bounds of buckets."""
STEADY: Final = frozenset(
    {
        "mtls_probe_acceptable_ca_match",
        "mtls_probe_attempts",
        "mtls_probe_cause",
        "mtls_probe_cause_info",
        "mtls_probe_clock_tolerance_seconds",
        "mtls_probe_config_last_reload_successful",
        "mtls_probe_credential_fault",
        "mtls_probe_expected_cause",
        "mtls_probe_failures",
        "mtls_probe_finding",
        "mtls_probe_interval_seconds",
        "mtls_probe_nothing_to_probe",
        "mtls_probe_outcome",
        "mtls_probe_source_targets",
        "mtls_probe_source_up",
        "mtls_probe_success",
        "mtls_probe_target_info",
        "mtls_probe_targets",
        "mtls_probe_tls_info",
        "mtls_probe_web_connections_limit",
        "probe_ip_protocol",
        "probe_success",
        "probe_tls_cipher_info",
        "probe_tls_version_info",
    }
)
"""Families whose every sample and value is the same in each recording."""


def parse(text: str, *, openmetrics: bool = False) -> list[Metric]:
    """Return the families of an exposition, read by the parser of prometheus_client."""
    read: Callable[[str], Iterable[Metric]] = openmetrics_families if openmetrics else text_families
    return list(read(text))


def recorded(families: Iterable[Metric], normal: Normaliser) -> dict[str, Json]:
    """Return each family: its type, series with their labels, and the values of closed sets."""
    return {family.name: _family(family, normal) for family in families}


def types(families: Iterable[Metric]) -> dict[str, str]:
    """Return the type of each family."""
    return {family.name: family.type for family in families}


def samples(families: Iterable[Metric], normal: Normaliser) -> list[str]:
    """Return every series as Prometheus writes it, with its value where that is constant."""
    return sorted(
        written(sample, normal, shown=family.name in STEADY)
        for family in families
        for sample in family.samples
    )


def written(sample: Sample, normal: Normaliser, *, shown: bool) -> str:
    """Return one sample as Prometheus writes it, with placeholders; the target comes first."""
    labels = normal.labels(sample.labels)
    inner = ",".join(f'{name}="{labels[name]}"' for name in _ordered(labels))
    value = f"{sample.value:g}" if shown else "<number>"
    return f"{sample.name}{{{inner}}} {value}" if inner else f"{sample.name} {value}"


def _family(family: Metric, normal: Normaliser) -> Json:
    series = sorted({_series(sample) for sample in family.samples})
    found: Json = {"type": family.type, "series": series}
    values = _values(family.samples, normal)
    if values:
        found["values"] = values
    bounds = {sample.labels["le"]: None for sample in family.samples if "le" in sample.labels}
    if bounds:
        found["buckets"] = list(bounds)
    if family.name in STEADY:
        found["samples"] = sorted(written(sample, normal, shown=True) for sample in family.samples)
        found.pop("values", None)
    return found


def _series(sample: Sample) -> str:
    labels = ", ".join(_ordered(sample.labels))
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def _ordered(labels: Iterable[str]) -> list[str]:
    """Return the names of labels in a fixed order: the order of the exposition has no meaning."""
    return sorted(labels, key=lambda name: (name != "target", name))


def _values(samples_of_it: Sequence[Sample], normal: Normaliser) -> dict[str, list[str]]:
    values: dict[str, set[str]] = {}
    for sample in samples_of_it:
        for name, value in normal.labels(sample.labels).items():
            if name not in NAMES_GIVEN_HERE:
                values.setdefault(name, set()).add(value)
    return {name: sorted(held) for name, held in values.items()}
