"""An answer that nobody can read to its end: its status is no proof that the export arrived.

Measured: Go's OTLP/HTTP exporter fails on a chunk of no valid size, an endless chunk extension, a
body shorter than its Content-Length and gzip without an end, and Python's requests likewise; the
Collector's exporter overlooks a body that is merely short.
"""

from probe.diagnosis.cause import Match, Strength
from probe.model.evidence import Evidence


def match_unreadable_answer(evidence: Evidence) -> Match | None:
    """Match a breach of HTTP, or of its bounds, in the answer; None where something else ended it."""
    kind, answer, detail = evidence.ending.kind, evidence.answer, evidence.ending.detail
    if kind not in {"garbage", "budget"} or evidence.first_bytes:
        return None
    if answer is not None:
        what = f"HTTP {answer.http_status} came, and its body can't be read to its end"
        what += f": more than {detail}" if kind == "budget" else f": {detail}"
    elif kind == "garbage":
        what = f"the backend's answer breaks HTTP: {detail}"
    else:
        return None
    return Match(
        Strength.NAMED,
        (what,),
        fix=(
            "Read the log of the backend at {endpoint}, or of the proxy before it: what it sends is "
            "no complete answer, and an exporter takes it for a failure and sends again.",
        ),
    )
