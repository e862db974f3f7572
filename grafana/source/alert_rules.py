"""Alerting rules that Grafana manages, for users who alert from it: the conditions of probe.alerting.

Grafana expands $NAME in the file from its environment ($$ means one dollar sign), but not in
annotations and not in queries. Every annotation is also expanded where a query fails
(execErrState), without labels and values. A query without series means that nothing is wrong, so
noDataState is OK; the last rule fires when series are missing because nothing is scraped.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from grafana.source.certificates import CERTIFICATES
from grafana.source.fleet import FLEET
from grafana.source.panels import Json
from probe.alerting.failing import OVER_ALL, WHAT_CHANGED
from probe.alerting.links import CAUSE, TARGET, Pages
from probe.alerting.probe_itself import UP
from probe.alerting.recording import FAILING, NAMES, RECORDING_RULES
from probe.alerting.rule import AlertRule, Thresholds
from probe.alerting.rule_file import build_rule_group, dump_yaml

_HEADER: Final = """\
# Written by `python -m grafana.source` from the rules of probe/alerting. Prometheus has these and
# more in config/prometheus/rules: use only one of the two.
"""
_THRESHOLDS: Final = Thresholds()
_RULES: Final = build_rule_group(_THRESHOLDS, Pages()).rules
_NO_RESULT: Final = "Grafana could not evaluate this rule"
_TROUBLESHOOTING: Final = "https://prometheus.io/docs/prometheus/latest/troubleshooting/"
_EXPIRIES: Final = (
    ("client", "Client certificate", "Client certificates"),
    ("server", "Server certificate", "Server certificates"),
    ("ca", "CA certificate", "CA certificates"),
)


def render_alert_rules() -> str:
    """Return the text of grafana/provisioning/alerting/rules.yaml."""
    group = {
        "orgId": 1,
        "name": "mtls-probe",
        "folder": "mTLS probe",
        "interval": "1m",
        "rules": list(_list_rules()),
    }
    return _HEADER + dump_yaml({"apiVersion": 1, "groups": [group]})


def _list_rules() -> Iterator[Json]:
    failing = _find("MtlsProbeFailing")
    yield _describe(
        "failing",
        "Mutual-TLS handshake fails",
        expr=_inline(failing),
        fires=("gt", 0),
        rule=failing,
        # Grafana's templates make no queries: what changed is on the target's page.
        description=failing.description.removesuffix(WHAT_CHANGED),
        otherwise="Until it can, targets that fail are not reported.",
        panel=(FLEET, "Targets not as expected"),
    )
    each = _find("MtlsProbeFailing", place=1)
    yield _describe(
        "failing-addresses",
        "Mutual-TLS handshake fails at some addresses of a name",
        expr=_inline(each),
        fires=("gt", 0),
        # Grafana's templates make no queries: how many addresses there are is on the target's page.
        rule=replace(
            each, summary=f"{TARGET}: {{{{ $value }}}} of its addresses not as expected: {CAUSE}"
        ),
        description=each.description.partition(OVER_ALL)[0],
        otherwise="Until it can, addresses that fail are not reported.",
        panel=(FLEET, "Targets not as expected"),
    )
    for source, title, panel in _EXPIRIES:
        for severity, seconds, part in (
            ("warning", _THRESHOLDS.expiry_warning, "quarter"),
            ("critical", _THRESHOLDS.expiry_critical, "eighth"),
        ):
            days = round(seconds / 86400)
            rule = _find(f"MtlsProbe{source.title()}CertificateExpiring", severity)
            yield _describe(
                f"{source}-expiry-{days}d",
                f"{title} ends within {days} days",
                expr=_inline(rule),
                fires=("lt", round(seconds)),
                rule=rule,
                description=f"{rule.description}\nShort-lived certificates count from the last "
                f"{part} of their lifetime.",
                otherwise="Until it can, certificates that end are not reported.",
                panel=(CERTIFICATES, panel),
            )
    yield from _list_other_rules()
    rule_down = _find("MtlsProbeDown")
    down = _describe(
        "down",
        "mTLS probe is not scraped",
        expr=UP,
        fires=("lt", 1),
        rule=rule_down,
        description="",
        otherwise="",
        panel=(FLEET, "Probes"),
    )
    down["noDataState"] = "Alerting"
    down["annotations"] |= {
        "fix": rule_down.fix,
        "summary": "{{ if $labels.instance }}mtls-probe on {{ $labels.instance }} is down"
        "{{ else if $labels.datasource_uid }}No mtls-probe is scraped"
        f"{{{{ else }}}}{_NO_RESULT}{{{{ end }}}}",
        "description": "Grafana gets no metrics of it, so the other rules say nothing.",
        "runbook_url": _TROUBLESHOOTING,
    }
    yield down


def _list_other_rules() -> Iterator[Json]:
    for name, title, alert, expr, fires, label, panel in (
        (
            "not-requested",
            "mTLS is not enforced",
            "MtlsProbeClientCertificateNotRequested",
            "",
            ("gt", 0),
            "target",
            "Findings",
        ),
        (
            "source-down",
            "A source of targets cannot be read",
            "MtlsProbeSourceDown",
            "mtls_probe_source_up",
            ("lt", 1),
            "instance",
            "Probes",
        ),
        (
            "nothing-to-probe",
            "mTLS probe has nothing to probe",
            "MtlsProbeNothingToProbe",
            "mtls_probe_nothing_to_probe",
            ("gt", 0),
            "instance",
            "Probes",
        ),
    ):
        rule = _find(alert)
        yield _describe(
            name,
            title,
            expr=expr or _inline(rule),
            fires=fires,
            rule=rule,
            description=rule.description,
            otherwise="Until it can, this is not reported.",
            panel=(FLEET, panel),
            label=label,
        )


def _describe(
    name: str,
    title: str,
    *,
    expr: str,
    fires: tuple[str, int],
    rule: AlertRule,
    description: str,
    otherwise: str,
    panel: tuple[Json, str],
    label: str = "target",
) -> Json:
    """Return a rule as provisioning takes it; it fires where `expr` is beyond a threshold.

    Every series has `label`; where it is missing, the query failed.
    """
    board, panel_title = panel
    [panel_id] = [each["id"] for each in board["panels"] if each["title"] == panel_title]
    evaluator, limit = fires
    return {
        "uid": f"mtls-probe-{name}",
        "title": title,
        "condition": "C",
        "data": [
            _ask("A", "prometheus", 900, editorMode="code", instant=True, range=False, expr=expr),
            _ask(
                "C",
                "__expr__",
                0,
                type="threshold",
                expression="A",
                conditions=[{"evaluator": {"type": evaluator, "params": [limit]}}],
            ),
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.hold or "0s",
        "annotations": {
            "summary": _guard(label, rule.summary, _NO_RESULT),
            "description": _guard(label, description, otherwise),
            "fix": _guard(label, rule.fix, ""),
            "runbook_url": _guard("instance", rule.runbook_url, ""),
            "__dashboardUid__": board["uid"],
            "__panelId__": str(panel_id),
        },
        # Outside annotations, $$ is one dollar sign.
        "labels": {"severity": rule.severity.replace("$", "$$")},
        "isPaused": False,
    }


def _ask(ref_id: str, source: str, seconds: int, **model: Any) -> Json:
    kind = "prometheus" if source == "prometheus" else source
    return {
        "refId": ref_id,
        "relativeTimeRange": {"from": seconds, "to": 0},
        "datasourceUid": source,
        "model": {"refId": ref_id, "datasource": {"type": kind, "uid": source}, **model},
    }


def _guard(label: str, text: str, otherwise: str) -> str:
    """Return a template that has `text` where the series has this label."""
    value = text.replace("$value", "$values.A.Value")
    return f"{{{{ if $labels.{label} }}}}{value}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def _inline(rule: AlertRule) -> str:
    """Return its expression for users who have no recording rules."""
    expression = rule.expr
    for name in (FAILING, NAMES):
        expression = expression.replace(name, f"(\n{_get_recorded(name)}\n)")
    return expression


def _find(alert: str, severity: str = "", place: int = 0) -> AlertRule:
    """Return the rule that Prometheus has, by its name and severity, or its place among those."""
    found = [
        rule
        for rule in _RULES
        if isinstance(rule, AlertRule)
        and rule.alert == alert
        and (not severity or rule.severity == severity)
    ]
    return found[place]


def _get_recorded(record: str) -> str:
    return next(rule.expr for rule in RECORDING_RULES if rule.record == record)
