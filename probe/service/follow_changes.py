"""What changed before an attempt: one comparison for each target, kept over reloads."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from msgspec.structs import replace

from probe.changes.change_tracker import ChangeTracker, SettingsVersion
from probe.diagnosis.readings.backend_decision import is_confirmed
from probe.ledger.target_runtime import TargetRuntime, find_expected_cause
from probe.model.evidence import Evidence
from probe.model.target import Target

_SEEN_ELSEWHERE: Final = frozenset(
    {"name", "sources", "remarks", "notes", "labels", "interval", "runs_in", "proxy_url"}
)
"""What decides no outcome, or is compared as a fact of its own (the proxy, the exporter's start)."""


def add_changes(runtime: TargetRuntime, evidence: Evidence) -> Evidence:
    """Return `evidence` with what changed before it, and remember the attempt."""
    if evidence.ending.kind == "probe_fault":
        return evidence
    must_fail = find_expected_cause(evidence) is not None
    tracker = runtime.get_store(ChangeTracker)
    changed = tracker.observe(evidence, good=is_confirmed(evidence) != must_fail)
    return replace(evidence, changed=changed) if changed else evidence


def keep_changes(before: TargetRuntime | None, after: TargetRuntime, at: float) -> None:
    """Compare the attempts of a target with those of before a reload at `at` changed it."""
    if before is None:
        return
    tracker = before.get_store(ChangeTracker)
    if keys := tuple(list_changed_keys(before.target, after.target)):
        tracker.settings = SettingsVersion(tracker.settings.number + 1, keys)
        tracker.settings_at = at
    after.keep_store(tracker)


def list_changed_keys(before: Target, after: Target) -> Iterator[str]:
    """Yield the keys of the configuration in which two targets differ, without any value."""
    for field in fields(Target):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in _SEEN_ELSEWHERE or old == new:
            continue
        if field.name == "tls":
            yield from (
                f"tls.{each.name}"
                for each in fields(old)
                if getattr(old, each.name) != getattr(new, each.name)
            )
        elif field.name == "headers":
            names = dict.fromkeys((*dict(old), *dict(new)))
            yield from (
                f"headers.{name}" for name in names if dict(old).get(name) != dict(new).get(name)
            )
        else:
            yield field.name
