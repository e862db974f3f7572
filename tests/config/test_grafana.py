"""The dashboards obey the rules of Grafana's linter and ours, and are what their source writes.

No Grafana runs here. tests/lab/test_grafana_queries.py checks what the expressions return.
"""

import copy
import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from grafana.source.__main__ import ALERT_RULES, BUNDLE, render_bundle, rendered
from grafana.source.__main__ import DASHBOARDS as SOURCES
from grafana.source.alert_rules import render_alert_rules
from probe.diagnosis.catalogue import CATALOGUE
from tests.config.conftest import CONFIG
from tests.config.dashboard_lint import RULES, broken
from tests.config.grafana import (
    FOLDER,
    Json,
    dashboards,
    panels,
    queries,
    references,
)
from tests.config.manifests import load

ALL: Final = dashboards()
UIDS: Final = {each["uid"]: each for each in ALL.values()}


def _variable(dashboard: Json, name: str) -> Json:
    [found] = [each for each in dashboard["templating"]["list"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def _first(dashboard: Json, kind: str) -> Json:
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


def _reworded(old: str, new: str) -> Callable[[Json], None]:
    def change(dashboard: Json) -> None:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if old in target["expr"]:
                    target["expr"] = target["expr"].replace(old, new, 1)
                    return
        raise AssertionError(f"no expression has {old}")

    return change


MISTAKES: Final[tuple[tuple[str, Callable[[Json], Any]], ...]] = (
    ("editable", lambda board: board.update(editable=True)),
    ("identity", lambda board: board.update(uid="Fleet 1")),
    ("identity", lambda board: board.update(schemaVersion=16)),
    ("identity", lambda board: board.update(tags=[])),
    ("data_source", lambda board: _variable(board, "datasource").update(label="Prometheus")),
    ("data_source", lambda board: _first(board, "stat").update(datasource=None)),
    ("data_source", lambda board: _first(board, "stat")["targets"][0].pop("datasource")),
    ("scrape_variables", lambda board: _variable(board, "job").update(allValue=".*")),
    ("scrape_variables", lambda board: _variable(board, "instance").update(multi=False)),
    ("scrape_variables", lambda board: _variable(board, "job").update(label="job")),
    ("query_variables", lambda board: _variable(board, "instance").update(refresh=1)),
    ("query_variables", lambda board: _variable(board, "job")["query"].update(query="job")),
    ("known_variables", _reworded('job=~"$job"', 'job=~"$jobs"')),
    ("described", lambda board: _first(board, "stat").update(description="")),
    ("described", lambda board: _first(board, "table").update(title=" ")),
    ("described", lambda board: _first(board, "stat")["fieldConfig"]["defaults"].pop("unit")),
    ("described", lambda board: _first(board, "table").update(title="Targets")),
    ("coloured", lambda board: _first(board, "stat")["fieldConfig"]["defaults"].pop("thresholds")),
    ("legends", lambda board: _first(board, "bargauge")["targets"][0].update(legendFormat="")),
    ("kinds", lambda board: _first(board, "timeseries").update(type="graph")),
    ("places", lambda board: _first(board, "stat").update(id=1)),
    ("places", lambda board: _first(board, "table")["gridPos"].update(y=0)),
    ("places", lambda board: _first(board, "table")["gridPos"].update(x=12)),
    ("promql", _reworded("sum(", "sum((")),
    ("promql", _reworded("[$__rate_interval]", "")),
    ("matchers", _reworded('instance=~"$instance"', 'instance="$instance"')),
    ("matchers", _reworded('job=~"$job",', "")),
    ("rates", _reworded("[$__rate_interval]", "[5m]")),
    ("rates", _reworded("rate(", "max_over_time(")),
    ("links", lambda board: _relink(board, "${__url_time_range}", "")),
    ("links", lambda board: _relink(board, "${pages}", "http://probe.example.com")),
)


def _relink(board: Json, old: str, new: str) -> None:
    changed = json.loads(json.dumps(board["panels"]).replace(old, new))
    assert changed != board["panels"]
    board["panels"] = changed


@pytest.mark.parametrize("name", ALL)
def test_a_dashboard_keeps_the_rules(name: str) -> None:
    """What Grafana's linter requires, and our own rules."""
    assert broken(ALL[name]) == {}


@pytest.mark.parametrize(("rule", "mistake"), MISTAKES)
def test_a_rule_sees_its_mistake(rule: str, mistake: Callable[[Json], Any]) -> None:
    """A copy of a dashboard with one thing wrong breaks the rule on it."""
    copied = copy.deepcopy(ALL["fleet.json"])
    mistake(copied)
    assert rule in broken(copied)


def test_every_rule_is_shown_to_fail() -> None:
    """Every rule fails for some mistake."""
    assert {rule for rule, _ in MISTAKES} == {rule.__name__ for rule in RULES}


def test_the_files_are_what_their_source_writes() -> None:
    """`python -m grafana.source` was run after the last change."""
    for name, dashboard in SOURCES.items():
        path = FOLDER / "dashboards" / name
        assert path.read_text(encoding="utf-8") == rendered(dashboard), f"{name} is stale"
    assert ALL.keys() == SOURCES.keys()
    assert ALERT_RULES.read_text(encoding="utf-8") == render_alert_rules(), "rules.yaml is stale"
    assert BUNDLE.read_text(encoding="utf-8") == render_bundle(), "mixin.json is stale"


def test_the_bundle_holds_what_the_files_hold() -> None:
    """Each dashboard, and the rules with Prometheus's own: one file for those who use mixins."""
    bundle = json.loads(BUNDLE.read_text(encoding="utf-8"))
    assert bundle.keys() == {"grafanaDashboards", "prometheusAlerts"}
    assert bundle["grafanaDashboards"] == ALL
    [rules] = load((CONFIG / "prometheus" / "rules" / "mtls-probe.yml").read_text("utf-8"))
    assert bundle["prometheusAlerts"] == rules


def test_a_dashboard_can_be_imported_by_hand() -> None:
    """It asks for the data source in a variable of its own, and depends on no uid of one."""
    for name, dashboard in ALL.items():
        assert dashboard["templating"]["list"][0]["type"] == "datasource", name
        assert "id" not in dashboard
        sources = {target["datasource"]["uid"] for _, target in queries(dashboard)}
        assert sources == {"${datasource}"}, name


def test_links_lead_to_dashboards_and_set_variables_that_they_have() -> None:
    """A click on a target opens its dashboard with this target selected."""
    followed = set()
    for dashboard in ALL.values():
        for url in re.findall(r'"url": "(/d/[^"]+)"', json.dumps(dashboard)):
            uid, _, query = url.removeprefix("/d/").partition("?")
            known = {each["name"] for each in UIDS[uid]["templating"]["list"]}
            own = {each["name"] for each in dashboard["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", query)) <= known
            assert references(url) - {"__url_time_range", "__data", "__field"} <= own
            followed.add(uid)
    assert followed == {"mtls-probe-target", "mtls-probe-certificates"}


def test_parties_and_severities_have_texts() -> None:
    """Every value of the catalogue is shown with a text and a colour."""
    said = json.dumps(ALL["fleet.json"])
    for of in ("party", "severity"):
        for value in {getattr(cause, of) for cause in CATALOGUE.values()}:
            assert f'"{value}": {{"text"' in said, value
