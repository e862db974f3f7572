"""Sans-I/O TLS client: bytes in, bytes out, over pyOpenSSL's memory BIO.

Laws: 2 (what a peer does is recorded, never raised), 4 (alerts by number from the info callback,
verification by code and depth from the verify callback, never by OpenSSL's text), 8 (callbacks
never raise and capture plain lists; the context is shared and never changed here).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from OpenSSL import SSL

from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import Alert, Handshake, NameCheck, Offer, VerifyError
from probe.model.tls_alerts import alert_from_info
from probe.text.safe_text import safe_text
from probe.tls.bindings import (
    VERIFY_BUDGET,
    Scratch,
    acceptable_authorities,
    listen,
    peer_certificates,
    shake,
    stapled_answer,
)
from probe.x509.names import (
    DATE_ERRORS,
    check_name,
    is_ip_address,
    is_server_verified,
    stapled_status,
)
from probe.x509.parse import make_unread_name, make_unreadable_facts

_MOST_ACCEPTABLE_CAS: Final = 256
_MOST_CERTIFICATES: Final = 32
MOST_READ: Final = 32_768
"""Bytes of certificates, and of authorities' names, whose contents are read; real ones are below
10 kB. The first certificate always is; of the others beyond it only the digest is kept."""

State = Literal["handshaking", "open", "closed", "failed"]


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """What every handshake of a target with one generation of credentials has in common."""

    context: SSL.Context
    reference_identifier: str
    alpn: tuple[bytes, ...]
    offer: Offer
    sends_certificate: bool
    skip_verify: bool
    read_certificate: Callable[[bytes], CertificateFacts]
    read_name: Callable[[bytes], Name]
    scratch: Scratch
    sni: bytes
    """As it goes on the wire; empty for none."""
    cpu_clock: Callable[[], float] = lambda: 0.0
    """Seconds of CPU of this thread, by which the verification of a chain is bounded."""


def sni_of(server_name: str) -> bytes:
    """Return the server_name to send (RFC 6066 §3): none for an address, A-labels for a name."""
    if not server_name or is_ip_address(server_name):
        return b""
    name = server_name.rstrip(".")
    try:
        return name.encode("idna")
    except UnicodeError:
        return name.encode("ascii", "replace")


class TlsClient:
    """One TLS connection of a client whose transport somebody else owns.

    `state` is `handshaking`, then `open`; `closed` after the peer's close_notify or its end of
    file; `failed` after a fatal alert in either direction. Nothing that the peer sends raises.
    """

    def __init__(self, plan: TlsPlan) -> None:
        """Prepare the connection."""
        self.state: State = "handshaking"
        self.close_notify = False
        self._plan = plan
        self._complete = False
        self._chain: tuple[CertificateFacts, ...] | None = None
        self._name_check: NameCheck | None = None
        self._verified: bool | None = None
        self._alpn: str | None = None
        connection = SSL.Connection(plan.context, None)
        connection.set_connect_state()
        if plan.sni:
            connection.set_tlsext_host_name(plan.sni)
        if plan.alpn:
            connection.set_alpn_protos(list(plan.alpn))
        self._heard = listen(connection, plan.cpu_clock)
        self._connection = connection

    def start(self) -> None:
        """Put the ClientHello into the output."""
        self._handshake()

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the wire; return the application data that they held."""
        if not data or self.state in {"closed", "failed"}:
            return b""
        self._connection.bio_write(data)
        if not self._complete:
            self._handshake()
        return self._read() if self._complete else b""

    def receive_eof(self) -> None:
        """Learn that the peer sends nothing more."""
        if self.state in {"handshaking", "open"}:
            self.state = "closed"

    def write(self, data: bytes) -> None:
        """Encrypt application data into the output."""
        try:
            self._connection.sendall(data)
        except SSL.Error:
            self._fail()

    def shutdown(self) -> None:
        """Put a close_notify into the output."""
        if self._complete and self.state == "open":
            try:
                self._connection.shutdown()
            except SSL.Error:
                self._fail()

    def take_output(self) -> bytes:
        """Return the bytes that are to go on the wire."""
        return self._plan.scratch.take_wire(self._connection)

    @property
    def complete(self) -> bool:
        """Whether the handshake is complete here, which in TLS 1.3 is not yet acceptance."""
        return self._complete

    @property
    def tls13(self) -> bool:
        """Whether TLS 1.3 was negotiated."""
        return self._complete and self._connection.get_protocol_version() == SSL.TLS1_3_VERSION

    @property
    def alpn(self) -> str:
        """The application protocol that the server chose; empty for none."""
        if self._alpn is None:
            alpn = safe_text(self._connection.get_alpn_proto_negotiated())
            if not self._complete:
                return alpn
            self._alpn = alpn
        return self._alpn

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts of both directions so far."""
        return tuple(alert_from_info(where, ret) for where, ret in self._heard.alerts)

    @property
    def certificate_requested(self) -> bool:
        """Whether the server asked for a client certificate."""
        return self._heard.certificate_requested

    @property
    def exhausted(self) -> str:
        """The bound at which we stopped to verify the server's chain; empty where we did not."""
        if not self._heard.exhausted:
            return ""
        return f"{VERIFY_BUDGET * 1000:g} ms of CPU for the server's certificates"

    @property
    def server_verified(self) -> bool:
        """Whether anything of the application may be sent to this server."""
        if self._verified is None:
            right = self._plan.skip_verify or is_server_verified(
                self.server_chain(), self._errors(), self._checked_name()
            )
            if not self._complete:
                return right
            self._verified = right
        return self._verified

    @property
    def dates_alone_wrong(self) -> bool:
        """Whether wrong dates are all that speaks against the server's certificate."""
        errors = self._errors()
        return (
            bool(errors)
            and all(error.code in DATE_ERRORS for error in errors)
            and is_server_verified(self.server_chain(), (), self._checked_name())
        )

    def server_chain(self) -> tuple[CertificateFacts, ...]:
        """The server's certificates as it sent them, the end entity first."""
        if self._chain is None:
            sent = peer_certificates(self._connection, _MOST_CERTIFICATES)
            chain = tuple(self._read_chain(sent))
            if not self._complete:
                return chain
            self._chain = chain
        return self._chain

    def _read_chain(self, sent: list[bytes]) -> Iterator[CertificateFacts]:
        length = 0
        for index, der in enumerate(sent):
            length += len(der)
            if index and length > MOST_READ:
                yield make_unreadable_facts(der)
            else:
                yield self._plan.read_certificate(der)

    def record(self) -> Handshake:
        """Return all that is known of this handshake, however far it came."""
        connection = self._connection
        cipher = connection.get_cipher_name()
        requested = self._heard.certificate_requested
        return Handshake(
            offer=self._plan.offer,
            complete=self._complete,
            version=_version(connection) if cipher else "",
            cipher=cipher or "",
            group=(connection.get_group_name() or "") if self._complete else "",
            alpn=self.alpn,
            client_certificate_requested=requested,
            client_certificate_sent=requested and self._plan.sends_certificate,
            acceptable_cas=self._acceptable_cas() if requested else (),
            alerts=self.alerts,
            verify_errors=self._errors(),
            server_chain=self.server_chain(),
            name_check=self._checked_name(),
            server_verified=self.server_verified,
            stapled_status=stapled_status(stapled_answer(connection)),
        )

    def _handshake(self) -> None:
        want = shake(self._connection)
        if want == "nothing":
            self._complete = True
            self.state = "open"
        elif want == "closed":
            self._closed()
        elif want == "failed":
            self._fail()

    def _read(self) -> bytes:
        data, want = self._plan.scratch.take_plain(self._connection)
        if want == "closed":
            self._closed()
        elif want == "failed":
            self._fail()
        return data

    def _errors(self) -> tuple[VerifyError, ...]:
        return tuple(VerifyError(code=c, depth=d) for c, d in self._heard.verify_errors)

    def _closed(self) -> None:
        self.close_notify = True
        self.state = "closed"

    def _fail(self) -> None:
        self.state = "failed"

    def _checked_name(self) -> NameCheck | None:
        if self._name_check is None:
            chain = self.server_chain()
            if not chain:
                return None
            self._name_check = check_name(
                self._plan.reference_identifier, chain[0].sans, chain[0].common_name
            )
        return self._name_check

    def _acceptable_cas(self) -> tuple[Name, ...]:
        names = acceptable_authorities(self._connection, _MOST_ACCEPTABLE_CAS)
        found, length = [], 0
        for der in names:
            length += len(der)
            found.append(
                self._plan.read_name(der) if length <= MOST_READ else make_unread_name(der)
            )
        return tuple(found)


def _version(connection: SSL.Connection) -> str:
    return connection.get_protocol_version_name().removeprefix("TLSv").replace("SSLv3", "SSL 3")
