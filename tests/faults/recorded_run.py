"""`mtls-probe run` with a further listener that writes each attempt to a file.

Usage: python -m tests.faults.recorded_run FILE ARGUMENTS OF mtls-probe
Neither the pages nor the log have every attempt, and some faults block both. The file
is opened before the probe starts, so that no lack of descriptors loses a line.
"""

import json
import os
import sys
import time
from typing import Any

import msgspec

from probe.cli.main import main
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Target


def record_attempts(descriptor: int) -> None:
    """Write each attempt that the ledger receives to `descriptor`, as a line of JSON."""
    enter = Ledger.record

    def record(
        self: Ledger, target: Target, evidence: Evidence, diagnosis: Diagnosis
    ) -> TargetRuntime:
        state = enter(self, target, evidence, diagnosis)
        os.write(descriptor, line(target, evidence, diagnosis))
        return state

    Ledger.record = record  # type: ignore[method-assign]


def line(target: Target, evidence: Evidence, diagnosis: Diagnosis) -> bytes:
    """Return one attempt as a line; times are of the monotonic clock, which processes share."""
    end = time.monotonic()
    known: dict[str, Any] = {
        "target": target.name,
        "begin": end - max(0.0, time.time() - evidence.at),
        "end": end,
        "outcome": diagnosis.outcome,
        "cause": diagnosis.cause,
        "certain": diagnosis.certain,
        "also": diagnosis.also,
        "findings": [finding.cause for finding in diagnosis.findings],
    }
    if diagnosis.outcome != "confirmed":
        known["more"] = {
            "stage": diagnosis.stage,
            "facts": diagnosis.all_facts,
            "evidence": json.loads(msgspec.json.encode(evidence, enc_hook=str)),
        }
    return json.dumps(known).encode() + b"\n"


if __name__ == "__main__":
    file = sys.argv.pop(1)
    record_attempts(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    sys.argv[0] = "mtls-probe"
    main()
