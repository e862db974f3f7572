"""One connection of an exporter to `listen`, without I/O: bytes in, bytes and what was seen out.

Nothing that a client sends raises. Before the handshake is complete its bytes and TLS records are
bounded, and what follows by what the HTTP servers take.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from OpenSSL import SSL

from probe.backend.answers import TOO_LONG, Request, Response, answer_request, refuse_body
from probe.backend.ca_list_policy import CaListPolicy, Known
from probe.backend.exporter_tls import Judge, ServerTls
from probe.backend.first_bytes import FirstBytes
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from probe.backend.passing_messages import PREFACE, Message, Messages, is_answer_good, read_messages
from probe.backend.request_log import RequestLog
from probe.exporters.lookalike import find_lookalikes
from probe.model.certificate import CertificateFacts
from probe.model.exporter_connection import ClientCertificate, ConnectionEnd, ExporterConnection
from probe.model.path_fault import PathFault
from probe.model.target import Protocol
from probe.model.tls_names import name_suite
from probe.text.safe_text import safe_text
from probe.tls.client_hello import ClientHello
from probe.tls.records import MAX_RECORDS, RecordCounter
from probe.x509.parse import read_der

MAX_HANDSHAKE: Final = 262_144
"""Bytes of a handshake; the longest chains of real clients take 20 kB."""
MAX_CHAIN: Final = 10
"""Certificates of a chain that are described; all of it is judged."""

State = Literal["first", "handshake", "open", "ended"]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What all connections have in common."""

    context: SSL.Context
    """Whose CertificateRequest names the CAs that are accepted."""
    context_without_list: SSL.Context
    named_cas: tuple[str, ...]
    judge: Judge
    policy: CaListPolicy
    accept_any: bool = False
    forward: str = ""
    """Where OTLP is handed on to; empty: it is answered here and dropped."""
    monotonic: Callable[[], float] = lambda: 0.0
    now: Callable[[], float] = lambda: 0.0
    """Seconds since the Unix epoch."""


