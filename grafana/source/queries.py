"""PromQL expressions that more than one panel uses; docs/metrics.md lists the metrics."""

from typing import Final

from grafana.source.panels import SCRAPED
from probe.alerting.certificates import INFO, NAMES
from probe.alerting.recording import CONFIRMED

OF_TARGETS: Final = f'{SCRAPED},target=~"$target"'
TEAM: Final = (
    f"on (job, instance, target) mtls_probe_target_info{{{SCRAPED},"
    'target=~"$target",team=~"$team"}'
)
"""The right side of an `and` that keeps targets whose own label `team`, if any, is chosen."""


def chosen(metric: str, matchers: str = "") -> str:
    """Return `metric` of the targets that the variables target and team choose."""
    more = f",{matchers}" if matchers else ""
    return f"({metric}{{{OF_TARGETS}{more}}} and {TEAM})"


def share_confirmed(by: str, matchers: str) -> str:
    """Return the recorded share of attempts that ended as expected, of each of `by`."""
    return f"avg by ({by}) ({CONFIRMED}{{{matchers}}})"


UP: Final = (
    f"up{{{SCRAPED}}} and on (job) last_over_time(mtls_probe_targets{{{SCRAPED}}}[$__range])"
)
"""Whether each probe is scraped: `up` of the jobs that have probes, and of no others."""

OF_PROBES: Final = f"and on (job, instance) mtls_probe_targets{{{SCRAPED}}}"
"""The right side of an operator that keeps, of the metrics of every process, those of probes."""

KNOWN_CAUSES: Final = f"topk by (job, instance, cause) (1, mtls_probe_cause_info{{{SCRAPED}}})"
"""Each cause once, even when a probe of another version was scraped a moment ago."""


def failing(success: str, cause: str) -> str:
    """Return 1 for each target not as expected that has a cause: with family, party, severity."""
    return (
        f"{cause} * on (job, instance, cause) group_left (documented_cause, severity) "
        f"{KNOWN_CAUSES} and on (job, instance, target, address) ({success} == 0)"
    )


def state(success: str, outcome: str) -> str:
    """Return the state of each target: 0 as expected, 1 unconfirmed, 2 failed, 3 wrongly accepted.

    `outcome` is a selector without its closing brace.
    """
    of = "on (job, instance, target, address)"
    return (
        f"({success} == 1) * 0 "
        f'or {of} {outcome},outcome="unconfirmed"}} '
        f'or {of} 2 * {outcome},outcome="failed"}} '
        f'or {of} 3 * {outcome},outcome="confirmed"}}'
    )


NOT_AFTER: Final = "mtls_probe_certificate_not_after_timestamp_seconds"
NOT_BEFORE: Final = "mtls_probe_certificate_not_before_timestamp_seconds"
EARLIEST: Final = "mtls_probe_earliest_expiry_timestamp_seconds"


def keep_used(dates: str, matchers: str) -> str:
    """Return `dates`, of certificates, without those that no verified path uses."""
    return f'({dates} and ignoring ({NAMES}) {INFO}{{{SCRAPED},{matchers},used="true"}})'
