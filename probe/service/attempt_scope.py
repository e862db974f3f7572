"""What an attempt works with, what ends one before it begins, and how often its bugs are logged."""

from dataclasses import dataclass
from typing import Final

from probe.attempt.prober import Prober
from probe.ledger.target_runtime import TargetRuntime
from probe.service.experiment_schedule import ExperimentSchedule
from probe.system.fault_log import TokenBucket
from probe.text.secret_register import SecretRegister

FAULTS_AT_ONCE: Final = 3
FAULT_INTERVAL: Final = 600.0
"""Tracebacks that a target may log in a row, and the seconds until one more is allowed."""


class NotAttemptedError(Exception):
    """There was no attempt, so there is nothing to diagnose; it says why not."""


class FaultThrottle(TokenBucket):
    """Bounds the tracebacks in the log; each target's is a part of its runtime."""

    def __init__(self) -> None:
        """Start full."""
        super().__init__(burst=FAULTS_AT_ONCE, every=FAULT_INTERVAL)


@dataclass(frozen=True, slots=True)
class AttemptScope:
    """What an attempt works with: what scheduled ones share, or what one scrape has for itself."""

    prober: Prober
    experiments: ExperimentSchedule
    register: SecretRegister
    faults: FaultThrottle | None = None
    """Limits the tracebacks in the log; None: each target has its own limit."""
    detached: TargetRuntime | None = None
    """Where the attempt is entered instead of the ledger; its experiments end within its timeout."""
