"""How often certificates have been renewed, learned from what attempts saw: a part of a target's runtime.

Bounded: of each side the newest certificate, and when the last few were issued. Pure: no clock.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence
from probe.x509.validity import is_older

MOST_KEPT: Final = 8
"""Certificates whose date of issue is remembered."""
LEAST_KNOWN: Final = 3
"""Certificates, so two renewals, from which on there is a habit."""
UNEVEN: Final = 1.5
"""How many times as long as the shortest interval the longest may be: otherwise there is no habit."""
SLACK: Final = 0.1
"""Share of the usual interval by which a renewal may be late before it counts."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Every how many seconds a certificate is renewed, and when the next one is due."""

    every: float
    due: float

    def is_late(self, now: float) -> bool:
        """Whether the next one should have come."""
        return now > self.due + SLACK * self.every


_Side = tuple[CertificateFacts, tuple[float, ...]]
"""The newest certificate of one side, and when those before and itself were issued."""


class RenewalHistory:
    """The renewals of one target's client and server certificate."""

    __slots__ = ("_client", "_server")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._client: _Side | CertificateFacts | None = None
        self._server: _Side | CertificateFacts | None = None
        # A certificate alone until the first renewal: most targets never see one.

    def note(self, evidence: Evidence) -> None:
        """Take in an attempt."""
        chain, handshake = evidence.credentials.client_chain, evidence.handshake
        if chain:
            self._client = _follow(self._client, chain[0])
        if handshake is not None and handshake.server_chain:
            self._server = _follow(self._server, handshake.server_chain[0])

    def find_habit(self, certificate: CertificateFacts) -> Habit | None:
        """Return how often `certificate`, which must be the newest of its side, is renewed."""
        return _find_habit(self._client, certificate) or _find_habit(self._server, certificate)


def _follow(
    before: _Side | CertificateFacts | None, one: CertificateFacts
) -> _Side | CertificateFacts:
    newest = before[0] if isinstance(before, tuple) else before
    if newest is None:
        return one
    assert before is not None
    if newest is one or newest.sha256 == one.sha256:
        return before
    if not _is_same_holder(newest, one):
        return one
    if not is_older(newest, one):
        return before  # one of several backends has not renewed its own yet
    issued = before[1] if isinstance(before, tuple) else (newest.not_before,)
    return one, (*issued, one.not_before)[-MOST_KEPT:]


def _find_habit(side: _Side | CertificateFacts | None, one: CertificateFacts) -> Habit | None:
    if not isinstance(side, tuple):
        return None
    newest, issued = side
    if newest.sha256 != one.sha256 or len(issued) < LEAST_KNOWN:
        return None
    spans = [later - earlier for earlier, later in pairwise(issued)]
    if max(spans) > UNEVEN * min(spans):
        return None
    every = median(spans)
    return Habit(every, issued[-1] + every)


def _is_same_holder(one: CertificateFacts, other: CertificateFacts) -> bool:
    return one.subject.digest == other.subject.digest and one.sans == other.sans
