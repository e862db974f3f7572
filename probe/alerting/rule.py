"""What a Prometheus rule file holds, as plain values: rules, their group, and the thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """A series that Prometheus keeps up to date."""

    record: str
    expr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """An alerting rule; `hold` is for how long `expr` must have held, as Prometheus writes it."""

    alert: str
    expr: str
    hold: str = ""
    severity: str
    summary: str
    description: str
    fix: str
    runbook_url: str
    dashboard_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on alerting rules fire; seconds.

    Args:
        expiry_warning: before the notAfter of a certificate.
        expiry_critical: the same, for the severity critical.
        patience: how long a target must not have been as expected.
    """

    expiry_warning: float = 28 * 86400.0
    expiry_critical: float = 14 * 86400.0
    patience: float = 300.0

    @property
    def window(self) -> str:
        """The patience as Prometheus writes durations."""
        seconds = max(round(self.patience), 1)
        return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together, in order."""

    name: str
    rules: tuple[AlertRule | RecordingRule, ...]
