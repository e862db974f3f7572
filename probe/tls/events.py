"""The events of a TLS connection, as the client returns them to its owner."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HandshakeComplete:
    """Our side of the handshake is complete.

    In TLS 1.3 the server may still refuse the client certificate (RFC 8446 §4.4.2.4, §4.6.2).
    """


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """The peer sent application data."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer sent close_notify (RFC 8446 §6.1): it will send nothing more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection failed: by an alert of the peer, or because our library gave up."""

    alert_received: bool
    """Whether the peer sent a fatal alert (RFC 8446 §6.2)."""


@dataclass(frozen=True, slots=True)
class NotTls:
    """The first bytes of the peer are not a TLS record."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The peer made us take more than one handshake may; `limit` names the bound."""

    limit: str


Event = HandshakeComplete | ApplicationData | Closed | Failed | NotTls | LimitReached
