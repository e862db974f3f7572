"""Which alerts are active, since when, and which have ended: the memory that alerts need.

It reads the ledger at intervals and reads no clock (law 7). Nothing outlives the process: at a
start every condition begins anew, as Prometheus's would without its ALERTS_FOR_STATE.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from probe.ledger import TargetState
from probe.outputs.alert import HOLD, Condition
from probe.outputs.result import rfc3339
from probe.outputs.target_lines import label_name
from probe.safe_text import safe_text

KEPT: Final = 900.0
"""Seconds for which an ended alert is still told, as Prometheus's rule manager does."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert with all that Alertmanager and people need; times are epoch seconds."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    generator_url: str
    pending_since: float
    starts_at: float | None = None
    """When it became active; None while it has not lasted long enough."""
    ends_at: float | None = None
    value: float = 1.0


_Key = tuple[str, tuple[str, ...]]


class AlertBook:
    """The alerts of all targets."""

    def __init__(self, instance: str, *, hold: float = HOLD) -> None:
        """Open an empty book.

        Args:
            instance: host:port under which people reach the probe.
            hold: seconds that a condition must last before it is an active alert.
        """
        self._instance = instance
        self._hold = hold
        self._open: dict[_Key, Alert] = {}
        self._ended: list[Alert] = []

    def enter(self, found: Iterable[tuple[TargetState, Condition]], now: float) -> None:
        """Take what is wrong as of `now`; what was wrong and is not has ended."""
        open_: dict[_Key, Alert] = {}
        for state, condition in found:
            key = (condition.alertname, condition.identity)
            before = self._open.get(key)
            since = before.pending_since if before else now
            # Two readings at least: one that came and went is nobody's matter.
            active = before is not None and now - since >= self._hold
            open_[key] = alert = Alert(
                labels=self._labels(state, condition),
                annotations=self._annotations(state, condition),
                generator_url=self._page("targets", state.target.name),
                pending_since=since,
                starts_at=(before.starts_at if before else None) or (now if active else None),
                value=condition.value,
            )
            if before is not None and before.starts_at and before.labels != alert.labels:
                # To Alertmanager another set of labels is another alert.
                self._ended.append(replace(before, ends_at=now))
        gone = (alert for key, alert in self._open.items() if key not in open_)
        self._ended += [replace(alert, ends_at=now) for alert in gone if alert.starts_at]
        shown = [alert.labels for alert in open_.values() if alert.starts_at]
        self._ended = [
            alert
            for alert in self._ended
            if now - (alert.ends_at or now) < KEPT and alert.labels not in shown
        ]
        self._open = open_

    def open(self) -> tuple[Alert, ...]:
        """Return what is pending or active, in a stable order."""
        return tuple(sorted(self._open.values(), key=lambda alert: sorted(alert.labels.items())))

    def to_tell(self) -> Iterator[Alert]:
        """Yield the active alerts, and those that have ended lately."""
        yield from (alert for alert in self.open() if alert.starts_at)
        yield from self._ended

    def _labels(self, state: TargetState, condition: Condition) -> Mapping[str, str]:
        target = state.target
        ours = {
            "alertname": condition.alertname,
            "severity": condition.severity,
            "job": "mtls-probe",
            "instance": self._instance,
            "target": target.name,
            "cause": condition.cause,
            **dict(condition.labels),
        }
        own = {label_name(name): value for name, value in target.labels}
        # An empty value is no label, to Prometheus and to Alertmanager.
        return {name: safe_text(value) for name, value in sorted({**own, **ours}.items()) if value}

    def _annotations(self, state: TargetState, condition: Condition) -> Mapping[str, str]:
        return {
            "summary": condition.summary,
            "description": condition.description,
            "fix": "\n".join(condition.fix),
            "runbook_url": self._page("causes", condition.cause or "unexplained"),
            "dashboard_url": self._page("targets", state.target.name),
        }

    def _page(self, kind: str, name: str) -> str:
        return f"http://{self._instance}/{kind}/{quote(name, safe='', errors='replace')}"


def api_document(alerts: Iterable[Alert]) -> dict[str, Any]:
    """Return alerts in the shape of Prometheus's /api/v1/alerts, which people's tools read."""
    return {
        "status": "success",
        "data": {
            "alerts": [
                {
                    "labels": alert.labels,
                    "annotations": alert.annotations,
                    "state": "firing" if alert.starts_at else "pending",
                    "activeAt": rfc3339(alert.pending_since, "milliseconds"),
                    "value": f"{alert.value:e}",
                }
                for alert in alerts
            ]
        },
    }
