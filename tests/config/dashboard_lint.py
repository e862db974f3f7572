"""The rules for dashboards: those of Grafana's own linter, and ours.

Each rule returns sentences on what is wrong; for a correct dashboard it returns nothing.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import combinations
from typing import Final

import promql_parser
from promql_parser import Call, MatrixSelector, VectorSelector

from tests.config.grafana import (
    BUILT_IN,
    EVERYTHING,
    Json,
    interpolated,
    panels,
    queries,
    references,
)

KINDS: Final = frozenset(
    {"stat", "timeseries", "state-timeline", "bargauge", "heatmap", "table", "row"}
)
"""Kinds of panels that are in use here; the deprecated ones (graph, singlestat, table-old) are not."""
RATES: Final = frozenset({"rate", "irate", "increase"})
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_MARK: Final = timedelta(hours=9, minutes=59)
"""Replaces `$__rate_interval`, to be found again in the parsed expression."""


def editable(dashboard: Json) -> Iterator[str]:
    """A provisioned dashboard is not edited in place."""
    if dashboard.get("editable") is not False:
        yield "editable"


def identity(dashboard: Json) -> Iterator[str]:
    """A stable uid, a recent schema, our tag."""
    if not re.fullmatch(r"mtls-probe-[a-z]+", dashboard["uid"]):
        yield f"uid {dashboard['uid']}"
    if dashboard["schemaVersion"] not in {41, 42}:
        yield f"schemaVersion {dashboard['schemaVersion']}"
    if "mtls-probe" not in dashboard["tags"]:
        yield "no tag"


def data_source(dashboard: Json) -> Iterator[str]:
    """One variable labelled "Data Source" chooses the Prometheus; every panel and query uses it."""
    found = [each for each in _variables(dashboard) if each["type"] == "datasource"]
    if [(each["name"], each["label"], each["query"]) for each in found] != [
        ("datasource", "Data Source", "prometheus")
    ]:
        yield "the variable datasource"
    for panel in panels(dashboard):
        if panel.get("datasource") != DATASOURCE:
            yield f"{panel['title']}: data source"
        for target in panel["targets"]:
            if target.get("datasource") != DATASOURCE:
                yield f"{panel['title']}: data source of {target['refId']}"


def scrape_variables(dashboard: Json) -> Iterator[str]:
    """`job` and `instance` choose several, or all by `.+`."""
    by_name = {each["name"]: each for each in _variables(dashboard)}
    for name in ("job", "instance"):
        found = by_name.get(name, {})
        wanted = {"type": "query", "label": name.title(), "multi": True, "includeAll": True}
        wanted |= {"allValue": ".+", "datasource": DATASOURCE}
        for key, value in wanted.items():
            if found.get(key) != value:
                yield f"variable {name}: {key}"


def query_variables(dashboard: Json) -> Iterator[str]:
    """Choices are read again when the time range changes, by a query that Prometheus accepts."""
    for each in _variables(dashboard):
        if each["type"] != "query":
            continue
        if each.get("refresh") != 2:
            yield f"variable {each['name']}: refresh"
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"]["query"])
        if not found:
            yield f"variable {each['name']}: query"
            continue
        try:
            promql_parser.parse(interpolated(found[1]))
        except (KeyError, ValueError) as error:
            yield f"variable {each['name']}: {error}"


def known_variables(dashboard: Json) -> Iterator[str]:
    """Every variable in a query exists."""
    known = {each["name"] for each in _variables(dashboard)} | BUILT_IN.keys()
    for panel, target in queries(dashboard):
        for name in sorted(references(target["expr"]) - known):
            yield f"{panel['title']}: ${name}"


def described(dashboard: Json) -> Iterator[str]:
    """Each panel says what it shows, in which unit; titles are unique."""
    titles = [panel["title"] for panel in panels(dashboard)]
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        for what, text in (
            ("title", panel["title"]),
            ("description", panel["description"]),
            ("unit", defaults.get("unit", "")),
        ):
            if not text.strip():
                yield f"{panel['title']}: {what}"
        if titles.count(panel["title"]) > 1:
            yield f"{panel['title']}: title twice"


def coloured(dashboard: Json) -> Iterator[str]:
    """Thresholds begin at the bottom and rise."""
    for panel in panels(dashboard):
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        values = [step["value"] for step in steps]
        if not values or values[0] is not None or values[1:] != sorted(values[1:]):
            yield f"{panel['title']}: thresholds"


def legends(dashboard: Json) -> Iterator[str]:
    """A line, a strip or a bar is named by the labels that distinguish it from the others."""
    for panel, target in queries(dashboard):
        named = panel["type"] in {"timeseries", "state-timeline", "bargauge", "heatmap"}
        if named and target.get("legendFormat") in {None, "", "__auto"}:
            yield f"{panel['title']}: legend of {target['refId']}"


def kinds(dashboard: Json) -> Iterator[str]:
    """No kind of panel that Grafana has deprecated."""
    for panel in dashboard["panels"]:
        if panel["type"] not in KINDS:
            yield f"{panel['title']}: {panel['type']}"


def places(dashboard: Json) -> Iterator[str]:
    """Panels have unique numbers, fit the grid and do not overlap; queries have unique letters."""
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids):
        yield "an id twice"
    for panel in panels(dashboard):
        refs = [target["refId"] for target in panel["targets"]]
        if not refs or len(set(refs)) != len(refs):
            yield f"{panel['title']}: refIds"
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']}: off the grid"
    for one, other in combinations(dashboard["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        across = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
        if across and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"{one['title']} overlaps {other['title']}"


def promql(dashboard: Json) -> Iterator[str]:
    """Every expression is PromQL once its variables are replaced."""
    for panel, target in queries(dashboard):
        try:
            promql_parser.parse(interpolated(target["expr"]))
        except (KeyError, ValueError) as error:
            yield f"{panel['title']}: {error}"


def matchers(dashboard: Json) -> Iterator[str]:
    """Every selector of every query says `job=~"$job",instance=~"$instance"`."""
    wanted = {"job": "the job", "instance": "the instance"}
    for panel, target, parsed in _parsed(dashboard, wanted):
        for selector in _selectors(parsed):
            said = {each.name: (each.value, str(each.op)) for each in selector.matchers.matchers}
            for name, value in wanted.items():
                if said.get(name) != (value, "MatchOp.Re"):
                    yield f"{panel['title']}: {target['refId']}: {selector.name} has no {name}"


def rates(dashboard: Json) -> Iterator[str]:
    """A rate is over `$__rate_interval`, and a counter is only shown as a rate."""
    for panel, target, parsed in _parsed(dashboard, {"__rate_interval": "9h59m"}):
        where = f"{panel['title']}: {target['refId']}"
        rated: set[str] = set()
        for call in _nodes(parsed):
            if not isinstance(call, Call) or call.func.name not in RATES:
                continue
            [over] = call.args
            if not isinstance(over, MatrixSelector) or over.range != _MARK:
                yield f"{where}: a rate not over $__rate_interval"
            rated |= {each.name or "" for each in _selectors(over)}
        for selector in _selectors(parsed):
            name = selector.name or ""
            if re.search(r"_(total|bucket|sum)$", name) and name not in rated:
                yield f"{where}: {name} without a rate"


def links(dashboard: Json) -> Iterator[str]:
    """A link to a dashboard keeps the time range and the data source."""
    for panel in panels(dashboard):
        for url in re.findall(r'"url": "([^"]+)"', json.dumps(panel)):
            if url.startswith("/d/"):
                for part in ("${__url_time_range}", "var-datasource=${datasource}"):
                    if part not in url:
                        yield f"{panel['title']}: link without {part}"
            elif not url.startswith("${pages}/"):
                yield f"{panel['title']}: link to {url}"


RULES: Final[tuple[Callable[[Json], Iterator[str]], ...]] = (
    editable, identity, data_source, scrape_variables, query_variables, known_variables,
    described, coloured, legends, kinds, places, promql, matchers, rates, links,
)  # fmt: skip  # a list of names reads as one


def broken(dashboard: Json) -> dict[str, list[str]]:
    """Return what is wrong with `dashboard`, by rule."""
    found = {rule.__name__: list(rule(dashboard)) for rule in RULES}
    return {name: wrong for name, wrong in found.items() if wrong}


def _variables(dashboard: Json) -> list[Json]:
    found: list[Json] = dashboard["templating"]["list"]
    return found


def _parsed(
    dashboard: Json, values: Mapping[str, str]
) -> Iterator[tuple[Json, Json, promql_parser.Expr]]:
    for panel, target in queries(dashboard):
        try:
            parsed = promql_parser.parse(interpolated(target["expr"], {**EVERYTHING, **values}))
        except (KeyError, ValueError):
            continue  # `promql` says so
        yield panel, target, parsed


def _nodes(expression: promql_parser.Expr) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expression, found.append)
    return found


def _selectors(expression: promql_parser.Expr) -> list[VectorSelector]:
    return [each for each in _nodes(expression) if isinstance(each, VectorSelector)]
