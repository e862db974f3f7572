"""The Prometheus rules: promtool accepts them, their tests see every mistake, their metrics exist."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import promql_parser
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from probe.alerting.links import CAUSES_PAGE, Pages, get_first_step
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from probe.changes.change_tracker import ChangeTracker
from probe.cli.rules_command import rules as command
from probe.config.resource import build_resource
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import Replicas
from probe.metrics.scrape import Metrics
from probe.model.target import Endpoint, SourceState, Target
from tests.config import promtool
from tests.config.conftest import CONFIG
from tests.config.manifests import dump, load
from tests.stories.all_stories import STORIES

FILE: Final = CONFIG / "prometheus" / "rules" / "mtls-probe.yml"
TESTS: Final = tuple(sorted((CONFIG / "prometheus" / "tests").glob("*.yml")))
RULES: Final = promtool.rules_of(FILE.read_text(encoding="utf-8"))
ALERTS: Final = tuple(rule for rule in RULES if "alert" in rule)
RECORDED: Final = frozenset(rule["record"] for rule in RULES if "record" in rule)
OF_THE_SCRAPE: Final = frozenset({"job", "instance"})
_OF_THE_POD: Final = frozenset({"namespace", "pod"})
"""What the Prometheus operator adds to every series."""
_OWN: Final = frozenset({"team", "environment", "zone"})
"""Own labels of targets."""
FROM_ELSEWHERE: Final = frozenset({"up", "ALERTS"})

Shapes = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="session")
def promtool_binary(program: Callable[[str], str]) -> str:
    """The path of promtool."""
    return program("promtool")


@pytest.fixture(scope="session")
def shapes() -> Shapes:
    """The label values of each metric, by its name, of a probe with every story."""
    endpoint = Endpoint("collector.example.com", 4317)
    targets = {
        case.name: Target(
            name=case.name,
            endpoint=endpoint,
            expect_cause="client_cert_not_sent" if case.expected.outcome == "confirmed" else None,
            labels=(("environment", "production"),),
        )
        for case in STORIES
    }
    ledger = Ledger(targets.values())
    pod = {"K8S_NAMESPACE_NAME": "shop", "K8S_POD_NAME": "checkout-1"}
    resource, _ = build_resource({}, pod, host="node", port=9943)
    metrics = Metrics(ledger, resource=resource)
    metrics.service.set_sources(
        [
            SourceState("environment", False, 0, "no variable is set"),
            SourceState("sdk:/etc/sdk.yaml", True, 1),
            SourceState("http_sd:https://inventory.example.com/c", False, 0, "answers 500"),
        ],
        nothing_to_probe=False,
    )
    for case in STORIES:
        tracker = ledger.runtime_of(targets[case.name]).get_store(ChangeTracker)
        changes = {change.what: change.at for change in case.evidence.changed}
        tracker.at_backend = {**tracker.at_backend, **changes}
        ledger.record(targets[case.name], case.evidence, diagnose(case.evidence))
    each = Target(name="each", endpoint=endpoint, addresses="each")
    ledger.replace_targets([*targets.values(), each])
    parent = ledger.runtime_of(each)
    for runtime in parent.get_store(Replicas).follow(each, ["192.0.2.1", "192.0.2.2"], 0.0):
        ledger.record_address(parent, runtime, STORIES[0].evidence, diagnose(STORIES[0].evidence))
    found: Shapes = {}
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    # A matcher may ask for series without the label.
    found["mtls_probe_success"]["address"].add("")
    found["mtls_probe_target_info"].setdefault("namespace", set()).add("")
    return found


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Return the selectors of `expression`."""
    found: list[promql_parser.VectorSelector] = []

    def collect(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), collect)
    return found


def test_the_files_are_what_the_command_prints(config: Path) -> None:
    """A changed cause, threshold or rule changes them: `make rules` writes both."""
    example = ["--config", str(config / "mtls-probe.yml")]
    kubernetes = config / "kubernetes" / "monitoring" / "prometheusrule.yaml"
    for more, path in (([], FILE), (["--kubernetes"], kubernetes)):
        printed = CliRunner().invoke(command, [*example, *more], standalone_mode=False)
        assert printed.return_value == 0
        assert path.read_text(encoding="utf-8") == printed.stdout, f"{path.name} is stale"


