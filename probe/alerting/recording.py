"""The recording rules: which targets fail and why, and a fleet at a glance.

Named `level:metric:operation`. `environment` is a label of the target, or the scrape adds it; without
either it is empty. Joins match on all labels except those in `ignoring`, so each instance joins its
own series. topk(1) leaves one series on the "one" side, so no join fails with duplicates.
"""

from typing import Final

from probe.alerting.rule import RecordingRule

FAILING: Final = "target_cause:mtls_probe_failing:info"
"""1 for each target that is not as expected, with its cause and the catalogue's labels of the cause."""

OF_THE_CAUSE: Final = "cause, family, certain, party, severity"
"""The labels of this series that a target's own series do not have."""

NAMES: Final = "target:mtls_probe_names:info"
"""1 for each target: its backend, and whose it is."""

_WHOSE: Final = "server_address, namespace, pod, team, environment"
"""The labels that every alert on a target gets of it, where they exist.

The last two are a target's own. Namespace and pod are those of the scrape or, without them, of the
probe's own resource.
"""
_A_TARGET: Final = "on (job, instance, target)"

CONFIRMED: Final = "target_server_address:mtls_probe_attempts_confirmed:ratio_rate5m"
"""An SLI: the share of a target's attempts of the last five minutes that ended as expected."""

WELL: Final = "min without (address) (mtls_probe_success)"
"""Whether each target is as expected: where each address has its own result, all of them are."""


def name_series(expression: str) -> str:
    """Return `expression`, whose series are of targets, with the labels that name them."""
    inner = expression.replace("\n", "\n  ")
    return f"(\n  {inner}\n)\n* {_A_TARGET} group_left ({_WHOSE})\n  {NAMES}"


def _count_confirmed(by: str) -> str:
    """Return the share of the attempts of the last five minutes that ended as expected."""
    rates = [
        f"sum by ({by}) (\n    rate({name}[5m])\n  * {_A_TARGET} group_left ({_WHOSE})\n"
        f"    {NAMES}\n)"
        for name in ("mtls_probe_failures_total", "mtls_probe_attempts_total")
    ]
    return f"1 -\n{rates[0]}\n/\n({rates[1]} > 0)"


RECORDING_RULES: Final = (
    RecordingRule(
        record=NAMES,
        # Whatever of it is missing, every target is in it, once: no alert is lost to a join.
        expr=f"""\
topk by (job, instance, target) (1, group by (job, instance, target, {_WHOSE}) (
    mtls_probe_target_info{{namespace!=""}}
  or {_A_TARGET}
    label_replace(
      label_replace(
          mtls_probe_target_info
        * on (job, instance) group_left (k8s_namespace_name, k8s_pod_name)
          topk by (job, instance) (1, target_info),
        "namespace", "$1", "k8s_namespace_name", "(.+)"
      ),
      "pod", "$1", "k8s_pod_name", "(.+)"
    )
  or {_A_TARGET}
    mtls_probe_target_info
  or {_A_TARGET}
    mtls_probe_success
  or {_A_TARGET}
    mtls_probe_interval_seconds
))""",
    ),
    RecordingRule(
        record=FAILING,
        # Who must act follows the evidence and is a label of mtls_probe_cause itself. A cause that
        # mtls_probe_cause_info does not have stays, without severity.
        expr="""\
(
    mtls_probe_cause
  * ignoring (target, certain, documented_cause, party, severity) group_left (severity)
    topk without (documented_cause, party, severity) (1, mtls_probe_cause_info)
  or ignoring (severity)
    mtls_probe_cause
)
and ignoring (cause, family, certain, party, severity)
  mtls_probe_success == 0""",
    ),
    RecordingRule(
        record="job_cause_family_party:mtls_probe_failing:count",
        # Targets: a name of which three addresses fail for one cause counts once.
        expr=f"count by (job, cause, family, party) (count without (address, certain) ({FAILING}))",
    ),
    RecordingRule(
        record="job:mtls_probe_failing:count",
        # bool: a fleet in which nothing fails has 0, not nothing.
        expr=f"sum by (job) ({WELL} == bool 0)",
    ),
    RecordingRule(record="job:mtls_probe_success:avg", expr=f"avg by (job) ({WELL})"),
    RecordingRule(
        record="job_environment:mtls_probe_success:avg",
        expr=f"""\
avg by (job, environment) (
    {WELL}
  * on (job, instance, target) group_left (environment)
    topk by (job, instance, target) (1, mtls_probe_target_info)
)""",
    ),
    RecordingRule(
        record="job_source:mtls_probe_earliest_expiry_timestamp_seconds:min",
        expr="min by (job, source) (mtls_probe_earliest_expiry_timestamp_seconds)",
    ),
    RecordingRule(
        record=CONFIRMED,
        expr=_count_confirmed(f"job, instance, target, {_WHOSE}"),
    ),
    RecordingRule(
        record="server_address:mtls_probe_attempts_confirmed:ratio_rate5m",
        expr=_count_confirmed("server_address"),
    ),
)
