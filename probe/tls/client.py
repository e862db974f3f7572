"""Sans-I/O TLS client: bytes in, bytes and events out, over pyOpenSSL's memory BIO.

Nothing that a peer sends raises. Alerts are recorded by number as the info callback reports them;
OpenSSL's texts are never read. The server's certificates are taken as they came and judged by the
model of the exporter; OpenSSL verifies none of them.
"""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct, field
from OpenSSL import crypto

from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import Alert, Handshake
from probe.model.path_fault import DATE_FAULTS, stops_without_verification
from probe.model.tls_alerts import TlsAlert
from probe.text.safe_text import safe_text
from probe.tls import events
from probe.tls.bindings import IoResult, Link
from probe.tls.records import (
    MAX_RECORDS,
    RecordCounter,
    is_record_start,
    read_certificate_message,
)
from probe.tls.settings import ClientSettings, ServerJudgement
from probe.x509.names import check_name, find_staple_end, stapled_status
from probe.x509.parse import make_unread_name, make_unreadable_facts

MAX_READ: Final = 32_768
"""Bytes of certificates, and of authorities' names, that are parsed; real ones are below 10 kB. The
first certificate is always read; of later ones beyond this limit only the digest is kept."""

State = Literal["handshaking", "open", "closed", "failed"]
"""`closed` is after the peer's close_notify or end of file, `failed` after a fatal alert in either
direction, or where the peer does not speak TLS."""

_MAX_ACCEPTABLE_CAS: Final = 256
_MAX_CERTIFICATES: Final = 32
_FIRST_BYTES: Final = 64
_REMEMBERED: Final = 8192
"""Bytes of a Certificate message up to which what it lists is remembered: servers repeat theirs."""
_ECDSA_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
"""The curves of keys that Go knows (crypto/ecdsa), but for P-224, which OpenSSL offers nobody."""


class _ServerFacts(Struct, frozen=True):
    """What the server sent, and what the exporter makes of it."""

    sent: tuple[bytes, ...] = ()
    judgement: ServerJudgement = field(default_factory=ServerJudgement)
    verified: bool = False


