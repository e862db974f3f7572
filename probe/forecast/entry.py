"""One thing that will break by itself: what it is, when, who must act, and how sure that is.

Frozen data, safe to show; `make_forecast` makes it, and every output reads it.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Final, Literal

from probe.model.diagnosis import Party
from probe.text.time_format import format_duration, format_time

Kind = Literal[
    "client_certificate",
    "client_intermediate",
    "client_ca",
    "server_certificate",
    "server_intermediate",
    "trust_anchor",
    "receiver_certificate",
    "receiver_client_ca",
    "exporter_not_reloading",
    "backend_not_reloading",
    "renewal_late",
    "staple",
    "silence",
]
KINDS: Final[dict[Kind, str]] = {
    "client_certificate": "client certificate",
    "client_intermediate": "client's intermediate",
    "client_ca": "client's CA",
    "server_certificate": "server certificate",
    "server_intermediate": "server's intermediate",
    "trust_anchor": "trust anchor",
    "receiver_certificate": "receiver's certificate",
    "receiver_client_ca": "receiver's client CA",
    "exporter_not_reloading": "exporter has old files",
    "backend_not_reloading": "backend has an old file",
    "renewal_late": "renewal is late",
    "staple": "stapled OCSP answer",
    "silence": "silence",
}
"""What people call each kind."""

Sureness = Literal["certain", "likely", "possible", "renews"]
SURENESS: Final[dict[Sureness, str]] = {
    "certain": "certain",
    "likely": "likely",
    "possible": "possible",
    "renews": "renews by itself",
}
"""How sure it is that something breaks then; what renews by itself breaks only if that stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastEntry:
    """One thing that ends, and with it what rests on it."""

    kind: Kind
    at: float | None
    """When it ends (epoch seconds); None where that is not known, and it may be at any time."""
    targets: tuple[str, ...]
    """Which it concerns."""
    party: Party
    """Who must act."""
    what: str
    """What ends, as a sentence names it: whose it is, and in which file or at which backend."""
    where: str = ""
    """The file, or the backend's `host:port`."""
    runs_in: str = ""
    """The process or container whose file it is; empty where not known."""
    position: int | None = None
    """The certificate's place in what is sent or held, 0 is the end entity; None: it has none."""
    subject: str = ""
    issuer: str = ""
    serial_number: str = ""
    sha256: str = ""
    sure: Sureness
    why: str
    """Why it is so sure, and what is known besides."""
    fix: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What stays the same when the certificate is renewed: the thing, not its dates."""
        return (self.kind, self.where, self.runs_in, self.subject, self.issuer)

    @property
    def uid(self) -> str:
        """A short stable name of the thing."""
        return hashlib.sha256("\0".join(self.key).encode()).hexdigest()[:32]

    @property
    def counts(self) -> bool:
        """Whether somebody must act: what renews by itself needs nobody yet."""
        return self.sure != "renews"

    @property
    def order(self) -> tuple[float, str, str, str]:
        """By time; what may end at any time is first."""
        return (-math.inf if self.at is None else self.at, self.kind, self.where, self.sha256)


def describe_moment(entry: ForecastEntry, now: float) -> str:
    """Say in how long it ends, or how long ago it did."""
    if entry.at is None:
        return "at a time that is not known"
    span = format_duration(entry.at - now)
    return f"{span} ago" if entry.at < now else f"in {span}"


def describe_time(entry: ForecastEntry) -> str:
    """Return the moment in UTC, or that it is not known."""
    return "not known" if entry.at is None else format_time(entry.at)
