"""What a ClientHello offers, by IANA's names, each list in the order of the client's preference."""

from probe.model.record import Record


class ClientOffer(Record, frozen=True):
    """The part of a ClientHello that decides what two sides agree on (RFC 8446 §4.1.2).

    Empty lists are those of evidence of earlier releases, and mean the TLS library's default.
    """

    min_version: str = ""
    max_version: str = ""
    ciphers: tuple[str, ...] = ()
    """Cipher suites of every version."""
    groups: tuple[str, ...] = ()
    """Key exchange groups (RFC 8446 §4.2.7)."""
    key_shares: tuple[str, ...] = ()
    """Those of `groups` that a key is sent for at once; a server may ask for another."""
    signature_schemes: tuple[str, ...] = ()
    """What the server may sign the handshake with (RFC 8446 §4.2.3)."""
    renegotiates: bool = False
    """Whether a backend of TLS 1.2 may begin a second handshake (RFC 5246 §7.4.1.1)."""
    post_handshake_auth: bool = False
    """Whether a backend of TLS 1.3 may ask for a certificate later (RFC 8446 §4.2.6)."""