class TlsClient:
    """One TLS connection of a client whose transport somebody else owns.

    Feed it with `receive`, take its events with `next_event` and its bytes with `take_output`.
    """

    def __init__(self, settings: ClientSettings) -> None:
        """Prepare the connection."""
        self.complete = False
        """Whether our handshake is complete, which in TLS 1.3 is not yet acceptance."""
        self.close_notify = False
        """Whether the peer sent close_notify."""
        self.state: State = "handshaking"
        self._settings = settings
        self._events: deque[events.Event] = deque()
        self._records = RecordCounter()
        self._first = b""
        self._is_tls = True
        self._server: tuple[bytes, _ServerFacts] | None = None
        """The Certificate message, and what it says."""
        self._alpn: str | None = None
        groups = settings.offer.groups if settings.takes_any_curve else ()
        self._link = Link(
            settings.context,
            settings.buffer,
            settings.server_name,
            settings.alpn,
            _add_curves(groups) if groups else (),
        )
        self._log = self._link.log

    def start(self) -> None:
        """Put the ClientHello into the output."""
        self._handshake()

    def receive(self, data: bytes) -> None:
        """Take bytes from the wire; `next_event` interprets them."""
        if not data or self.state in {"closed", "failed"}:
            return
        self._records.count(data)
        if self._records.records > MAX_RECORDS:
            self._events.append(events.LimitReached(f"{MAX_RECORDS} TLS records"))
            return
        if len(self._first) < _FIRST_BYTES:
            self._first += data[: _FIRST_BYTES - len(self._first)]
            if not is_record_start(self._first):
                self._is_tls = False
                self.state = "failed"
                self._events.append(events.NotTls())
                return
        self._link.take_input(data)
        if not self.complete:
            self._handshake()
        if self.complete:
            plain, result = self._link.read()
            if plain:
                self._events.append(events.ApplicationData(plain))
            # OpenSSL goes on after its warning; Go, which the exporter is, gives up.
            if self._log.alerts and self._has_refused_renegotiation():
                result = "failed"
            if result != "want_bytes":
                self._note_end(result)

    def receive_eof(self) -> None:
        """Take the end of the peer's bytes."""
        if self.state != "failed":
            self.state = "closed"

    def next_event(self) -> events.Event | None:
        """Return the next event, None where there is none for now."""
        return self._events.popleft() if self._events else None

    def write(self, data: bytes) -> None:
        """Encrypt application data into the output."""
        if not self._link.write(data):
            self._note_end("failed")

    def close(self) -> None:
        """Put close_notify into the output, where the connection is open."""
        if self.complete and self.state == "open" and not self._link.shut_down():
            self._note_end("failed")

    def take_output(self) -> bytes:
        """Return the bytes that are to go on the wire."""
        return self._link.take_output()

    @property
    def is_tls13(self) -> bool:
        """Whether TLS 1.3 was negotiated."""
        return self.complete and self._link.is_tls13

    @property
    def alpn(self) -> str:
        """The application protocol that the server chose; empty for none."""
        if self._alpn is not None:
            return self._alpn
        chosen = self._link.alpn
        alpn = safe_text(chosen) if chosen else ""
        self._alpn = alpn if self.complete else None
        return alpn

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts of both directions so far."""
        return tuple(self._log.alerts)

    @property
    def certificate_requested(self) -> bool:
        """Whether the server asked for a client certificate."""
        return self._log.certificate_requested

    @property
    def has_judged(self) -> bool:
        """Whether the server is known to have judged our certificate, and goes on.

        In TLS 1.3 a server that asked for a certificate has no resumption secret, and no ticket to
        send, before it has our last flight (RFC 8446 §4.6.1): of all stacks of the lab, none that
        refuses sends one.
        """
        return self._log.ticket and self.certificate_requested and self.is_tls13

    @property
    def is_server_verified(self) -> bool:
        """Whether anything of the application may be sent to this server."""
        return self._server_facts().verified

    @property
    def server_certificates(self) -> tuple[bytes, ...]:
        """The certificates that the server sent, as they came."""
        return self._server_facts().sent

    @property
    def is_server_refused(self) -> bool:
        """Whether the exporter stops over the certificates that have come, handshake or not."""
        server = self._server_facts()
        return bool(server.sent) and not server.verified

    def find_unreadable_certificate(self) -> int:
        """Return the place, from 1, of the first certificate that OpenSSL cannot parse; 0: none.

        The handshake ends there whatever the exporter makes of it: Go reads a UTCTime without
        seconds, and more than a SEQUENCE should hold.
        """
        for place, der in enumerate(self._server_facts().sent[:_MAX_CERTIFICATES], 1):
            try:
                crypto.load_certificate(crypto.FILETYPE_ASN1, der)
            except crypto.Error:
                return place
        return 0

    @property
    def only_dates_wrong(self) -> bool:
        """Whether the server's certificate fails verification by its dates and nothing else."""
        faults = self._server_facts().judgement.faults
        return bool(faults) and all(fault.kind in DATE_FAULTS for fault in faults)

    @property
    def handshake(self) -> Handshake:
        """All that is known of this handshake, however far it came.

        The certificates are described only here: they may be large, and were judged in another turn
        of the event loop.
        """
        link, server = self._link, self._server_facts()
        chain = tuple(self._read_chain(server.sent))
        reference = self._settings.reference_identifier
        cipher = link.cipher
        requested, staple = self._log.certificate_requested, link.stapled_response
        return Handshake(
            offer=self._settings.offer,
            complete=self.complete,
            version=link.version if cipher else "",
            cipher=cipher,
            group=link.group if self.complete else "",
            alpn=self.alpn,
            client_certificate_requested=requested,
            client_certificate_sent=requested and self._settings.sends_certificate,
            acceptable_cas=self._list_acceptable_cas() if requested else (),
            alerts=self.alerts,
            path_faults=server.judgement.faults,
            server_chain=chain,
            name_check=check_name(reference, chain[0].sans, chain[0].common_name)
            if chain
            else None,
            server_verified=server.verified,
            verified_paths=() if self._settings.skip_verify else server.judgement.paths,
            used_anchors=() if self._settings.skip_verify else server.judgement.anchors,
            stapled_status=stapled_status(staple),
            staple_until=find_staple_end(staple),
            first_bytes="" if self._is_tls else self._first.hex(),
        )

    def _handshake(self) -> None:
        result = self._link.shake_hands()
        if result == "done":
            self.complete = True
            self.state = "open"
            self._events.append(events.HandshakeComplete())
        else:
            self._note_end(result)

    def _has_refused_renegotiation(self) -> bool:
        return any(
            alert.number == TlsAlert.NO_RENEGOTIATION and alert.direction == "sent"
            for alert in self._log.alerts
        )

    def _note_end(self, result: IoResult) -> None:
        if result == "closed":
            self.state, self.close_notify = "closed", True
            self._events.append(events.Closed())
        elif result == "failed":
            self.state = "failed"
            fatal = (a.direction == "received" and a.level == "fatal" for a in self.alerts)
            self._events.append(events.Failed(alert_received=any(fatal)))

    def _server_facts(self) -> _ServerFacts:
        message = self._log.certificate_message
        if self._server is not None and self._server[0] is message:
            return self._server[1]
        # In TLS 1.3 only the ServerHello, which comes before it, says how it is read.
        read = _remember_list if len(message) <= _REMEMBERED else read_certificate_message
        sent = read(message, tls13=self._link.is_tls13)
        facts = self._judge(sent) if sent else _ServerFacts(verified=self._settings.skip_verify)
        self._server = message, facts
        return facts

    def _judge(self, sent: tuple[bytes, ...]) -> _ServerFacts:
        judgement = self._settings.judge_server(sent)
        stopping = judgement.faults
        if self._settings.skip_verify:
            stopping = tuple(fault for fault in stopping if stops_without_verification(fault))
        return _ServerFacts(sent, judgement, not stopping)

    def _read_chain(self, sent: tuple[bytes, ...]) -> Iterator[CertificateFacts]:
        length = 0
        for index, der in enumerate(sent[:_MAX_CERTIFICATES]):
            length += len(der)
            if index and length > MAX_READ:
                yield make_unreadable_facts(der)
            else:
                yield self._settings.read_certificate(der)

    def _list_acceptable_cas(self) -> tuple[Name, ...]:
        """Return what the list names, which may be a hundred roots: of an equal request it is known."""
        return self._settings.authorities.get(
            self._log.request_message, self._read_acceptable_cas, tls13=self._link.is_tls13
        )

    def _read_acceptable_cas(self) -> Iterator[Name]:
        length = 0
        for der in self._link.read_acceptable_authorities(_MAX_ACCEPTABLE_CAS):
            length += len(der)
            yield self._settings.read_name(der) if length <= MAX_READ else make_unread_name(der)


_remember_list = lru_cache(maxsize=64)(read_certificate_message)


@lru_cache(maxsize=64)
def _add_curves(groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*groups, *_ECDSA_CURVES)))