class ExporterSession:
    """Feed it with `receive`; take what goes to the exporter with `take_output`."""

    def __init__(
        self,
        settings: SessionSettings,
        number: int,
        peer: str,
        address: tuple[str, int] = ("", 0),
    ) -> None:
        """Begin; `peer` is the exporter's address, `address` the one that it connected to."""
        self.address = address
        self.state: State = "first"
        self.requests = RequestLog()
        self._settings = settings
        self._number, self._peer = number, safe_text(peer)
        self._at, self._began = settings.now(), settings.monotonic()
        self._took = 0.0
        self._first = FirstBytes()
        self._hello: ClientHello | None = None
        self._tls: ServerTls | None = None
        self._opened = False
        self._records = RecordCounter()
        self._named = True
        self._noted = False
        self._handshake_bytes = 0
        self._plain_output = bytearray()
        self._http: Http1Server | Http2Server | None = None
        self._passing: tuple[Messages, Messages] | None = None
        self._to_backend = bytearray()
        self._received = self._forwarded = self._returned = 0
        self.how_it_ended: ConnectionEnd = "open"
        self._detail = ""
        self._chain: tuple[CertificateFacts, ...] | None = None

    @property
    def _kind(self) -> tuple[object, ...]:
        hello = self._hello
        host = self._peer.rpartition(":")[0]
        return (host, hello and (hello.server_name, hello.alpn, hello.offer))

    @property
    def concluded(self) -> bool:
        """Whether there is something to report: a request was answered, or all is over."""
        return self.state == "ended" or self.requests.count > 0

    @property
    def faults(self) -> tuple[PathFault, ...]:
        """Why what was presented is refused."""
        return self._tls.faults if self._tls is not None else ()

    @property
    def presented(self) -> tuple[bytes, ...]:
        """What was presented, as DER."""
        return self._tls.chain if self._tls is not None else ()

    @property
    def alpn(self) -> bytes:
        """The application protocol that was chosen; empty: none."""
        return self._tls.alpn if self._tls is not None else b""

    def receive(self, data: bytes) -> None:
        """Take bytes from the wire."""
        if not data:
            return
        if self.state == "first":
            self._read_first(data)
        elif self.state == "handshake":
            self._continue(data)
        elif self.state == "open" and self._tls is not None:
            self._tls.take_input(data)
        if self._opened and self.state != "ended":
            self._read_plaintext()

    def end(self, how: ConnectionEnd, detail: str = "") -> None:
        """Take that the connection is over, or is to end here."""
        if self.state == "ended":
            return
        self.state = "ended"
        self._took = self._settings.monotonic() - self._began
        self.how_it_ended, self._detail = how, detail
        self._note_certificate()

    def shut(self) -> None:
        """Put close_notify into the output, where TLS is open."""
        if self._tls is not None and self.state == "open":
            self._tls.shut_down()

    def take_output(self) -> bytes:
        """Return the bytes that are to go to the exporter."""
        output = bytes(self._plain_output)
        self._plain_output.clear()
        if self._tls is not None:
            output += self._tls.take_output()
        return output

    def take_for_backend(self) -> bytes:
        """Return application data that is to be handed on."""
        data = bytes(self._to_backend)
        self._to_backend.clear()
        return data

    def note_forwarded(self, count: int) -> None:
        """Take that the backend got so many bytes."""
        self._forwarded += count

    def return_from_backend(self, data: bytes) -> None:
        """Encrypt what the backend answers."""
        if self._passing is not None:
            self._note_answers(self._passing[1].receive(data))
        self._write(data)
        self._returned += len(data)

    def end_backend(self) -> None:
        """Take that the backend sends nothing more."""
        if self._passing is not None:
            self._note_answers(self._passing[1].end())
        self.shut()

    def _note_answers(self, messages: list[Message]) -> None:
        for message in messages:
            self.requests.note_answer(message.stream, *is_answer_good(message.headers))

    def describe(self) -> ExporterConnection:
        """Return what has been seen."""
        hello, tls = self._hello, self._tls
        known = self._settings.policy.find(self._kind) if hello is not None else Known()
        like = find_lookalikes(hello.offer, hello.alpn) if hello is not None else None
        cipher = tls.cipher if tls is not None else ""
        named = self._named and hello is not None
        over = self.state == "ended"
        return ExporterConnection(
            number=self._number,
            at=self._at,
            peer=self._peer,
            seconds=self._took if over else self._settings.monotonic() - self._began,
            speech=self._first.speech,
            first_bytes=self._first.shown,
            server_name=hello.server_name if hello is not None else "",
            alpn=hello.alpn if hello is not None else (),
            offer=hello.offer if hello is not None else None,
            hello_size=hello.size if hello is not None else 0,
            looks_like=like.runtimes if like is not None else (),
            differences=like.differences if like is not None else 0,
            values=like.values if like is not None else 0,
            looks_near=like is not None and like.is_near,
            version=tls.version if tls is not None and cipher else "",
            cipher=name_suite(cipher) if cipher else "",
            chosen_alpn=safe_text(self.alpn),
            named_cas=self._settings.named_cas if named else (),
            certificate=self._certificate(),
            chain=self._describe_chain(),
            withheld_before=0 if self._named else known.none_listed,
            presented_later=known.presented if self._named else 0,
            none_without_list=known.none if self._named else 0,
            alerts=tuple(tls.alerts) if tls is not None else (),
            complete=self._opened,
            end=self.how_it_ended,
            detail=self._detail,
            request_began=self._has_begun(),
            request_count=self.requests.count,
            requests=self.requests.first,
            items=self.requests.items,
            bytes_received=self._received,
            bytes_forwarded=self._forwarded,
            bytes_returned=self._returned,
            forwarded_to=self._settings.forward,
        )

    def _has_begun(self) -> bool:
        reader = self._passing[0] if self._passing is not None else self._http
        return reader is not None and reader.began

    def _note_certificate(self) -> None:
        """Tell the policy once what was presented, as soon as that is known."""
        if self._hello is None or self._noted:
            return
        self._noted = True
        policy = self._settings.policy
        policy.note(self._kind, self._number, self._certificate(), named=self._named)

    def _certificate(self) -> ClientCertificate:
        tls = self._tls
        if tls is None or not (self._opened or tls.has_answered):
            return "not_reached"
        return "presented" if tls.has_answered and tls.chain else "none"

    def _describe_chain(self) -> tuple[CertificateFacts, ...]:
        if self._chain is None or len(self._chain) != len(self.presented[:MAX_CHAIN]):
            self._chain = tuple(map(read_der, self.presented[:MAX_CHAIN]))
        return self._chain

    def _read_first(self, data: bytes) -> None:
        self._first.receive(data)
        if self._first.hello is not None:
            self._begin_tls(self._first.hello)
        elif self._first.refused:
            self._plain_output += self._first.answer
            self.end("refused")

    def _begin_tls(self, hello: ClientHello) -> None:
        settings = self._settings
        self._hello = hello
        self._named = settings.policy.names_cas(self._kind)
        context = settings.context if self._named else settings.context_without_list
        self._tls = ServerTls(context, settings.judge, accept_any=settings.accept_any)
        self.state = "handshake"
        self._continue(self._first.data)

    def _continue(self, data: bytes) -> None:
        assert self._tls is not None
        self._handshake_bytes += len(data)
        self._records.count(data)
        if self._records.records > MAX_RECORDS or self._handshake_bytes > MAX_HANDSHAKE:
            self.end("limit", "the handshake is too long")
            return
        self._tls.take_input(data)
        result = self._tls.shake_hands()
        if result == "done":
            self.state, self._opened = "open", True
            self._note_certificate()
            if not self._settings.forward and self.alpn == b"h2":
                self._begin_server(http2=True)
        elif result == "closed":
            self.end("close")
        elif result == "failed":
            self.end("alert" if self._has_alert() else "refused")

    def _has_alert(self) -> bool:
        assert self._tls is not None
        return any(a.direction == "received" and a.level == "fatal" for a in self._tls.alerts)

    def _begin_server(self, *, http2: bool) -> None:
        self._http = Http2Server(self._respond) if http2 else Http1Server(self._respond)
        self._write(self._http.opening())

    def _read_plaintext(self) -> None:
        assert self._tls is not None
        data, result = self._tls.read()
        self._received += len(data)
        if data:
            self._take_plaintext(data)
        if result == "closed":
            self.end("close")
        elif result == "failed":
            self.end("alert" if self._has_alert() else "refused")
        elif self._http is not None and self._http.closed:
            self.shut()
            fault = self._http.fault
            self.end("limit" if fault == TOO_LONG else "refused" if fault else "close", fault)

    def _take_plaintext(self, data: bytes) -> None:
        http2 = self.alpn == b"h2" or (not self.alpn and data[:3] == PREFACE[:3])
        if self._settings.forward:
            if self._passing is None:
                self._passing = (
                    read_messages("request", http2=http2),
                    read_messages("answer", http2=http2),
                )
            for message in self._passing[0].receive(data):
                self.requests.note_request(
                    message.stream, message.headers, bytes(message.body),
                    size=message.size, whole=message.whole, over="h2" if http2 else "http/1.1",
                )  # fmt: skip
            self._to_backend += data
            return
        if self._http is None:
            self._begin_server(http2=http2)
        assert self._http is not None
        self._write(self._http.receive(data))

    def _respond(self, request: Request) -> Response:
        media_type = request.headers.get("content-type", "").lower()
        grpc = request.over == "h2" and media_type.startswith("application/grpc")
        protocol: Protocol = "grpc" if grpc else "http/protobuf"
        now = datetime.fromtimestamp(self._settings.now(), UTC)
        response = answer_request(request, protocol, now)
        fields = {**request.headers, ":method": request.method, ":path": request.path}
        stream = self.requests.count
        body = request.body
        refusal, why = self.requests.note_request(
            stream, fields, body, size=len(body), whole=True, over=request.over
        )
        if refusal and _read_answer(response)[1]:
            response = refuse_body(protocol, why, encoding=refusal == "encoding")
        self.requests.note_answer(stream, *_read_answer(response))
        return response

    def _write(self, data: bytes) -> None:
        assert self._tls is not None
        if data and not self._tls.write(data):
            self.end("reset")


def _read_answer(response: Response) -> tuple[str, bool]:
    """Return an answer's status as it is shown, and whether it is a success."""
    fields = dict((*response.headers, *response.trailers))
    return is_answer_good({**fields, ":status": str(response.status)})
