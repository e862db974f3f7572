"""`mtls-probe rules`: thresholds and addresses come into the rules, and the YAML is well made."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from probe.alerting.links import Pages
from probe.alerting.rule import (
    AlertRule,
    RecordingRule,
    RuleGroup,
    Thresholds,
)
from probe.alerting.rule_file import build_rule_group, render_prometheus_rule, render_rule_file
from probe.cli.rules_command import rules as command

ENVIRONMENT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example.com:4317"}
# Mostly what means something in YAML.
CHARACTER = st.sampled_from("\"'\\:#{}[]-&*!|>%@,?~ =5ne") | st.characters(
    exclude_categories=("C", "Z")
)
LINE = st.text(CHARACTER).map(str.strip).filter(bool)


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command in an environment that configures nothing but what `env` says."""
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": None} | (env or {})
    return CliRunner().invoke(command, arguments, env=own, standalone_mode=False)


def rule(name: str, *, severity: str = "warning", text: str | None = None) -> str:
    """Return the expression of an alert in `text`, by default the rules with no option."""
    [document] = YAML(typ="safe").load_all(
        text or render_rule_file(build_rule_group(Thresholds(), Pages()))
    )
    [found] = [
        each["expr"]
        for group in document["groups"]
        for each in group["rules"]
        if each.get("alert") == name and each["labels"]["severity"] == severity
    ]
    return str(found)


def test_the_environment_is_enough() -> None:
    """Beside an exporter there is no file: thresholds are the defaults, 28 and 14 days."""
    printed = run(env=ENVIRONMENT)
    assert printed.return_value == 0
    assert printed.stdout == render_rule_file(build_rule_group(Thresholds(), Pages()))
    assert "< 28 * 86400\n" in rule("MtlsProbeClientCertificateExpiring")
    assert "< 14 * 86400\n" in rule("MtlsProbeClientCertificateExpiring", severity="critical")


def test_thresholds_alone_are_enough() -> None:
    """With neither file nor environment the rules are those of the defaults."""
    ended = run()
    assert "alert: MtlsProbeFailing" in ended.stdout
    assert (ended.exit_code, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "name",
    [
        "MtlsProbeClientCertificateExpiring",
        "MtlsProbeServerCertificateExpiring",
        "MtlsProbeCaCertificateExpiring",
    ],
)
def test_thresholds_are_those_of_the_configuration(tmp_path: Path, name: str) -> None:
    """Whole days, whole hours and anything else come into the expressions as they are."""
    file = tmp_path / "mtls-probe.yml"
    file.write_text("alerts: {expiry_warning: 30h, expiry_critical: 90m30s}\n")
    text = run("--config", str(file)).stdout
    assert "< 30 * 3600\n" in rule(name, text=text)
    assert "< 5430\n" in rule(name, severity="critical", text=text)


def test_patience_is_the_range_of_what_fails() -> None:
    """Whole minutes are minutes, so that the file reads well."""
    for seconds, window in ((300.0, "5m"), (90.0, "90s"), (1.0, "1s")):
        text = render_rule_file(build_rule_group(Thresholds(patience=seconds), Pages()))
        expression = rule("MtlsProbeUnconfirmed", text=text)
        assert f"max_over_time(mtls_probe_success[{window}]) == 0" in expression
        assert f"mtls_probe_success offset {window}" in expression


def test_links_lead_where_the_site_says() -> None:
    """A base ends as it must for what is appended: a folder gets its slash, an anchor none."""
    text = run(
        "--runbook-url",
        "https://wiki.example.com/causes",
        "--dashboard-url",
        "https://grafana.example.com/d/x?var-target=",
        env=ENVIRONMENT,
    ).stdout
    assert "https://wiki.example.com/causes/{{ $labels.cause }}" in text
    assert "https://wiki.example.com/causes/probe_fault" in text
    assert "https://grafana.example.com/d/x?var-target={{ reReplaceAll" in text
    assert "http://{{ $labels.instance }}" not in text
    assert (
        Pages("https://x/CAUSES.md#").link_cause("tcp_refused") == "https://x/CAUSES.md#tcp_refused"
    )


def test_links_lead_where_everybody_can_go_by_default() -> None:
    """To the repository and to Prometheus, and never to an address that only Prometheus reaches."""
    rules = [
        each
        for each in build_rule_group(Thresholds(), Pages()).rules
        if isinstance(each, AlertRule)
    ]
    for each in rules:
        assert each.runbook_url.startswith(
            "https://github.com/example/mtls-probe/blob/main/CAUSES.md#"
        )
        assert each.dashboard_url.startswith("{{ $externalURL }}/")


@pytest.mark.parametrize(
    "address", ["wiki.example.com", "javascript:alert(1)", "https://a\nb", "-"]
)
def test_an_address_is_one(address: str) -> None:
    """What cannot be opened, or would break the line, is refused before anything is printed."""
    for option in ("--runbook-url", "--dashboard-url"):
        ended = run(option, address, env=ENVIRONMENT)
        assert isinstance(ended.exception, click.BadParameter)
        assert ended.stdout == ""


def test_kubernetes_gets_the_same_rules_in_an_object() -> None:
    """The specification of the PrometheusRule is the rule file."""
    group = build_rule_group(Thresholds(), Pages())
    read = YAML(typ="safe").load
    wrapped = read(run("--kubernetes", env=ENVIRONMENT).stdout)
    assert wrapped == read(render_prometheus_rule(group))
    assert (wrapped["apiVersion"], wrapped["kind"]) == (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
    )
    assert wrapped["spec"] == read(render_rule_file(group))


@given(st.lists(st.lists(LINE, min_size=1, max_size=3).map("\n".join), min_size=4, max_size=4))
@example(['it\'s "so"', "a\n\n  b", "it's", '{{ or $x "y" }}'])
@settings(max_examples=100)
def test_yaml_says_what_it_was_given(texts: list[str]) -> None:
    """Whatever stands in a rule, a reader of the YAML gets it back."""
    summary, expr, word, severity = texts
    group = RuleGroup(
        "g",
        (
            RecordingRule(record="a:b:c", expr=expr),
            AlertRule(
                alert="A",
                expr=expr,
                severity=severity,
                summary=summary,
                description=word,
                fix="f",
                runbook_url="r",
                dashboard_url="d",
            ),
        ),
    )
    assert YAML(typ="safe").load(render_rule_file(group)) == {
        "groups": [
            {
                "name": "g",
                "rules": [
                    {"record": "a:b:c", "expr": expr},
                    {
                        "alert": "A",
                        "expr": expr,
                        "labels": {"severity": severity},
                        "annotations": {
                            "summary": summary,
                            "description": word,
                            "fix": "f",
                            "runbook_url": "r",
                            "dashboard_url": "d",
                        },
                    },
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    "word", ["true", "No", "on", "null", "12", "1e3", "5m", "~", "- a", "a: b"]
)
def test_a_word_stays_a_text(word: str) -> None:
    """What YAML takes for something else is quoted."""
    group = RuleGroup("g", (RecordingRule(record="r", expr=word),))
    assert YAML(typ="safe").load(render_rule_file(group))["groups"][0]["rules"][0]["expr"] == word
