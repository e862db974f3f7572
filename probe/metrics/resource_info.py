"""The probe's resource as labels of `target_info`, under the names that OTel's exporters give them.

Source: the specification, "Prometheus and OpenMetrics Compatibility", and Prometheus's
otlptranslator. Law 10: the values have passed `safe_text` where they were read.
"""

import re
from collections.abc import Mapping

_OTHERS = re.compile(r"[^a-zA-Z0-9_]+|__+")


def resource_labels(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return a label for each attribute; values of names that become one are joined with ";"."""
    labels: dict[str, str] = {}
    for name in sorted(attributes):
        label = label_name(name)
        joined = f"{labels[label]};{attributes[name]}" if label in labels else attributes[name]
        labels[label] = joined
    return labels


def label_name(name: str) -> str:
    """Return `name` as a label's: each run of other characters becomes one underscore."""
    found = _OTHERS.sub("_", name)
    if found[:1].isdigit():
        return f"key_{found}"
    return f"key{found}" if found.startswith("_") else found or "key_"
