"""The files of grafana/ as Grafana reads them: dashboards, their queries, variables, provisioning."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.config.manifests import load

Json = dict[str, Any]

FOLDER: Final = Path(__file__).parents[2] / "grafana"
ALERTING: Final = FOLDER / "provisioning" / "alerting"
BUILT_IN: Final = {
    "__rate_interval": "10s",
    "__rate_interval_ms": "10000",
    "__interval": "5s",
    "__range": "60s",
}
"""What Grafana computes from the time range, for a short one."""
EVERYTHING: Final = {
    "job": ".+",
    "instance": ".+",
    "target": ".+",
    "team": ".*",
    "stage": ".+",
    "source": ".+",
}
"""The variables of the dashboards while each is All."""
_REFERENCE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<bare>\w+))")


def dashboards() -> dict[str, Json]:
    """Return each dashboard by the name of its file."""
    found = sorted((FOLDER / "dashboards").glob("*.json"))
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in found}


def panels(dashboard: Json) -> list[Json]:
    """Return the panels that show something: rows are left out."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: Json) -> Iterator[tuple[Json, Json]]:
    """Yield each query of each panel, with its panel."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel, target


def references(text: str) -> set[str]:
    """Return the names of the variables in `text`."""
    return {found["braced"] or found["bare"] for found in _REFERENCE.finditer(text)}


def interpolated(text: str, values: Mapping[str, str] = EVERYTHING) -> str:
    """Return `text` with its variables replaced by `values` and the built-in ones.

    Raises:
        KeyError: where the variable is missing.
    """
    known = {**BUILT_IN, **values}
    return _REFERENCE.sub(lambda found: known[found["braced"] or found["bare"]], text)


def provisioned(name: str) -> Json:
    """Return the document in a file of provisioning/."""
    [document] = load((FOLDER / "provisioning" / name).read_text(encoding="utf-8"))
    found: Json = document
    return found


def expanded(value: Any, environment: Mapping[str, str]) -> Any:
    """Return what Grafana makes of most values in a provisioning file.

    `$NAME` and `${NAME}` come from the environment, where a missing one is empty; `$$` is `$`.
    """
    if isinstance(value, dict):
        return {key: expanded(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [expanded(each, environment) for each in value]
    if not isinstance(value, str):
        return value
    parts = value.split("$$")
    return "$".join(
        _REFERENCE.sub(lambda found: environment.get(found["braced"] or found["bare"], ""), part)
        for part in parts
    )


def alert_rules() -> list[Json]:
    """Return the Grafana-managed alerting rules as Grafana has them after expansion.

    Annotations and the models of queries are read as they are, without expansion
    (pkg/services/provisioning/alerting/rules_types.go; annotations since Grafana 9.1.4).
    """
    [group] = provisioned("alerting/rules.yaml")["groups"]
    return [
        {
            **expanded(rule, {}),
            "annotations": rule["annotations"],
            "data": [{**expanded(each, {}), "model": each["model"]} for each in rule["data"]],
        }
        for rule in group["rules"]
    ]


def expanded_texts(value: Any) -> Iterator[str]:
    """Yield each text of a provisioning document that Grafana expands from its environment."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in {"annotations", "model"}:
                yield from expanded_texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from expanded_texts(each)
    elif isinstance(value, str):
        yield value
