"""Writes the dashboards and the alerting rules to their files; a test compares the files."""

import json
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from grafana.source.alert_rules import render_alert_rules
from grafana.source.certificates import CERTIFICATES
from grafana.source.fleet import FLEET
from grafana.source.panels import Json
from grafana.source.target import TARGET
from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file

FOLDER: Final = Path(__file__).parents[1] / "dashboards"
ALERT_RULES: Final = Path(__file__).parents[1] / "provisioning" / "alerting" / "rules.yaml"
DASHBOARDS: Final[dict[str, Json]] = {
    "fleet.json": FLEET,
    "target.json": TARGET,
    "certificates.json": CERTIFICATES,
}

BUNDLE: Final = Path(__file__).parents[1] / "mixin.json"


def render_bundle() -> str:
    """Return dashboards and Prometheus's rules in one file, under the names that mixins use."""
    groups = YAML(typ="safe").load(render_rule_file(build_rule_group(Thresholds(), Pages())))
    return rendered({"grafanaDashboards": DASHBOARDS, "prometheusAlerts": groups})


def rendered(dashboard: Json) -> str:
    """Return the text of a dashboard's file."""
    return json.dumps(dashboard, indent=2) + "\n"


if __name__ == "__main__":
    for name, dashboard in DASHBOARDS.items():
        (FOLDER / name).write_text(rendered(dashboard), encoding="utf-8")
    BUNDLE.write_text(render_bundle(), encoding="utf-8")
    ALERT_RULES.write_text(render_alert_rules(), encoding="utf-8")
