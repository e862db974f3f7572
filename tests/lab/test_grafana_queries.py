"""Every expression of dashboards, alerts and rules, run by a Prometheus that scraped a real probe.

The probe watches backends of every kind, healthy and faulty; where data is due, there must be some.
"""

import re
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from probe.demo.scenarios import SCENARIOS
from tests.config.conftest import CONFIG
from tests.config.grafana import (
    EVERYTHING,
    Json,
    alert_rules,
    dashboards,
    interpolated,
    panels,
    queries,
)
from tests.config.manifests import dump
from tests.config.promtool import name_of, rules_of
from tests.lab.faulty_backends import faulty_backends, probe_of_nothing
from tests.lab.monitoring import Prometheus, prometheus
from tests.support.ports import reserved_port

Series = tuple[dict[str, str], float]

RULE_FILE: Final = CONFIG / "prometheus" / "rules" / "mtls-probe.yml"
RULES: Final = rules_of(RULE_FILE.read_text(encoding="utf-8"))
BOARDS: Final = dashboards()
HEALTHY: Final = "healthy-grpc"
BROKEN: Final = {one.name: one.expected for one in SCENARIOS if one.expected} | {
    "backend-gone": "tcp_refused"
}
BY_ADDRESS: Final = {"every-address-refuses": "client_ca_untrusted"}
"""Of which each address has its own result: their series have the label `address`."""
CHOSEN: Final = "documented-cause-1-client-ca-untrusted"
"""The target that the dashboard `target` shows, except for panels that need another one."""
HAS_DATA: Final = {
    "Last as expected": HEALTHY,
    "Findings": "backend-not-reloading",
    "Faults of the credential files": "key-file-broken-later",
    "Clock offset": "clock-ten-minutes-ahead",
}
EMPTY_IF_HEALTHY: Final = {
    "Cause": "no cause is in force",
    "Causes over time": "no cause was in force",
    "Findings": "nothing is found",
    "Faults of the credential files": "the files are good",
    "Clock offset": "gRPC answers carry no Date",
}
"""Panels that are empty, at least in part, for a healthy target, and why."""
COUNTED: Final = {
    "Not as expected": len(BROKEN) + 3,  # never-answers, not-enforced and every-address-refuses
    "mTLS not enforced": 1,
    "Not probed any more": 1,  # never-ends
    "Probes down": 1,
    "Expire within 14 days": 4,  # a client's, a server's, a CA's with a server's of it
    "Renewals not in use": 1,
}
"""What panels with one number show for these targets."""
ENDS_SOON: Final = {"client-certificate-ends", "documented-cause-3-client-cert-expired"}
FIRES: Final = {
    "mtls-probe-failing": set(BROKEN),
    "mtls-probe-failing-addresses": set(BY_ADDRESS),
    "mtls-probe-client-expiry-28d": ENDS_SOON,
    "mtls-probe-client-expiry-14d": ENDS_SOON,
    "mtls-probe-server-expiry-28d": {"server-certificate-ends"},
    "mtls-probe-server-expiry-14d": {"server-certificate-ends"},
    "mtls-probe-ca-expiry-28d": {"ca-certificate-ends"},
    "mtls-probe-ca-expiry-14d": {"ca-certificate-ends"},
    "mtls-probe-not-requested": {"takes-anyone"},
    "mtls-probe-source-down": {""},
    "mtls-probe-nothing-to-probe": {""},
    "mtls-probe-down": {""},
}
"""For which targets each of Grafana's rules fires."""


