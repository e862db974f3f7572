"""One log line for each change of a target's outcome or cause, and of its findings.

Laws 10 and 11 hold in every field. Repetitions are silent: the metrics count them. A target that
flaps gets a few lines, and then one now and again, which says how many changes were passed over.
How often is measured on the monotonic clock: a step of the wall clock neither silences nor floods.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import structlog

from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.trace_context import log_fields
from probe.system.token_bucket import TokenBucket
from probe.text.safe_text import safe_text

BURST: Final = 6
EVERY: Final = 600.0
"""Lines that a target gets at once, and the seconds until one more."""

_Ended = tuple[str, str | None]


@dataclass(slots=True)
class _Known:
    """What was said of a target, how it ended last, and how many changes were not said."""

    said: _Ended | None = None
    last: _Ended | None = None
    passed_over: int = 0
    findings: frozenset[str] = frozenset()
    outcomes: TokenBucket = field(default_factory=lambda: TokenBucket(burst=BURST, every=EVERY))
    # Their own: many findings shall not silence a change of the outcome.
    of_findings: TokenBucket = field(default_factory=lambda: TokenBucket(burst=BURST, every=EVERY))


class ChangeLog:
    """Listens to the ledger and writes when what is known of a target changes."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Start with nothing said yet; `clock` gives monotonic seconds."""
        self._clock = clock
        self._log = structlog.get_logger("mtls_probe")

    def recorded(self, state: TargetRuntime) -> None:
        """Write a line if the outcome or the cause is another than the one said last.

        Where that had to wait, it is made up for, even if nothing changes any more.
        """
        diagnosis, evidence = state.diagnosis, state.evidence
        assert diagnosis is not None
        assert evidence is not None
        known = state.part(_Known)
        ended = (diagnosis.outcome, diagnosis.cause)
        changed, known.last = known.last != ended, ended
        if known.said != ended and known.outcomes.take(self._clock()):
            known.said, passed_over, known.passed_over = ended, known.passed_over, 0
            self._tell_outcome(state, diagnosis, evidence, passed_over)
        else:
            known.passed_over += changed
        if diagnosis.findings or known.findings:
            self._tell_findings(state, diagnosis, known)

    def _tell_outcome(
        self, state: TargetRuntime, diagnosis: Diagnosis, evidence: Evidence, passed_over: int
    ) -> None:
        write = self._log.info if state.expected else self._log.warning
        write(
            "outcome_changed",
            target=safe_text(state.target.name),
            outcome=diagnosis.outcome,
            stage=diagnosis.stage,
            certain=diagnosis.certain,
            **({"party": diagnosis.party} if diagnosis.party else {}),
            facts=list(diagnosis.all_facts),
            **({"changes_passed_over": passed_over} if passed_over else {}),
            **_semantic(evidence, diagnosis.cause),
            **log_fields(state.trace),
        )

    def _tell_findings(self, state: TargetRuntime, diagnosis: Diagnosis, known: _Known) -> None:
        """Tell of what stops nothing yet, once when it comes and once when it has gone."""
        found = {finding.cause: finding for finding in reversed(diagnosis.findings)}
        for cause in sorted(found.keys() ^ known.findings):
            if not known.of_findings.take(self._clock()):
                return
            known.findings ^= {cause}
            about = {"target": safe_text(state.target.name), "finding": cause}
            if cause in found:
                facts = [found[cause].fact]
                trace = log_fields(state.trace)
                self._log.warning("finding_appeared", **about, facts=facts, **trace)
            else:
                self._log.info("finding_gone", **about)


def _semantic(evidence: Evidence, cause: str | None) -> dict[str, Any]:
    """Return the fields that OTel's semantic conventions name."""
    fields: dict[str, Any] = {
        "server.address": safe_text(evidence.target.host),
        "server.port": evidence.target.port,
    }
    if cause is not None:
        fields["error.type"] = cause
    if evidence.handshake is not None and evidence.handshake.version:
        fields["tls.protocol.version"] = evidence.handshake.version
    return fields
