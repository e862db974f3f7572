"""What one attempt says and hears on a connected byte stream: sans-I/O, time passed in.

It walks the stages handshake, accept and export (interfaces.md, section 3) and keeps the promise
of no false green: in TLS 1.3 our handshake is complete before the backend has judged our
certificate, so only an answer to the request (depth tls: application data and no refusal after
it) ends an attempt well. Nothing of the application goes to a server that is not verified; where
only its dates are wrong, it is asked for its Date by a bare `HEAD /`, and the ending stays.
"""

from typing import Final

import msgspec.structs

from probe.attempt.ending_stage import Purpose, stage_of
from probe.attempt.wire_limits import WireSteps, looks_like_tls
from probe.model.evidence import Answer, Ending, EndingKind, Handshake, Stage
from probe.otlp.exchange import Exchange
from probe.otlp.request import (
    Request,
    bare_exchange,
    http1_exchange,
    http2_exchange,
)
from probe.tls.client import TlsClient

__all__ = ["DATE_PATIENCE", "OtlpConversation", "Purpose"]

DATE_PATIENCE: Final = 1.0
"""Seconds that the Date of a server with wrong dates is waited for."""

_FIRST_BYTES: Final = 64


class OtlpConversation:
    """TLS (or clear text), then an OTLP request, until an `ending` is known."""

    def __init__(
        self,
        tls: TlsClient | None,
        request: Request,
        *,
        purpose: Purpose,
        grpc: bool,
        quiet: float,
    ) -> None:
        """Prepare; `quiet` is how many seconds to let a TLS 1.3 backend speak first."""
        self.ending: Ending | None = None
        self.wake_at: float | None = None
        self.durations: dict[str, float] = {}
        self._tls = tls
        self._request = request
        self._purpose = purpose
        self._grpc = grpc
        self._quiet = quiet
        self._exchange: Exchange | None = None
        self._asking_date = False
        self._written = False
        self._clear_output = bytearray()
        self._first = bytearray()
        self._steps = WireSteps(tls=tls is not None)
        self._since = 0.0

    @property
    def handshake(self) -> Handshake | None:
        """The TLS handshake as far as it came; None in clear text."""
        if self._tls is None:
            return None
        record = self._tls.record()
        if self.ending is not None and self.ending.kind == "not_tls":
            return msgspec.structs.replace(
                record, first_bytes=bytes(self._first[:_FIRST_BYTES]).hex()
            )
        return record

    @property
    def answer(self) -> Answer | None:
        """The backend's answer to the request, where one came."""
        return None if self._asking_date else self.date_answer

    @property
    def date_answer(self) -> Answer | None:
        """The answer whose Date tells the backend's clock: to the request, or to `HEAD /`."""
        if self._exchange is None:
            return None
        return self._exchange.answer or self._exchange.cut_answer

    @property
    def first_bytes(self) -> str:
        """Hex of what came first inside TLS, or without it, where it was no HTTP; else empty."""
        exchange = self._exchange
        if exchange is None or exchange.spoke or not exchange.garbage:
            return ""
        return exchange.first.hex()

    def start(self, now: float) -> None:
        """Send the ClientHello, or in clear text the request."""
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
        if exceeded := self._steps.count(data):
            self._exhaust(exceeded, now)
        elif self._tls is None:
            self._hear(data, now)
        else:
            if len(self._first) < _FIRST_BYTES:
                self._first += data[:_FIRST_BYTES]
                if not looks_like_tls(self._first):
                    self._end("not_tls", now)
                    return
            was_complete = self._tls.complete
            plain = self._tls.receive(data)
            if self._tls.complete and not was_complete:
                self._handshake_complete(now)
            if plain and self.ending is None:
                self._hear(plain, now)
            if self.ending is None:
                self._check_tls(now)

    def receive_eof(self, now: float, *, reset: bool) -> None:
        """Learn that nothing more comes."""
        if self.ending is not None:
            return
        if self._tls is not None:
            self._tls.receive_eof()
        kind: EndingKind = "reset" if reset else "close"
        if self._exchange is not None and (self._asked or not reset):
            self._exchange.receive_eof(orderly=not reset)
            self._check_exchange(now, ended_by=kind)
        if self.ending is None:
            self._end(kind, now)

    def wake(self, now: float) -> None:
        """Write after the quiet wait; at depth tls, confirm after the last one."""
        self.wake_at = None
        if self.ending is not None:
            return
        if self._asking_date:
            self._end("unverified", now)
        elif not self._written:
            self._write(now)
        elif self._purpose == "tls" and self._spoke():
            self._end("application_data", now)

    def expire(self, now: float) -> None:
        """End at the deadline."""
        if self.ending is not None:
            return
        if self._exchange is not None and self._asked:
            self._exchange.end_early()
            self._check_exchange(now, ended_by="timeout")
        if self.ending is None:
            self._end("timeout", now)

    def take_output(self) -> bytes:
        """Return what is to be sent."""
        if self._exchange is not None and self.ending is None:
            reply = self._exchange.take_output()
            if reply:
                self._send(reply)
        if self._tls is not None:
            return self._tls.take_output()
        output = bytes(self._clear_output)
        self._clear_output.clear()
        return output

    def farewell(self) -> bytes:
        """Return the bytes of an orderly close."""
        if self._tls is None:
            return b""
        self._tls.shutdown()
        return self._tls.take_output()

    def _handshake_complete(self, now: float) -> None:
        tls = self._tls
        assert tls is not None
        self.durations["handshake"] = now - self._since
        self._since = now
        if self._purpose == "handshake":
            self._end("completed", now, stage="handshake")
        elif not tls.server_verified:
            if tls.dates_alone_wrong:
                self._ask_date(now)
            else:
                self._end("unverified", now, stage="handshake")
        elif self._grpc and tls.alpn != "h2":
            self._end("alpn", now, stage="handshake", detail=tls.alpn)
        else:
            self._open_exchange()
            if tls.tls13:
                self.wake_at = now + self._quiet
            else:
                self._write(now)

    def _open_exchange(self) -> None:
        h2 = self._grpc if self._tls is None else self._tls.alpn == "h2"
        self._exchange = (http2_exchange if h2 else http1_exchange)(self._request)

    def _ask_date(self, now: float) -> None:
        """Ask a server of wrong dates for its clock, and for nothing else."""
        assert self._tls is not None
        h2 = self._tls.alpn == "h2"
        self._asking_date = self._written = True
        self._exchange = bare_exchange(self._request, h2=h2)
        self._send(self._request.h2_bare if h2 else self._request.http1_bare)
        self.wake_at = now + DATE_PATIENCE

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
            self._clear_output += data

    def _hear(self, plain: bytes, now: float) -> None:
        if self._exchange is None:
            return
        self._exchange.receive(plain)
        if self._exchange.speaks_http1 and (self._purpose != "tls" or self._tls is None):
            # What it says in HTTP/1.x is its answer, to a preface that it did not understand.
            unread, self._written = self._exchange.unread, True
            self._exchange = http1_exchange(self._request)
            self._exchange.receive(unread)
        # An end in words of HTTP is the request's; only one without words refuses a certificate.
        self._check_exchange(now, stage="export" if self._asked else None)
        if self.ending is None and not self._written:
            self._write(now)
        if self.ending is None and self._purpose == "tls" and self._spoke() and not self.wake_at:
            self.wake_at = now + self._quiet

    def _spoke(self) -> bool:
        # At depth tls anything inside TLS is application data, of whatever protocol.
        exchange = self._exchange
        if exchange is None:
            return False
        return exchange.spoke or (exchange.garbage and self._tls is not None)

    @property
    def _asked(self) -> bool:
        return self._written and self._purpose == "export"

    def _exhaust(self, bound: str, now: float) -> None:
        """End at a bound of the connection; a status that came and is not a success stands."""
        if self._exchange is not None and self._asked:
            self._exchange.end_early()
            self._check_exchange(now, ended_by="budget", detail=bound)
        if self.ending is None:
            self._end("budget", now, detail=bound)

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
        elif exchange.cut_answer is not None and self._asked:
            self._end(ended_by, now, stage="export", detail=exchange.detail or detail)
        elif exchange.ended and not exchange.garbage and ended_by in {"close", "reset"}:
            # RST_STREAM, or a GOAWAY that drops the request: no answer will come.
            self._end(ended_by, now, stage=stage, detail=exchange.detail)

    def _check_tls(self, now: float) -> None:
        tls = self._tls
        assert tls is not None
        if tls.exhausted:
            self._end("budget", now, detail=tls.exhausted)
        elif tls.state == "failed":
            received = any(a.direction == "received" and a.level == "fatal" for a in tls.alerts)
            self._end("alert" if received else "tls", now)
        elif tls.state == "closed":
            self.receive_eof(now, reset=False)

    def _end(
        self, kind: EndingKind, now: float, *, stage: Stage | None = None, detail: str = ""
    ) -> None:
        if self._asking_date:
            # Whatever became of the question: an exporter has stopped before it.
            kind, stage, detail, self._since = "unverified", "handshake", "", now
        stage = stage or stage_of(kind, self._tls, self._purpose, written=self._written)
        self.durations[stage] = self.durations.get(stage, 0.0) + now - self._since
        notified = self._tls is not None and self._tls.close_notify and not self._asking_date
        self.wake_at = None
        self.ending = Ending(stage=stage, kind=kind, detail=detail, close_notify=notified)
