"""What the probe's own delays leave open: a peer that ended the connection may have waited for us.

A process that was suspended, or short of CPU time, answers late; some peers then close, reset or
say "request timeout". That proves nothing, unless the same handshake ends in the same way while
nothing holds the process up.
"""

from typing import Final

from probe.diagnosis.readings.experiment_results import is_reproduced
from probe.model.evidence import Evidence

DECIDES: Final = "another attempt while the probe's process gets its CPU time"
_REQUEST_TIMEOUT: Final = 408
_GIVES_UP: Final = frozenset({"close", "reset", "proxy"})


def describe_own_delay(evidence: Evidence) -> str:
    """Return the fact that the attempt may have ended because of our own delay; empty: it may not."""
    if not evidence.held_up or is_reproduced(evidence):
        return ""
    kind, answer = evidence.ending.kind, evidence.answer
    timed_out = kind == "answered" and answer is not None and answer.http_status == _REQUEST_TIMEOUT
    if kind not in _GIVES_UP and not timed_out:
        return ""
    return (
        f"the probe's own process was held up for {evidence.held_up:.1f} s of this attempt "
        "(suspended, or short of CPU time): the other side may have given up on it"
    )
