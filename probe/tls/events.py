"""The events of a TLS connection, as the client returns them to its owner."""

from msgspec import Struct


class HandshakeComplete(Struct, frozen=True, gc=False):
    """Our side of the handshake is complete.

    In TLS 1.3 the server may still refuse the client certificate (RFC 8446 §4.4.2.4, §4.6.2).
    """


class ApplicationData(Struct, frozen=True, gc=False):
    """The peer sent application data."""

    data: bytes


class Closed(Struct, frozen=True, gc=False):
    """The peer sent close_notify (RFC 8446 §6.1): it will send nothing more."""


class Failed(Struct, frozen=True, gc=False):
    """The connection failed: by an alert of the peer, or because our library gave up."""

    alert_received: bool
    """Whether the peer sent a fatal alert (RFC 8446 §6.2)."""


class NotTls(Struct, frozen=True, gc=False):
    """The first bytes of the peer are not a TLS record."""


class LimitReached(Struct, frozen=True, gc=False):
    """The peer made us take more than one handshake may; `limit` names the bound."""

    limit: str


Event = HandshakeComplete | ApplicationData | Closed | Failed | NotTls | LimitReached
