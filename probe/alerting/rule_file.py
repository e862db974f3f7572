"""The Prometheus rule file, for the thresholds of a configuration and the addresses of a site.

Pure, and stable: the same thresholds and addresses give the same bytes.
"""

from typing import Final

from probe.alerting.certificates import list_certificate_rules
from probe.alerting.failing import list_failing_rules
from probe.alerting.links import Pages
from probe.alerting.probe_itself import list_probe_rules
from probe.alerting.recording import RECORDING_RULES
from probe.alerting.rule import RuleGroup, Thresholds, groups_yaml, indent_text

_WRITTEN_BY: Final = "# Written by `mtls-probe rules`; the thresholds are the configuration's.\n"
_OBJECT: Final = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mtls-probe
  labels:
    app.kubernetes.io/name: mtls-probe
spec:
"""


def rule_group(thresholds: Thresholds, pages: Pages) -> RuleGroup:
    """Return all rules in one group, for they are evaluated in order: alerts rest on recordings."""
    return RuleGroup(
        "mtls-probe",
        (
            *RECORDING_RULES,
            *list_failing_rules(thresholds, pages),
            *list_certificate_rules(thresholds, pages),
            *list_probe_rules(pages),
        ),
    )


def rule_file(group: RuleGroup) -> str:
    """Return `group` as a file for `rule_files` of a Prometheus."""
    return _WRITTEN_BY + groups_yaml([group])


def prometheus_rule(group: RuleGroup) -> str:
    """Return `group` as an object of the Prometheus operator."""
    return _WRITTEN_BY + _OBJECT + indent_text(groups_yaml([group]), 2)