def test_promtool_finds_nothing_to_say(promtool_binary: str) -> None:
    """The file passes with every lint."""
    checked = promtool.check(promtool_binary, FILE)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


def test_the_tests_of_the_rules_pass(promtool_binary: str) -> None:
    """Each alerting rule fires where it must and only there."""
    ended = promtool.test(promtool_binary, *TESTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("SUCCESS") == len(TESTS) == 6


@pytest.mark.parametrize("at", range(len(RULES)), ids=lambda at: promtool.name_of(RULES[at]))
def test_the_tests_see_every_mistake(
    promtool_binary: str, config: Path, tmp_path: Path, at: int
) -> None:
    """A rule that never fires, fires at once, or has one operator wrong fails a test of the rules."""
    assert promtool.unseen(promtool_binary, config, tmp_path / "rules", RULES, at) == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_firing_and_a_quiet_case(rule: promtool.Rule) -> None:
    """Both are in the tests under the rule's name."""
    firing = quiet = 0
    for path in TESTS:
        [document] = load(path.read_text(encoding="utf-8"))
        for group in document["tests"]:
            for each in group.get("alert_rule_test", ()):
                if each["alertname"] == rule["alert"]:
                    firing += bool(each["exp_alerts"])
                    quiet += not each["exp_alerts"]
            for each in group.get("promql_expr_test", ()):
                if any(
                    matcher.name == "alertname"
                    and str(matcher.op) in {"MatchOp.Equal", "MatchOp.Re"}
                    and re.fullmatch(matcher.value, rule["alert"])
                    for found in selectors(each["expr"])
                    for matcher in found.matchers.matchers
                ):
                    firing += bool(each["exp_samples"])
                    quiet += not each["exp_samples"]
    assert firing
    assert quiet


def test_rules_read_what_the_probe_exposes(shapes: Shapes) -> None:
    """Each metric, label and label value of an expression exists in a real probe."""
    for rule in RULES:
        for found in selectors(rule["expr"]):
            assert found.name
            if found.name in FROM_ELSEWHERE | RECORDED:
                continue
            assert found.name in shapes, rule
            for matcher in found.matchers.matchers:
                assert matcher.value in shapes[found.name][matcher.name], rule


def test_the_tests_of_the_rules_feed_what_the_probe_exposes(shapes: Shapes) -> None:
    """Their series have the names and labels of a real probe's, all of them and no others."""
    for path in TESTS:
        [document] = load(path.read_text(encoding="utf-8"))
        for series in (
            each["series"] for group in document["tests"] for each in group["input_series"]
        ):
            [found] = selectors(series)
            labels = {matcher.name for matcher in found.matchers.matchers} - OF_THE_SCRAPE
            if found.name == "up":
                continue
            assert found.name in shapes, series
            if found.name == "target_info":
                # The probe's resource, of which any environment gives what it has.
                assert labels - _OF_THE_POD <= shapes[found.name].keys(), series
            elif found.name == "mtls_probe_target_info":
                assert labels <= shapes[found.name].keys() | _OF_THE_POD | _OWN, series
            else:
                labels -= _OF_THE_POD
                # Only series of a target of which each address has its own result have an address.
                assert labels | {"address"} == shapes[found.name].keys() | {"address"}, series


def test_an_alerting_rule_says_what_is_wrong_how_to_fix_it_and_where_to_look() -> None:
    """Every annotation is there; names are CamelCase with one prefix, severities are known ones."""
    for rule in ALERTS:
        assert re.fullmatch(r"MtlsProbe([A-Z][a-z]+)+", rule["alert"])
        assert rule["labels"]["severity"] in {
            "critical",
            "warning",
            '{{ or $labels.severity "critical" }}',
            "{{ if $labels.severity }}{{ $labels.severity }}{{ else }}critical{{ end }}",
        }
        assert rule["annotations"].keys() == {
            "summary",
            "description",
            "fix",
            "runbook_url",
            "dashboard_url",
        }
        assert all(text.strip() for text in rule["annotations"].values())


@pytest.mark.parametrize(
    ("pages", "runbook", "dashboard"),
    [
        (
            Pages(),
            CAUSES_PAGE,
            "http://prometheus:9090/graph?g0.tab=1&g0.expr="
            "%7B__name__%3D~%22mtls_probe_.%2B%22%2Ctarget%3D%22{}%22%7D",
        ),
        (
            Pages(
                "https://wiki.example.com/CAUSES.md#", "https://grafana.example.com/d/x?var-target="
            ),
            "https://wiki.example.com/CAUSES.md#",
            "https://grafana.example.com/d/x?var-target={}",
        ),
    ],
    ids=["the pages that everybody has", "the site's pages"],
)
def test_each_cause_comes_with_its_fix(
    promtool_binary: str, tmp_path: Path, pages: Pages, runbook: str, dashboard: str
) -> None:
    """Prometheus renders the annotations for every cause of the catalogue: its fix, its party, its page."""
    parties = {
        "exporter": "the exporter's side",
        "backend": "the backend's side",
        "network": "the network's operators",
        "probe": "this probe's operators",
        "both": "this probe's operators, and the backend's side",
        "either": "whichever side turns out to be wrong",
    }
    scrape = 'job="mtls-probe",instance="probe:9943"'
    whose = 'server_address="gw",team="payments",namespace="shop",pod="checkout-1"'
    series, expected = [], []
    for cause in CATALOGUE.values():
        own = f'cause="{cause.id}",family="{cause.family}"'
        target = f'{scrape},target="{cause.id}"'
        known = f'documented_cause="0",party="{cause.party}",severity="{cause.severity}"'
        series += [
            {"series": f"mtls_probe_success{{{target}}}", "values": "0x20"},
            {"series": f"mtls_probe_target_info{{{target},{whose}}}", "values": "1x20"},
            {
                "series": f'mtls_probe_cause{{{target},{own},certain="true",party="{cause.party}"}}',
                "values": "1x20",
            },
            {"series": f"mtls_probe_cause_info{{{scrape},{own},{known}}}", "values": "1x20"},
        ]
        labels = {
            "job": "mtls-probe",
            "instance": "probe:9943",
            "target": cause.id,
            "cause": cause.id,
            "family": cause.family,
            "certain": "true",
            "party": cause.party,
            "severity": cause.severity,
            "server_address": "gw",
            "team": "payments",
            "namespace": "shop",
            "pod": "checkout-1",
        }
        annotations = {
            "summary": f"{cause.id} is not as expected: {cause.id}",
            "description": f"Attempts end with {cause.id}, of the family {cause.family}. "
            f"Who must act: {parties[cause.party]}. Backend: gw. Namespace: shop. Pod: checkout-1. "
            "Team: payments.",
            "fix": get_first_step(cause),
            "runbook_url": runbook + cause.id,
            "dashboard_url": dashboard.format(cause.id),
        }
        expected.append({"exp_labels": labels, "exp_annotations": annotations})
    case = {
        "external_url": "http://prometheus:9090",
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [
            {"eval_time": "10m", "alertname": "MtlsProbeFailing", "exp_alerts": expected}
        ],
    }
    (tmp_path / "rules.yml").write_text(
        render_rule_file(build_rule_group(Thresholds(), pages)), "utf-8"
    )
    dump({"rule_files": ["rules.yml"], "tests": [case]}, tmp_path / "test.yml")

    ended = promtool.test(promtool_binary, tmp_path / "test.yml")

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("cause", CATALOGUE.values(), ids=lambda cause: cause.id)
def test_a_fix_reads_well_without_a_target(cause: Cause) -> None:
    """It has no placeholder, and nothing that Prometheus would read as a template."""
    assert not set(get_first_step(cause)) & set("{}")


def test_each_credential_fault_comes_with_its_fix(shapes: Shapes) -> None:
    """The rule on files that are not in use covers every fault that files can have."""
    [rule] = [each for each in ALERTS if each["alert"] == "MtlsProbeCredentialsNotReloading"]
    faults = shapes["mtls_probe_credential_fault"]["cause"]
    assert faults
    assert [each for each in faults if f'cause "{each}"' not in rule["annotations"]["fix"]] == []
