"""The trace that one attempt belongs to: its ids, and the head's decision whether to record it.

Chance is passed in. W3C Trace Context Level 1; the share of successes is drawn as OTel's
consistent probability sampling says (trace/tracestate-probability-sampling), so that whoever counts
spans can count back. Without telemetry there are none of these.
"""

from collections.abc import Callable
from secrets import token_bytes
from typing import Final

from probe.model.record import Record

_SPACE: Final = 1 << 56
_DIGITS: Final = 14

ALWAYS: Final = "0" * _DIGITS
"""The threshold of what is always recorded: each span counts as one."""


class TraceContext(Record, frozen=True):
    """One attempt's trace; the ids are lower-case hex."""

    trace_id: str
    span_id: str
    """The attempt's own span, the root."""
    export_span_id: str
    """The span of the OTLP export, the parent of what the backend records."""
    sampled: bool
    """The head's decision. A failure or a change that it could not know of is recorded too."""
    threshold: str = ALWAYS
    """`th` of consistent probability sampling, where `sampled`: 14 hex digits."""

    @property
    def flags(self) -> str:
        """Return trace-flags as the head decided.

        The random flag of Level 2 stays unset: SDKs that know Level 1 alone take no other flags.
        """
        return "01" if self.sampled else "00"

    @property
    def traceparent(self) -> str:
        """Return the header's value, as the export request carries it."""
        return f"00-{self.trace_id}-{self.export_span_id}-{self.flags}"

    @property
    def tracestate(self) -> str:
        """Return the header's value, of one length: the threshold, or the trace's randomness."""
        member = f"th:{self.threshold}" if self.sampled else f"rv:{self.trace_id[-_DIGITS:]}"
        return f"ot={member}"


def log_fields(recorded: TraceContext | None) -> dict[str, str]:
    """Return the fields of a log line about an attempt whose trace is recorded.

    Source: the specification, "Trace Context in non-OTLP Log Formats".
    """
    if recorded is None:
        return {}
    return {"trace_id": recorded.trace_id, "span_id": recorded.span_id, "trace_flags": "01"}


class HeadSampler:
    """Gives each attempt its ids, and decides before it begins whether it is recorded."""

    def __init__(self, share: float, random: Callable[[int], bytes] = token_bytes) -> None:
        """Record `share` (0 to 1) of the attempts that nobody asks about; `random` gives bytes."""
        self._random = random
        self._least = round((1 - share) * _SPACE)
        self.threshold: Final = f"{min(self._least, _SPACE - 1):0{_DIGITS}x}"
        """`th` of an attempt that is one of the share."""

    def begin(self, *, wanted: bool) -> TraceContext:
        """Return the context of an attempt.

        Args:
            wanted: whether it is recorded in any case: the first of its target, or after one that
                did not end as expected.
        """
        ids = self._random(32).hex()
        drawn = int(ids[32 - _DIGITS : 32], 16) >= self._least
        return TraceContext(
            trace_id=ids[:32],
            span_id=ids[32:48],
            export_span_id=ids[48:64],
            sampled=wanted or drawn,
            threshold=ALWAYS if wanted else self.threshold,
        )
