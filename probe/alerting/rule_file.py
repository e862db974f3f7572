"""The Prometheus rule file, for the thresholds of a configuration and the addresses of a site.

Pure, and stable: the same thresholds, addresses and causes give the same bytes.
"""

from collections.abc import Mapping
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from probe.alerting.certificates import list_certificate_rules
from probe.alerting.failing import list_failing_rules
from probe.alerting.links import Pages
from probe.alerting.probe_itself import list_probe_rules
from probe.alerting.recording import RECORDING_RULES
from probe.alerting.rule import AlertRule, RecordingRule, RuleGroup, Thresholds
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause

_WRITTEN_BY: Final = "# Written by `mtls-probe rules`; the thresholds are the configuration's.\n"
_ANNOTATIONS: Final = ("summary", "description", "fix", "runbook_url", "dashboard_url")
_OBJECT: Final = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PrometheusRule",
    "metadata": {"name": "mtls-probe", "labels": {"app.kubernetes.io/name": "mtls-probe"}},
}


def build_rule_group(
    thresholds: Thresholds, pages: Pages, catalogue: Mapping[str, Cause] = CATALOGUE
) -> RuleGroup:
    """Return all rules in one group, for they are evaluated in order: alerts rest on recordings."""
    return RuleGroup(
        "mtls-probe",
        (
            *RECORDING_RULES,
            *list_failing_rules(thresholds, pages, catalogue),
            *list_certificate_rules(thresholds, pages, catalogue),
            *list_probe_rules(pages, catalogue),
        ),
    )


def render_rule_file(group: RuleGroup) -> str:
    """Return `group` as a file for `rule_files` of a Prometheus."""
    return _WRITTEN_BY + dump_yaml(_list_groups(group))


def render_prometheus_rule(group: RuleGroup) -> str:
    """Return `group` as an object of the Prometheus operator."""
    return _WRITTEN_BY + dump_yaml({**_OBJECT, "spec": _list_groups(group)})


def dump_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML; a text of several lines is written as it stands."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 2**31  # one line for each other text: what a reader of a change compares
    stream = StringIO()
    yaml.dump(_style(document), stream)
    return stream.getvalue()


def _style(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _style(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_style(each) for each in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def _list_groups(group: RuleGroup) -> dict[str, Any]:
    rules = [_describe_rule(rule) for rule in group.rules]
    return {"groups": [{"name": group.name, "rules": rules}]}


def _describe_rule(rule: AlertRule | RecordingRule) -> dict[str, Any]:
    if isinstance(rule, RecordingRule):
        return {"record": rule.record, "expr": rule.expr}
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        **({"for": rule.hold} if rule.hold else {}),
        "labels": {"severity": rule.severity},
        "annotations": {name: getattr(rule, name) for name in _ANNOTATIONS},
    }
