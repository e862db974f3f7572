"""How often certificates have been renewed, learned from what attempts saw: a part of a target's runtime.

Bounded: of each side the newest certificate, and when the last few were issued. Pure: no clock.
"""

from dataclasses import dataclass
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


class _Side:
    """What one side has presented, the newest last."""

    __slots__ = ("issued", "newest")

    def __init__(self) -> None:
        self.newest: CertificateFacts | None = None
        self.issued: tuple[float, ...] = ()

    def note(self, one: CertificateFacts) -> None:
        before = self.newest
        if before is one or (before is not None and before.sha256 == one.sha256):
            return
        if before is not None and _is_same_holder(before, one):
            if is_older(before, one):  # else one of several backends has not renewed its own yet
                self.issued = (*(self.issued or (before.not_before,)), one.not_before)[-MOST_KEPT:]
                self.newest = one
            return
        self.newest, self.issued = one, ()

    def find_habit(self, one: CertificateFacts) -> Habit | None:
        if self.newest is None or self.newest.sha256 != one.sha256:
            return None
        if len(self.issued) < LEAST_KNOWN:
            return None
        spans = [later - earlier for earlier, later in zip(self.issued, self.issued[1:])]  # noqa: B905  (pairs)
        if max(spans) > UNEVEN * min(spans):
            return None
        every = median(spans)
        return Habit(every, self.issued[-1] + every)


class RenewalHistory:
    """The renewals of one target's client and server certificate."""

    __slots__ = ("_client", "_server")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._client = _Side()
        self._server = _Side()

    def note(self, evidence: Evidence) -> None:
        """Take in an attempt."""
        if evidence.credentials.client_chain:
            self._client.note(evidence.credentials.client_chain[0])
        if evidence.handshake is not None and evidence.handshake.server_chain:
            self._server.note(evidence.handshake.server_chain[0])

    def find_habit(self, certificate: CertificateFacts) -> Habit | None:
        """Return how often `certificate`, which must be the newest of its side, is renewed."""
        return self._client.find_habit(certificate) or self._server.find_habit(certificate)


def _is_same_holder(one: CertificateFacts, other: CertificateFacts) -> bool:
    return one.subject.digest == other.subject.digest and one.sans == other.sans
