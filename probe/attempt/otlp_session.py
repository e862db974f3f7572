"""What one attempt sends and receives on a connected byte stream: sans-I/O, time passed in.

It goes through the stages handshake, accept and export. In TLS 1.3 our handshake is complete before
the backend has judged our certificate (RFC 8446 §4.4.2.4), so only an answer to the request (depth
tls: application data and no refusal after it) ends an attempt well. Nothing of the application goes
to a server that is not verified; where only its dates are wrong, a bare `HEAD /` asks for its Date,
and the ending stays.
"""

from typing import Final, Literal

from probe.attempt.session import Session
from probe.model.evidence import Answer, Ending, EndingKind, Handshake, Stage
from probe.otlp.exchange import Exchange
from probe.otlp.request import Request
from probe.tls import events
from probe.tls.client import TlsClient

Purpose = Literal["export", "tls", "handshake"]
"""What a connection is made for: an answer to the request, acceptance by TLS, or a handshake."""

DATE_TIMEOUT: Final = 1.0
"""Seconds to wait for the Date of a server with wrong dates."""

BYTE_BUDGET: Final = 1 << 18
"""The most bytes that one connection reads.

Measured with the Collector, grpc-core, nginx, HAProxy, JSSE, Node and rustls, a healthy backend
sends 1 to 4 kB in an attempt; the longest certificates that OpenSSL takes are 100 kB,
and the longest body that is kept 64 kB.
"""
MAX_READS: Final = 2048
"""The most reads of one connection: each costs the same, however few bytes it gives.

The same backends take 2 to 8; 64 KiB of body in segments of 536 bytes would take 123.
"""

_CUT: Final[frozenset[EndingKind]] = frozenset({"close", "reset"})
"""Endings that an error code of HTTP/2 explains."""


