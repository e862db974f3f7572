"""One log line for each change of a target's outcome or cause, and of its findings.

Repetitions are silent: the metrics count them. A target that
flaps gets a few lines, and then one now and again, which says how many changes were passed over.
How often is measured on the monotonic clock: a step of the wall clock neither silences nor floods.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import structlog

from probe.changes.describe_change import describe_change, describe_changes
from probe.ledger.replicas import list_results
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.shared import share
from probe.model.target import SourceState
from probe.model.trace_context import log_fields
from probe.system.fault_log import TokenBucket
from probe.text.safe_text import safe_text
from probe.text.time_format import rfc3339

BURST: Final = 6
EVERY: Final = 600.0
"""Lines that a target gets at once, and the seconds until one more."""

_Ended = tuple[str, str | None]


@dataclass(slots=True)
class _Reported:
    """What was logged of a target, how it ended last, how many changes were not: a runtime's part."""

    outcome: _Ended | None = None
    last: _Ended | None = None
    new: bool = False
    """Whether `outcome` has not been written yet."""
    passed_over: int = 0
    findings: frozenset[str] = frozenset()
    changes_until: float = 0.0
    """When the latest change of the backend was first seen that has been written."""
    logged: Diagnosis | None = None
    """A diagnosis of which nothing is left to be logged; not where addresses have their own."""
    outcomes: TokenBucket = field(default_factory=lambda: TokenBucket(burst=BURST, every=EVERY))
    _of_findings: TokenBucket | None = None

    @property
    def of_findings(self) -> TokenBucket:
        """Their own: many findings shall not silence a change of the outcome. Most targets have none."""
        if self._of_findings is None:
            self._of_findings = TokenBucket(burst=BURST, every=EVERY)
        return self._of_findings


@dataclass(slots=True)
class _Addresses:
    """The addresses of a target that were logged: a runtime's part."""

    logged: tuple[str, ...] = ()
    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(burst=BURST, every=EVERY))


class ChangeLog:
    """Writes a line when what is known of a target changes; the ledger calls it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Take `clock`, which gives monotonic seconds."""
        self._clock = clock
        self._log = structlog.get_logger("mtls_probe")

    def log_changes(self, runtime: TargetRuntime) -> None:
        """Write a line if the outcome or the cause is another than the one logged last.

        Where that had to wait, it is made up for, even if nothing changes any more. Addresses of one
        target that now end in the same way share a line.
        """
        known = runtime.get_store(_Reported)
        evidence = runtime.evidence
        if (
            known.logged is not None
            and known.logged is runtime.diagnosis
            and not (evidence and evidence.changed)
        ):
            return
        results = [each for each in list_results(runtime) if each.diagnosis is not None]
        changed: dict[_Ended, list[TargetRuntime]] = {}
        passed_over = 0
        for each in results:
            assert each.diagnosis is not None
            ended = (each.diagnosis.outcome, each.diagnosis.cause)
            reported = each.get_store(_Reported)
            passed_over += self._take_change(reported, ended)
            if reported.outcome == ended and reported.new:
                reported.new = False
                changed.setdefault(ended, []).append(each)
        if runtime.target.has_replicas:
            self._log_addresses(runtime, results)
        for alike in changed.values():
            self._log_outcome(runtime, alike, len(results), passed_over)
        for each in results:
            self._log_backend_changes(runtime, each)
        if known.findings or any(each.diagnosis and each.diagnosis.findings for each in results):
            self._log_findings(runtime, results, known)
        known.logged = _get_logged(runtime, known)

    def _log_backend_changes(self, runtime: TargetRuntime, having: TargetRuntime) -> None:
        """Log each change of the backend once that did no harm; others are in the outcome's line."""
        evidence = having.evidence
        if evidence is None or not evidence.changed or not having.expected or having.changed:
            return
        known = having.get_store(_Reported)
        for change in evidence.changed:
            if change.at > known.changes_until and known.of_findings.take(self._clock()):
                known.changes_until = change.at
                self._log.warning(
                    "target_backend_changed",
                    target=safe_text(runtime.target.name),
                    **({"address": having.target.replica} if having.target.replica else {}),
                    what=change.what,
                    changed=describe_change(change),
                    first_seen=rfc3339(change.at),
                    **log_fields(having.trace),
                )

    def _take_change(self, known: _Reported, ended: _Ended) -> int:
        """Mark a change that is due for a line; return how many were passed over before it."""
        changed = known.last != ended
        if changed:
            known.last = ended = share(ended)
        if known.outcome != ended and known.outcomes.take(self._clock()):
            passed_over, known.passed_over = known.passed_over, 0
            known.outcome, known.new = known.last, True
            return passed_over
        known.passed_over += changed
        return 0

    def _log_outcome(
        self, runtime: TargetRuntime, alike: list[TargetRuntime], total: int, passed_over: int
    ) -> None:
        one = alike[0]
        diagnosis, evidence = one.diagnosis, one.evidence
        assert diagnosis is not None
        assert evidence is not None
        addresses = [each.target.replica for each in alike if each.target.replica]
        self._log.log(
            logging.INFO if one.expected else logging.WARNING,
            "target_outcome_changed",
            target=safe_text(runtime.target.name),
            **({"addresses": addresses, "of_addresses": total} if addresses else {}),
            outcome=diagnosis.outcome,
            stage=diagnosis.stage,
            certain=diagnosis.certain,
            **({"party": diagnosis.party} if diagnosis.party else {}),
            facts=list(diagnosis.all_facts),
            **({"changed": changed} if (changed := list(describe_changes(evidence))) else {}),
            **({"changes_passed_over": passed_over} if passed_over else {}),
            **_semantic(evidence, diagnosis.cause),
            **log_fields(one.trace),
        )

    def _log_addresses(self, runtime: TargetRuntime, results: list[TargetRuntime]) -> None:
        """Log which addresses of a name have come, and which are gone."""
        known = runtime.get_store(_Addresses)
        now = {each.target.address: None for each in results if each.target.address}
        came = [address for address in now if address not in known.logged]
        gone = [address for address in known.logged if address not in now]
        if (came or gone) and known.bucket.take(self._clock()):
            known.logged = tuple(now)
            about = {"appeared": came, "gone": gone, "addresses": len(now)}
            name = safe_text(runtime.target.name)
            self._log.info("target_addresses_changed", target=name, **about)

    def _log_findings(
        self, runtime: TargetRuntime, results: list[TargetRuntime], known: _Reported
    ) -> None:
        """Log each finding once when it appears and once when it is gone, at whichever address."""
        found = {
            finding.cause: (finding, each)
            for each in reversed(results)
            for finding in reversed(each.diagnosis.findings if each.diagnosis else ())
        }
        for cause in sorted(found.keys() ^ known.findings):
            if not known.of_findings.take(self._clock()):
                return
            known.findings ^= {cause}
            about = {"target": safe_text(runtime.target.name), "finding": cause}
            if cause in found:
                finding, having = found[cause]
                trace = log_fields(having.trace)
                self._log.warning("target_finding_appeared", **about, facts=[finding.fact], **trace)
            else:
                self._log.info("target_finding_gone", **about)


