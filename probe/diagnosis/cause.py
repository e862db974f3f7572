"""The `Cause` type: one declarative value for each entry of the catalogue ("one place per cause").

All that names or explains a cause (labels, pages, CAUSES.md, alerting rules, tests) derives from
these values; only what exporters print of it stands elsewhere, in the messages room under its id.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final, Literal, get_args

from probe.model.diagnosis import Party
from probe.model.evidence import EndingKind, Evidence
from probe.model.runtime import Runtime
from probe.model.tls_alerts import TlsAlert

Family = Literal[
    "backend_ca_trust",
    "client_identity",
    "client_expiry",
    "san_mismatch",
    "file_format",
    "clock_skew",
    "server_identity",
    "negotiation",
    "network",
    "otlp",
    "internal",
]
FAMILIES: Final[Mapping[Family, str]] = {
    "backend_ca_trust": "The backend's trust in the exporter's CA",
    "client_identity": "The exporter's certificate and key",
    "client_expiry": "The exporter's certificate has expired",
    "san_mismatch": "Names",
    "file_format": "Files",
    "clock_skew": "Clocks",
    "server_identity": "The backend's certificate",
    "negotiation": "TLS and protocol negotiation",
    "network": "Network",
    "otlp": "OTLP answers, with TLS and certificate proven",
    "internal": "The probe itself",
}
"""A heading for each family, in the order in which they are shown."""

PARTIES: Final[Mapping[Party, str]] = {
    "exporter": "the exporter's side",
    "backend": "the backend's side",
    "network": "the network's operators",
    "probe": "this probe's operators",
    "both": "this probe's operators, and the backend's side",
    "either": "whichever side turns out to be wrong",
}
"""Who must act: usually for a cause, and by its evidence for a diagnosis."""

Severity = Literal["critical", "warning", "info"]

EVERY_ENDING: Final[frozenset[EndingKind]] = frozenset(get_args(EndingKind))
REFUSAL_ENDINGS: Final[frozenset[EndingKind]] = frozenset({"alert", "close", "reset", "answered"})
"""How an attempt ends where the backend refuses a client certificate, or its absence."""
SERVER_ENDINGS: Final[frozenset[EndingKind]] = frozenset(
    {"unverified", "alert", "close", "reset", "timeout", "tls"}
)
"""How an attempt may end where the backend's certificate does not verify."""
NEGOTIATION_ENDINGS: Final[frozenset[EndingKind]] = frozenset(
    {"alert", "close", "reset", "timeout"}
)
"""How an attempt ends where the backend finds nothing in common, whether or not it says so."""


class Rank(IntEnum):
    """Which of two equally strong matches is primary: what an exporter would meet first.

    Its own files come first, then the server's certificate (in Go's order: dates, name, path), then
    the client's (dates, usage, strength, trust), then the rest. Causes of one rank are in one
    module of `families`, whose `CAUSES` order them.
    """

    PROBE = auto()
    FILES = auto()
    SERVER_EXPIRY = auto()
    SERVER_NOT_YET_VALID = auto()
    SERVER_NAME = auto()
    SERVER_PATH = auto()
    SERVER_CHAIN = auto()
    CLIENT_CERTIFICATE = auto()
    CLOCKS = auto()
    CLIENT_EXPIRY = auto()
    CLIENT_NOT_YET_VALID = auto()
    CLIENT_USAGE = auto()
    CLIENT_CHAIN = auto()
    CLIENT_TRUST = auto()
    CLIENT_NAME = auto()
    CLIENT_REFUSAL = auto()
    HANDSHAKE_FORM = auto()
    TLS_VERSION = auto()
    TLS_PARAMETERS = auto()
    ALPN = auto()
    NO_TLS = auto()
    OTLP_PROTOCOL = auto()
    TLS_FAILURE = auto()
    SETTINGS = auto()
    NETWORK = auto()
    PROXY = auto()
    OTLP_ANSWER = auto()
    ENFORCEMENT = auto()
    ROTATION = auto()
    ADDRESSES = auto()
    BACKEND_CHANGES = auto()
    UNKNOWN = auto()


class Strength(IntEnum):
    """How much a match explains; the smallest wins, the rank of the causes breaks a tie."""

    NAMED = 0
    """What ended the attempt names this cause: the alert, the verify error, the answer."""
    PROVEN = 1
    """Proven by our own files or the acceptable-CA list, and it would end the attempt so."""
    FITS = 2
    """It fits what was seen, and so may others."""
    RESIDUAL = 3
    """What remains when nothing above it matches."""
    FINDING = 4
    """True, but it did not stop this attempt."""


@dataclass(frozen=True, slots=True)
class Match:
    """That a cause fits the evidence, with its proof."""

    strength: Strength
    facts: tuple[str, ...]
    possible: tuple[str, ...] = ()
    """Other causes that the evidence cannot rule out while this one is primary."""
    decides: str = ""
    """The one observation that would decide, where `possible` is not empty."""
    fix: tuple[str, ...] = ()
    """Steps for exactly this evidence; the cause's own `fix` follows where this is empty."""
    party: Party | None = None
    """Who must act by this evidence; None: the cause's own `party`."""
    each: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For findings: facts that each have steps of their own, instead of `facts` with one `fix`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One entry of the catalogue; docs/adding-a-cause.md describes how to write one."""

    id: str
    """Never renamed once released: metric labels, URLs and alerting rules outside rest on it."""
    title: str
    family: Family
    documented_cause: int = 0
    """1 to 6 for the cases that people meet most, 0 for the rest."""
    party: Party
    """Who usually must act; a match may know better (`Match.party`)."""
    severity: Severity = "critical"
    rank: Rank
    alerts: tuple[TlsAlert, ...] = ()
    """What Go, OpenSSL, BoringSSL, rustls and JSSE backends send for it, the usual alert first."""
    meaning: str
    evidence: str
    fix: tuple[str, ...]
    """Steps for any target, with the placeholders of `fixes.steps`."""
    tell_apart: str
    """The one observation that tells it from the others that an error line leaves possible."""
    citations: tuple[str, ...] = ()
    not_printed: str = ""
    """Why exporters print nothing of it; empty where the messages room has their texts."""
    harmless_to: tuple[Runtime, ...] = ()
    """Exporters that work in spite of it, and so print nothing."""
    enforce: str = ""
    """The step that makes a backend refuse such a client; empty where that is not the backend's task.

    For targets that are accepted although `expect` names this cause.
    """
    finding_only: bool = False
    """Whether it never stops an attempt: each match is a finding."""
    applies: frozenset[EndingKind]
    """The endings for which `match` is called at all."""
    match: Callable[[Evidence], Match | None]
    """Pure and total; None where the evidence does not show this cause."""
    explained_by: tuple[str, ...] = ()
    """Causes that, where they match as strongly, make this one a mere consequence."""