class OtlpSession(Session):
    """TLS (or plaintext), then an OTLP request, until an `ending` is known."""

    def __init__(
        self,
        tls: TlsClient | None,
        request: Request,
        *,
        purpose: Purpose,
        needs_h2: bool,
        quiet: float,
    ) -> None:
        """Prepare.

        Args:
            tls: the client, None for plaintext.
            request: the bytes to send.
            purpose: which part of an attempt the connection is for.
            needs_h2: whether another application protocol ends the attempt.
            quiet: seconds to let a TLS 1.3 backend speak first, or send a session ticket.
        """
        self.durations: dict[str, float] = {}
        self._tls = tls
        self._request = request
        self._purpose = purpose
        self._needs_h2 = needs_h2
        self._quiet = quiet
        self._exchange: Exchange | None = None
        self._requests_date = False
        self._written = False
        self._plain_output = bytearray()
        self._received = self._reads = 0
        self._since = 0.0

    @property
    def handshake(self) -> Handshake | None:
        """The TLS handshake as far as it came; None in plaintext."""
        return None if self._tls is None else self._tls.handshake

    @property
    def server_certificates(self) -> tuple[bytes, ...]:
        """The certificates that the backend sent, as they came."""
        return () if self._tls is None else self._tls.server_certificates

    @property
    def answer(self) -> Answer | None:
        """The backend's answer to the request, where one came."""
        return None if self._requests_date else self.dated_answer

    @property
    def dated_answer(self) -> Answer | None:
        """The answer whose Date shows the backend's clock: to the request, or to `HEAD /`."""
        if self._exchange is None:
            return None
        return self._exchange.answer or self._exchange.cut_answer

    @property
    def first_bytes(self) -> str:
        """Hex of what came first, inside TLS or without it, where it was not HTTP; else empty."""
        exchange = self._exchange
        if exchange is None or exchange.protocol_seen or not exchange.garbage:
            return ""
        return exchange.first_bytes.hex()

    def start(self, now: float) -> None:
        """Send the ClientHello, or in plaintext the request."""
        self._since = now
        if self._tls is not None:
            self._tls.start()
        else:
            self._open_exchange()
            self._write(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer."""
        if self.ending is not None:
            return
        self._received += len(data)
        self._reads += 1
        if self._received > BYTE_BUDGET:
            self._exhaust(f"{BYTE_BUDGET} bytes", now)
        elif self._reads > MAX_READS:
            self._exhaust(f"{MAX_READS} reads", now)
        elif self._tls is None:
            self._receive_application_data(data, now)
        else:
            self._tls.receive(data)
            while self.ending is None and (event := self._tls.next_event()) is not None:
                self._take(event, now)
            if (
                self.wake_at is not None
                and not self._written
                and self._purpose == "export"
                and self._tls.has_judged
            ):
                # There is nothing left to wait for; a quiet time costs a quarter of an attempt.
                self._write(now)

    def receive_eof(self, now: float, *, reset: bool) -> None:
        """Take the end of the peer's bytes."""
        if self.ending is not None:
            return
        if self._tls is not None:
            self._tls.receive_eof()
        kind: EndingKind = "reset" if reset else "close"
        if self._exchange is not None and (self._request_sent or not reset):
            self._exchange.receive_eof(orderly=not reset)
            self._check_exchange(now, ended_by=kind)
        if self.ending is None:
            self._end(kind, now)

    def wake(self, now: float) -> None:
        """Write after the quiet wait; for purpose tls, confirm after the last one."""
        self.wake_at = None
        if self.ending is not None:
            return
        if self._requests_date:
            self._end("unverified", now)
        elif not self._written:
            self._write(now)
        elif self._purpose == "tls" and self._has_peer_data():
            self._end("application_data", now)

    def expire(self, now: float) -> None:
        """End at the deadline."""
        if self.ending is not None:
            return
        if self._exchange is not None and self._request_sent:
            self._exchange.end_early()
            self._check_exchange(now, ended_by="timeout")
        if self.ending is None:
            self._end("timeout", now)

    def take_output(self) -> bytes:
        """Return the bytes to send."""
        if self._exchange is not None and self.ending is None:
            reply = self._exchange.take_output()
            if reply:
                self._send(reply)
        if self._tls is not None:
            return self._tls.take_output()
        output = bytes(self._plain_output)
        self._plain_output.clear()
        return output

    def close(self) -> bytes:
        """Return the bytes of an orderly close (RFC 8446 §6.1)."""
        if self._tls is None:
            return b""
        self._tls.close()
        return self._tls.take_output()

    def _take(self, event: events.Event, now: float) -> None:
        if isinstance(event, events.ApplicationData):
            self._receive_application_data(event.data, now)
        elif isinstance(event, events.HandshakeComplete):
            self._complete_handshake(now)
        elif isinstance(event, events.Closed):
            self.receive_eof(now, reset=False)
        elif isinstance(event, events.Failed):
            self._end_failed(now, alert_received=event.alert_received)
        elif isinstance(event, events.NotTls):
            self._end("not_tls", now)
        else:
            self._exhaust(event.limit, now)

    def _end_failed(self, now: float, *, alert_received: bool) -> None:
        """End a handshake that failed: by the peer's alert, or because our library gave up.

        Where the exporter stops over the server's certificates, it has done so before our library
        did: OpenSSL may not even read what Go refuses.
        """
        tls = self._tls
        if alert_received:
            self._end("alert", now)
        elif tls is not None and tls.is_server_refused:
            self._end("unverified", now)
        elif tls is not None and (place := tls.find_unreadable_certificate()):
            detail = f"its TLS library cannot read certificate {place} that the exporter reads"
            self._end("probe_fault", now, detail=detail)
        else:
            self._end("tls", now)

    def _complete_handshake(self, now: float) -> None:
        tls = self._tls
        assert tls is not None
        self.durations["handshake"] = now - self._since
        self._since = now
        if self._purpose == "handshake":
            self._end("completed", now, stage="handshake")
        elif not tls.is_server_verified:
            if tls.only_dates_wrong:
                self._request_date(now)
            else:
                self._end("unverified", now, stage="handshake")
        elif self._needs_h2 and tls.alpn != "h2":
            self._end("alpn", now, stage="handshake", detail=tls.alpn)
        else:
            self._open_exchange()
            if tls.is_tls13:
                self.wake_at = now + self._quiet
            else:
                self._write(now)

    def _open_exchange(self) -> None:
        h2 = self._needs_h2 if self._tls is None else self._tls.alpn == "h2"
        self._exchange = self._request.expect_answer(h2=h2)

    def _request_date(self, now: float) -> None:
        """Ask a server with wrong dates for its clock, and for nothing else."""
        assert self._tls is not None
        h2 = self._tls.alpn == "h2"
        self._requests_date = self._written = True
        self._exchange = self._request.expect_date(h2=h2)
        self._send(self._request.h2_bare if h2 else self._request.http1_bare)
        self.wake_at = now + DATE_TIMEOUT

    def _write(self, now: float) -> None:
        exchange = self._exchange
        assert exchange is not None
        h2 = exchange.over == "h2"
        if self._purpose == "tls":
            self._send(self._request.h2_opening if h2 else self._request.http1_opening)
        else:
            self._send(self._request.h2 if h2 else self._request.http1)
            if self._tls is not None:
                self.durations["accept"] = now - self._since
                self._since = now
        self._written = True
        self.wake_at = None

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
        else:
            self._plain_output += data

    def _receive_application_data(self, data: bytes, now: float) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        exchange.receive(data)
        if exchange.speaks_http1 and (self._purpose != "tls" or self._tls is None):
            # HTTP/1.x is an answer too: the peer did not understand the HTTP/2 preface.
            self._written = True
            self._exchange = self._request.expect_answer(h2=False)
            self._exchange.receive(exchange.unread)
        # An end in HTTP (RST_STREAM, GOAWAY) is about the request; only an end below HTTP can refuse
        # the certificate.
        self._check_exchange(now, stage="export" if self._request_sent else None)
        if self.ending is None and not self._written:
            self._write(now)
        if self.ending is not None or self._purpose != "tls" or self.wake_at:
            return
        if self._has_peer_data():
            self.wake_at = now + self._quiet

    def _has_peer_data(self) -> bool:
        """Whether the peer sent application data; any data inside TLS counts, in any protocol."""
        exchange = self._exchange
        if exchange is None:
            return False
        return exchange.protocol_seen or (exchange.garbage and self._tls is not None)

    @property
    def _request_sent(self) -> bool:
        return self._written and self._purpose == "export"

    def _exhaust(self, limit: str, now: float) -> None:
        """End at a bound of the connection; a status that came and is not a success stands."""
        if self._exchange is not None and self._request_sent:
            self._exchange.end_early()
            self._check_exchange(now, ended_by="budget", detail=limit)
        if self.ending is None:
            self._end("budget", now, detail=limit)

    def _check_exchange(
        self,
        now: float,
        *,
        stage: Stage | None = None,
        ended_by: EndingKind = "close",
        detail: str = "",
    ) -> None:
        """End where the exchange has ended; `ended_by` is what cut it off, if nothing in it did."""
        exchange = self._exchange
        assert exchange is not None
        if exchange.answer is not None:
            if self._purpose == "tls":
                self._end("application_data", now)
            else:
                self._end("answered", now, stage="export")
        elif exchange.exhausted:
            self._end("budget", now, stage=stage, detail=exchange.detail)
        elif exchange.garbage and (self._purpose != "tls" or self._tls is None):
            self._end("garbage", now, stage="export", detail=exchange.detail)
        elif exchange.cut_answer is not None and self._request_sent:
            self._end(ended_by, now, stage="export", detail=exchange.detail or detail)
        elif exchange.ended and not exchange.garbage and ended_by in {"close", "reset"}:
            # RST_STREAM, or a GOAWAY: no answer will come. Who says so has read the request.
            if exchange.http2_error is not None and self._request_sent:
                stage = "export"
            self._end(ended_by, now, stage=stage, detail=exchange.detail)

    def _end(
        self, kind: EndingKind, now: float, *, stage: Stage | None = None, detail: str = ""
    ) -> None:
        if self._requests_date:
            # Whatever came of the date: an exporter has stopped before it.
            kind, stage, detail, self._since = "unverified", "handshake", "", now
        stage = stage or self._find_stage(kind)
        self.durations[stage] = self.durations.get(stage, 0.0) + now - self._since
        notified = self._tls is not None and self._tls.close_notify and not self._requests_date
        self.wake_at = None
        code = None if self._exchange is None or kind not in _CUT else self._exchange.http2_error
        self.ending = Ending(
            stage=stage, kind=kind, detail=detail, close_notify=notified, http2_error=code
        )

    def _find_stage(self, kind: EndingKind) -> Stage:
        """Return the stage in which an ending of this `kind` happened.

        A refusal after the handshake is one of the certificate, `accept`, even where the request
        was sent already; without a certificate in play there is nothing to accept.
        """
        tls = self._tls
        if tls is None:
            return "export"
        if not tls.complete:
            return "handshake"
        if self._purpose == "tls" or not self._written:
            return "accept"
        if kind == "alert" or (kind in {"close", "reset"} and tls.certificate_requested):
            return "accept"
        return "export"