class Watched:
    """A Prometheus with some seconds of data from these targets."""

    def __init__(self, prometheus: Prometheus) -> None:
        """Note when the first and the last sample are from."""
        self.prometheus = prometheus
        firsts = "max(min_over_time(timestamp(mtls_probe_success)[5m:1s]))"
        [(_, first)] = prometheus.query(firsts)
        self.now = time.time()
        self.later = first + 301
        """When the first samples are five minutes old, and the last ones not yet too old."""

    def at(self, expression: str, moment: float | None = None) -> list[Series]:
        """Return what an instant query finds at `moment`, by default when all targets were ready."""
        found = self.prometheus.get(
            "/api/v1/query", query=expression, time=str(moment or self.now)
        )["data"]
        assert found["resultType"] == "vector", expression
        return [(one["metric"], float(one["value"][1])) for one in found["result"]]

    def over_time(self, expression: str) -> list[Series]:
        """Return labels and last value of what a query over ten seconds finds."""
        found = self.prometheus.get(
            "/api/v1/query_range",
            query=expression,
            start=str(self.now - 10),
            end=str(self.now),
            step="2",
        )["data"]["result"]
        return [(one["metric"], float(one["values"][-1][1])) for one in found]

    def shown(self, target: Json, /, **values: str) -> list[Series]:
        """Return what a panel's query finds, with the request that Grafana sends."""
        expression = interpolated(target["expr"], {**EVERYTHING, **values})
        return self.at(expression) if target["instant"] else self.over_time(expression)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Prometheus after twelve seconds, with the rules of the project and Grafana's."""
    folder = tmp_path_factory.mktemp("grafana")
    dump({"groups": [{"name": "grafana", "rules": as_prometheus_has_them()}]}, folder / "own.yml")
    with (
        faulty_backends(folder) as probe,
        probe_of_nothing(folder) as idle,
        reserved_port() as port,
    ):
        job = {
            "job_name": "mtls-probe",
            "static_configs": [{"targets": [probe.address, idle.address, f"127.0.0.1:{port}"]}],
        }
        other = {"job_name": "prometheus", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
        files = [RULE_FILE, folder / "own.yml"]
        with prometheus(folder, [job, other], rule_files=files) as watching:
            watching.has("mtls_probe_success offset 12s", 40)
            yield Watched(watching)


def as_prometheus_has_them() -> list[Json]:
    """Return Grafana's rules as alerts of Prometheus that fire at once, for their templates."""
    signs = {"lt": "<", "gt": ">"}
    found = []
    for rule in alert_rules():
        [query, threshold] = (each["model"] for each in rule["data"])
        [condition] = threshold["conditions"]
        [limit] = condition["evaluator"]["params"]
        expression = query["expr"].replace("[5m]", "[5s]").replace("offset 5m", "offset 5s")
        found.append(
            {
                "alert": rule["uid"],
                "expr": f"({expression}) {signs[condition['evaluator']['type']]} {limit}",
                "labels": rule["labels"],
                "annotations": {
                    name: text.replace("$values.A.Value", "$value")
                    for name, text in rule["annotations"].items()
                },
            }
        )
    return found


def every_query(*names: str) -> list[Any]:
    """Return each query of the dashboards `names` as a parameter of a test."""
    return [
        pytest.param(panel, target, id=f"{name}-{panel['title']}-{target['refId']}")
        for name in names
        for panel, target in queries(BOARDS[name])
    ]


@pytest.mark.parametrize(("panel", "target"), every_query("fleet.json", "certificates.json"))
def test_a_panel_shows_data(watched: Watched, panel: Json, target: Json) -> None:
    """Every panel has data, and each legend names the labels that distinguish its series."""
    found = watched.shown(target)
    assert found != []
    labels_are_there(target, found)


@pytest.mark.parametrize(("panel", "target"), every_query("target.json"))
def test_a_panel_of_one_target_shows_data(watched: Watched, panel: Json, target: Json) -> None:
    """The same for the target that a panel has data for."""
    found = watched.shown(target, target=HAS_DATA.get(panel["title"], CHOSEN))
    assert found != []
    labels_are_there(target, found)


@pytest.mark.parametrize(("panel", "target"), every_query("target.json"))
def test_a_healthy_target_has_no_fault_to_show(watched: Watched, panel: Json, target: Json) -> None:
    """Panels of faults are empty for it, and no others are."""
    found = watched.shown(target, target=HEALTHY)
    if panel["title"] in EMPTY_IF_HEALTHY and target["refId"] == "A":
        assert found == [], EMPTY_IF_HEALTHY[panel["title"]]
    else:
        assert found != []


def labels_are_there(target: Json, found: list[Series]) -> None:
    """A name in the legend that no series has would leave it blank."""
    for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
        assert [labels for labels, _ in found if name not in labels] == [], name


@pytest.mark.parametrize("name", BOARDS)
def test_columns_are_there(watched: Watched, name: str) -> None:
    """A column that is named, linked from, or hidden is a label or the value of a query."""
    for panel in panels(BOARDS[name]):
        if panel["type"] != "table":
            continue
        several = len(panel["targets"]) > 1
        there = {"Time", "__name__"} | ({"Value"} if several else set())
        for target in panel["targets"]:
            there.add(f"Value #{target['refId']}" if several else "Value")
            chosen = HAS_DATA.get(panel["title"], CHOSEN) if name == "target.json" else ".+"
            for labels, _ in watched.shown(target, target=chosen):
                there |= labels.keys()
        organised = panel["transformations"][-1]["options"]
        named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        linked = set(re.findall(r"__data\.fields\.(\w+)", str(panel)))
        hidden = set(organised["excludeByName"])
        # Empty, but for a target of which each address has its own result.
        assert named | hidden <= there | {"address"}, panel["title"]
        assert linked <= there - hidden, panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_choices(watched: Watched, name: str) -> None:
    """label_values, with the request that Grafana sends."""
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            query = interpolated(variable["query"]["query"])
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
            assert found
            selector = {"match[]": found[1]}
            choices = watched.prometheus.get(f"/api/v1/label/{found[2]}/values", **selector)
            assert choices["data"], variable["name"]


@pytest.mark.parametrize("title", COUNTED)
def test_numbers_are_right(watched: Watched, title: str) -> None:
    """Panels of one number count what is wrong with these targets, and nothing else."""
    [target] = [
        target
        for name in ("fleet.json", "certificates.json")
        for panel, target in queries(BOARDS[name])
        if panel["title"] == title
    ]
    assert [value for _, value in watched.shown(target)] == [COUNTED[title]]


def test_the_table_of_failures_says_who_must_act(watched: Watched) -> None:
    """One line for each broken target, with its cause, its family and its party; no other."""
    [target] = [
        target
        for panel, target in queries(BOARDS["fleet.json"])
        if panel["title"] == "Targets not as expected" and target["refId"] == "A"
    ]
    found = [labels for labels, _ in watched.shown(target)]
    assert {labels["target"]: labels["cause"] for labels in found} == BROKEN | BY_ADDRESS
    assert len(found) == len(BROKEN) + 1
    for labels in found:
        assert labels["family"]
        assert labels["severity"] == "critical"
        assert labels["party"] in {"exporter", "backend", "network"}


def test_states_are_distinguished(watched: Watched) -> None:
    """As expected, unconfirmed, failed, wrongly accepted: each target in its state, healthy ones left out."""
    [target] = [
        target
        for panel, target in queries(BOARDS["fleet.json"])
        if panel["type"] == "state-timeline"
    ]
    states = {labels["target"]: value for labels, value in watched.shown(target)}
    assert states == dict.fromkeys(BROKEN | BY_ADDRESS, 2) | {"never-answers": 1, "not-enforced": 3}


def test_the_first_to_end_comes_first(watched: Watched) -> None:
    """Bars of days left rise from the certificate that ends first."""
    for panel, target in queries(BOARDS["certificates.json"]):
        if panel["title"] in {"Client certificates", "Server certificates", "CA certificates"}:
            days = [value for _, value in watched.shown(target)]
            assert days == sorted(days)
            assert any(9 < value < 10 for value in days), panel["title"]


def test_a_team_and_a_target_narrow_what_is_shown(watched: Watched) -> None:
    """A team without targets shows nothing; one target shows only itself."""
    [target] = [
        target for panel, target in queries(BOARDS["fleet.json"]) if panel["title"] == "As expected"
    ]
    assert watched.shown(target, team="nobody") == []
    assert [value for _, value in watched.shown(target, target=HEALTHY)] == [1]
    assert [value for _, value in watched.shown(target, team="payments", target=CHOSEN)] == [0]


def test_histograms_carry_exemplars(watched: Watched) -> None:
    """Where a panel asks for exemplars, Prometheus has some, with the target in them."""
    asked = [target for _, target in queries(BOARDS["fleet.json"]) if target["exemplar"]]
    assert len(asked) == 1
    for target in asked:
        found = watched.prometheus.get(
            "/api/v1/query_exemplars",
            query=interpolated(target["expr"]),
            start=str(watched.now - 60),
            end=str(watched.now + 60),
        )["data"]
        assert found
        assert all(one["labels"]["target"] for series in found for one in series["exemplars"])


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["uid"])
def test_grafana_fires_for_whom_it_must(watched: Watched, rule: Json) -> None:
    """Each of its rules, evaluated as Grafana evaluates it: a query, then a threshold on it."""
    [query, threshold] = (each["model"] for each in rule["data"])
    [condition] = threshold["conditions"]
    [limit] = condition["evaluator"]["params"]
    below = condition["evaluator"]["type"] == "lt"
    moment = watched.later if " offset " in query["expr"] else None
    firing = {
        labels.get("target", "")
        for labels, value in watched.at(query["expr"], moment)
        if (value < limit if below else value > limit)
    }
    assert firing == FIRES[rule["uid"]]