def _get_logged(runtime: TargetRuntime, known: _Reported) -> Diagnosis | None:
    """Return the diagnosis of `runtime` where all of it has been logged."""
    diagnosis = runtime.diagnosis
    if diagnosis is None or runtime.target.has_replicas:
        return None
    ended, findings = (
        (diagnosis.outcome, diagnosis.cause),
        {each.cause for each in diagnosis.findings},
    )
    return diagnosis if known.outcome == ended and known.findings == findings else None


class SourceLog:
    """Logs when a source goes down, when its error changes and when it is up again; no repetition."""

    def __init__(self) -> None:
        """Know of no source yet."""
        self._log = structlog.get_logger("mtls_probe")
        self._before: dict[str, SourceState] = {}
        self._nothing = ""

    def record(self, states: Iterable[SourceState], nothing_to_probe: str) -> None:
        """Log what is otherwise than at the last call.

        Args:
            states: Of all sources, as they were read just now.
            nothing_to_probe: Why there is nothing to probe, or an empty text.
        """
        now = {state.source: state for state in states}
        for name, state in now.items():
            before = self._before.get(name)
            if not state.up and (before is None or before.error != state.error):
                self._log.error(
                    "source_down", source=name, reason=state.error, targets=state.targets
                )
            elif state.up and before is not None and not before.up:
                self._log.info("source_up", source=name, targets=state.targets)
        if nothing_to_probe and nothing_to_probe != self._nothing:
            self._log.error("nothing_to_probe", reason=nothing_to_probe)
        self._before, self._nothing = now, nothing_to_probe


def _semantic(evidence: Evidence, cause: str | None) -> dict[str, Any]:
    """Return the fields that OTel's semantic conventions name."""
    fields: dict[str, Any] = {"server.address": safe_text(evidence.target.host)}
    if evidence.target.port:
        fields["server.port"] = evidence.target.port
    if cause is not None:
        fields["error.type"] = cause
    if evidence.handshake is not None and evidence.handshake.version:
        fields["tls.protocol.version"] = evidence.handshake.version
    return fields
