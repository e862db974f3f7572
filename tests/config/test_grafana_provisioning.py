"""Grafana's provisioning names only what exists, and its alerting rules are complete.

No Grafana runs here. tests/lab/test_grafana_queries.py checks what the expressions return.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from grafana.source.panels import PLUGIN_VERSION
from tests.config import promtool
from tests.config.grafana import (
    FOLDER,
    Json,
    alert_rules,
    dashboards,
    expanded,
    expanded_texts,
    interpolated,
    panels,
    provisioned,
    references,
)
from tests.config.manifests import dump, load

ALL: Final = dashboards()
UIDS: Final = {each["uid"]: each for each in ALL.values()}


@pytest.fixture(scope="module")
def grafana(config: Path) -> Json:
    """The service of config/compose.yaml."""
    [project] = load((config / "compose.yaml").read_text(encoding="utf-8"))
    service = project["services"]["grafana"]
    assert isinstance(service, dict)
    return service


def test_compose_provisions_all_of_it(grafana: Json) -> None:
    """Dashboards are in the folder of their provider, with the Grafana version that they are written for."""
    mounted = dict(mount.split(":")[:2] for mount in grafana["volumes"])
    [provider] = provisioned("dashboards/mtls-probe.yaml")["providers"]
    assert mounted["../grafana/dashboards"] == provider["options"]["path"]
    assert mounted["../grafana/provisioning"] == "/etc/grafana/provisioning"
    assert grafana["image"] == f"grafana/grafana:{PLUGIN_VERSION}"
    assert {each["pluginVersion"] for each in panels(ALL["fleet.json"])} == {PLUGIN_VERSION}


def test_nothing_depends_on_grafanas_environment() -> None:
    """Grafana would replace an unset variable by nothing, and might not start."""
    for path in (FOLDER / "provisioning").rglob("*.yaml"):
        document = provisioned(str(path.relative_to(FOLDER / "provisioning")))
        for text in expanded_texts(document):
            assert references(text.replace("$$", "")) == set(), path.name


def test_nothing_of_the_users_own_is_replaced() -> None:
    """Only rules are provisioned: whom they notify is for the organisation's own tree to say."""
    files = sorted(path.name for path in (FOLDER / "provisioning" / "alerting").iterdir())
    assert files == ["rules.yaml"]
    assert provisioned("alerting/rules.yaml").keys() == {"apiVersion", "groups"}


def test_rules_and_dashboards_are_in_one_folder() -> None:
    """By its title: a uid would make Grafana create a second one, for rules can name none."""
    [group] = provisioned("alerting/rules.yaml")["groups"]
    [provider] = provisioned("dashboards/mtls-probe.yaml")["providers"]
    assert group["folder"] == provider["folder"]
    assert "folderUid" not in provider


def test_a_missing_variable_and_an_escaped_dollar_are_read_as_grafana_reads_them() -> None:
    """The expansion that the tests of provisioning depend on."""
    assert expanded({"a": ["$X ${X} $$labels.x $Y", 1]}, {"X": "x"}) == {"a": ["x x $labels.x ", 1]}
    assert interpolated('a{job=~"$job"}[${__range}] ${job:regex}') == 'a{job=~".+"}[60s] .+'


