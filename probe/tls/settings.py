"""What every TLS connection of a target with one generation of credentials has in common."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from OpenSSL import SSL

from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import Offer
from probe.model.path_fault import PathFault
from probe.tls.bindings import ReadBuffer
from probe.x509.names import is_ip_address

_MOST_LISTS: Final = 128
"""Lists of authorities that are kept; backends of one owner send the same."""
_DIGESTED: Final = 256
"""Bytes of a CertificateRequest from which on it is known by its digest, and no longer by itself."""


@dataclass(frozen=True, slots=True)
class ServerJudgement:
    """What an exporter makes of a server's certificates: trusted where there is no fault."""

    faults: tuple[PathFault, ...] = ()
    """It reports the first; each further one would stop it as well."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Each verified path by the SHA-256 of its certificates, the end entity first."""
    anchors: tuple[CertificateFacts, ...] = ()
    """The anchors that the paths end in."""


class KeptAuthorities:
    """The authorities that CertificateRequests named: servers send the same each time.

    By content, so that targets with equal lists share one.
    """

    __slots__ = ("_names",)

    def __init__(self) -> None:
        """Know no list yet."""
        self._names: dict[tuple[bytes, bool], tuple[Name, ...]] = {}

    def get(
        self, message: bytes, read: Callable[[], Iterable[Name]], *, tls13: bool
    ) -> tuple[Name, ...]:
        """Return what `message` names; `read` says so where it is new.

        Args:
            message: the CertificateRequest; one that is empty is not kept.
            read: returns the names.
            tls13: whether it is of TLS 1.3, in which the same bytes would mean something else.
        """
        key = message if len(message) <= _DIGESTED else sha256(message).digest(), tls13
        names = self._names.get(key) if message else None
        if names is None:
            names = tuple(read())
            if message:
                if len(self._names) >= _MOST_LISTS:
                    self._names.clear()
                self._names[key] = names
        return names


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The settings of a TLS client; connections share them, and the context is never changed."""

    context: SSL.Context
    reference_identifier: str
    """The name that the server's certificate must have (RFC 9525)."""
    alpn: tuple[bytes, ...]
    server_name: bytes
    """The server_name extension as `encode_server_name` returns it; empty for none."""
    offer: Offer
    """What the client offers, as it is recorded."""
    sends_certificate: bool
    skip_verify: bool
    """Whether the application trusts every server (`insecure_skip_verify`)."""
    judge_server: Callable[[tuple[bytes, ...]], ServerJudgement]
    """What the exporter makes of the certificates that a server sent."""
    read_certificate: Callable[[bytes], CertificateFacts]
    """From DER; a certificate that cannot be read is not an exception."""
    read_name: Callable[[bytes], Name]
    """From DER, as for certificates."""
    buffer: ReadBuffer
    takes_any_curve: bool = False
    """Whether a server's ECDSA key may be on a curve that is not offered, as Go takes it."""
    authorities: KeptAuthorities = field(default_factory=KeptAuthorities, compare=False)
    """What CertificateRequests named; targets may share it."""


def encode_server_name(host: str) -> bytes:
    """Return the server_name to send (RFC 6066 §3): none for an address, A-labels for a name.

    An address may have brackets and a zone (crypto/tls, hostnameInSNI).
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not host or is_ip_address(bare.partition("%")[0] or bare):
        return b""
    name = host.rstrip(".")
    try:
        return name.encode("idna")
    except UnicodeError:
        return name.encode("ascii", "replace")