def test_grafana_says_it_in_words(watched: Watched) -> None:
    """Prometheus, whose templates are Grafana's, finds nothing wrong with the annotations."""
    alerts = [each for each in watched.prometheus.alerts() if each["labels"]["alertname"] in FIRES]
    assert {each["labels"]["alertname"] for each in alerts} == FIRES.keys()
    for each in alerts:
        said = " ".join(each["annotations"].values())
        assert "error" not in said, said
        assert "{{" not in said, said
        assert "<no value>" not in said, said
        assert each["labels"].get("target", "mtls-probe") in said
        assert each["labels"]["severity"] in {"critical", "warning"}


HERE: Final = [at for at, rule in enumerate(RULES) if "receiver_client_ca" not in rule["expr"]]
"""Where each rule stands; a receiver's files are probed, with a Prometheus, by test_receivers.py."""


@pytest.mark.parametrize("at", HERE, ids=lambda at: f"{at}-{name_of(RULES[at])}")
def test_a_rule_of_prometheus_finds_something(watched: Watched, at: int) -> None:
    """Every rule that users install finds a target here, and never the healthy one."""
    rule = RULES[at]
    moment = watched.later if " offset " in rule["expr"] else None
    found = watched.at(rule["expr"], moment)
    assert found != []
    if "alert" in rule:
        assert HEALTHY not in {labels.get("target") for labels, _ in found}


@pytest.mark.parametrize("name", [rule["record"] for rule in RULES if "record" in rule])
def test_what_is_recorded_is_there(watched: Watched, name: str) -> None:
    """The rules run in this Prometheus, and their series have samples."""
    assert watched.at(name) != []


def test_a_misspelt_expression_would_be_seen(watched: Watched) -> None:
    """Prometheus has no data for a metric or a label value that does not exist."""
    for expression in ("mtls_probe_succes", 'mtls_probe_outcome{outcome="ok"}'):
        assert watched.at(expression) == []