def faults(rules: list[Json]) -> Iterator[str]:
    """Yield what Grafana would refuse in `rules`, and what would be useless to the reader."""
    [source] = provisioned("datasources/prometheus.yaml")["datasources"]
    for key in ("uid", "title"):
        values = [rule[key] for rule in rules]
        if len(set(values)) != len(values):
            yield f"a {key} twice"
    for rule in rules:
        uid = rule["uid"]
        if not re.fullmatch(r"[a-z0-9-]{1,40}", uid):
            yield f"{uid}: uid"
        if rule.keys() != {
            "uid", "title", "condition", "data", "noDataState", "execErrState", "for",
            "annotations", "labels", "isPaused",
        }:  # fmt: skip  # as Grafana's documentation lists them
            yield f"{uid}: keys"
            continue
        asked = [each["refId"] for each in rule["data"]]
        if rule["condition"] not in asked or len(set(asked)) != len(asked):
            yield f"{uid}: condition"
        for each in rule["data"]:
            model = each["model"]
            if (each["refId"], each["datasourceUid"]) != (
                model["refId"], model["datasource"]["uid"],
            ):  # fmt: skip  # one comparison
                yield f"{uid}: {each['refId']} disagrees with its model"
            if each["datasourceUid"] not in {source["uid"], "__expr__"}:
                yield f"{uid}: data source"
            if model.get("type") == "threshold" and model["expression"] not in asked:
                yield f"{uid}: threshold of nothing"
        if rule["noDataState"] not in {"OK", "Alerting", "NoData"}:
            yield f"{uid}: noDataState"
        says = rule["annotations"]
        for name in ("summary", "description", "fix", "runbook_url"):
            if not says.get(name, "").strip():
                yield f"{uid}: {name}"
        if re.search(r"\$[${]", " ".join(says.values())):
            # A template keeps `$$` as two signs. The newest Grafana expands `${NAME}` from the
            # environment, older ones keep it as text.
            yield f"{uid}: a dollar sign means something else in an annotation"
        board = UIDS.get(says.get("__dashboardUid__", ""))
        if board is None or says.get("__panelId__") not in {
            str(panel["id"]) for panel in panels(board)
        }:
            yield f"{uid}: dashboard"
        if not rule["labels"].get("severity"):
            yield f"{uid}: severity"


def test_alert_rules_are_whole() -> None:
    """Every key that provisioning takes, unique names, a panel that shows the same."""
    assert list(faults(alert_rules())) == []


SHOWN: Final = {
    "mtls-probe-failing": "Targets not as expected",
    "mtls-probe-failing-addresses": "Targets not as expected",
    "mtls-probe-client-expiry-28d": "Client certificates",
    "mtls-probe-client-expiry-14d": "Client certificates",
    "mtls-probe-server-expiry-28d": "Server certificates",
    "mtls-probe-server-expiry-14d": "Server certificates",
    "mtls-probe-ca-expiry-28d": "CA certificates",
    "mtls-probe-ca-expiry-14d": "CA certificates",
    "mtls-probe-not-requested": "Findings",
    "mtls-probe-source-down": "Probes",
    "mtls-probe-nothing-to-probe": "Probes",
    "mtls-probe-down": "Probes",
}


def test_an_alert_leads_to_its_panel() -> None:
    """The panel shows what the alert is about."""
    found = {}
    for rule in alert_rules():
        board = UIDS[rule["annotations"]["__dashboardUid__"]]
        [panel] = [
            each for each in panels(board) if str(each["id"]) == rule["annotations"]["__panelId__"]
        ]
        found[rule["uid"]] = panel["title"]
    assert found == SHOWN


@pytest.mark.parametrize(
    "mistake",
    [
        lambda rule: rule.update(condition="B"),
        lambda rule: rule.update(uid="mtls-probe-client-expiry-28d"),
        lambda rule: rule.update(uid="x" * 41),
        lambda rule: rule.pop("execErrState"),
        lambda rule: rule.update(noDataState="Ok"),
        lambda rule: rule["annotations"].update(runbook_url=""),
        lambda rule: rule["annotations"].update(summary="{{ $$labels.target }}"),
        lambda rule: rule["annotations"].update(runbook_url="${RUNBOOKS}/failing"),
        lambda rule: rule["annotations"].update(__panelId__="999"),
        lambda rule: rule["labels"].clear(),
        lambda rule: rule["data"][0].update(datasourceUid="other"),
        lambda rule: rule["data"][1]["model"].update(expression="B"),
    ],
)
def test_a_mistake_in_an_alert_rule_is_seen(mistake: Callable[[Json], Any]) -> None:
    """One thing wrong in one rule is enough."""
    rules = alert_rules()
    mistake(rules[0])
    assert list(faults(rules)) != []


def test_alert_rules_are_promql_with_templates_that_promtool_takes(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    """As Prometheus rules they pass promtool: expressions, durations and templates."""
    rules = [
        {
            "alert": "Grafana" + re.sub(r"\W", "", rule["uid"].title()),
            "expr": rule["data"][0]["model"]["expr"],
            "for": rule["for"],
            "labels": rule["labels"],
            "annotations": {
                name: text.replace("$values.A.Value", "$value")
                for name, text in rule["annotations"].items()
            },
        }
        for rule in alert_rules()
    ]
    dump({"groups": [{"name": "grafana", "rules": rules}]}, tmp_path / "rules.yml")
    checked = promtool.check(program("promtool"), tmp_path / "rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
