"""What is true of each target at each moment of a run: the injected truth that verdicts are compared with.

Times are seconds of CLOCK_MONOTONIC, which every process of the machine shares.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final


@dataclass(frozen=True, slots=True)
class Truth:
    """The verdicts that are right while this is true.

    Attributes:
        said: a description for the report.
        right: the outcomes `confirmed` and `unconfirmed` and the causes that are right.
        further: causes that `also` may list in addition to a right cause.
        findings: causes of which one must be a finding, where success is right nevertheless.
    """

    said: str
    right: frozenset[str]
    further: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()

    @property
    def to_find(self) -> frozenset[str]:
        """What the probe reports after enough attempts; empty where nothing is wrong."""
        return self.findings or (frozenset() if "confirmed" in self.right else self.right)


def truth(said: str, *right: str, further: Iterable[str] = (), findings: str = "") -> Truth:
    """Return the truth `said`, for which `right` are the right verdicts.

    With `findings`, a cause, success is right, and so is that cause.
    """
    found = frozenset({findings} - {""})
    success = {"confirmed"} if findings else set()
    return Truth(said, frozenset(right) | found | success, frozenset(further), found)


HEALTHY: Final = truth("healthy", "confirmed")

CUT_OFF: Final = frozenset(
    {"tcp_refused", "connection_reset", "connection_closed", "tls_timeout", "unconfirmed"}
)
"""What an attempt may rightly see of a server that stops or starts during the attempt."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of time in which one truth holds; while it is `changing`, the old or the new one may."""

    begin: float
    truth: Truth
    changing: bool = False


@dataclass(slots=True)
class Timeline:
    """The truth of one target over time; `enter` may be called from any thread."""

    segments: list[Segment] = field(default_factory=lambda: [Segment(float("-inf"), HEALTHY)])
    _lock: Lock = field(default_factory=Lock, repr=False)

    def enter(self, begin: float, truth: Truth, *, changing: bool = False) -> None:
        """Record `truth` from `begin` on.

        Raises:
            ValueError: where `begin` lies before what has been entered.
        """
        with self._lock:
            last = self.segments[-1].begin
            if begin < last:
                raise ValueError(f"{truth.said} begins at {begin}, before {last}")
            self.segments.append(Segment(begin, truth, changing))

    def change(self, begin: float, after: Truth, extra: frozenset[str] = CUT_OFF) -> None:
        """Record that the present truth is changing to `after` from `begin` on."""
        before = self.segments[-1].truth
        self.enter(
            begin,
            Truth(
                f"{before.said} → {after.said}",
                before.right | after.right | extra,
                before.further | after.further,
            ),
            changing=True,
        )

    def during(self, begin: float, end: float) -> tuple[Segment, ...]:
        """Return the segments that the span from `begin` to `end` touches, in order."""
        found = []
        for at, segment in enumerate(self.segments):
            until = self.segments[at + 1].begin if at + 1 < len(self.segments) else float("inf")
            if segment.begin <= end and until >= begin:
                found.append(segment)
        return tuple(found)

    def end_of(self, segment: Segment) -> float:
        """Return when `segment` ends."""
        at = self.segments.index(segment)
        return self.segments[at + 1].begin if at + 1 < len(self.segments) else float("inf")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A span of time in which the probe, its process or its machine had a problem.

    `halts`: whether attempts may fail to be made at all meanwhile. `deafens`: whether its pages may
    fail to answer.
    """

    begin: float
    end: float
    said: str
    halts: bool = False
    deafens: bool = False

    def touches(self, begin: float, end: float) -> bool:
        """Whether any of it lies between `begin` and `end`."""
        return self.begin <= end and self.end >= begin


@dataclass(frozen=True, slots=True)
class Stall:
    """A span in which a server's loop did not run, as the server itself measured it."""

    begin: float
    end: float
