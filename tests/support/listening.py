"""`listen` in memory: its files, one session of it, and a client that talks to it."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame
from OpenSSL import SSL

from probe.backend.ca_list_policy import CaListPolicy
from probe.backend.exporter_session import ExporterSession, SessionSettings
from probe.backend.exporter_tls import make_context
from probe.backend.listener_files import ListenerFiles
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection
from probe.model.target import Endpoint
from tests.support.http2_bytes import PREFACE
from tests.support.loopback_client import CLIENT_CA, SERVER
from tests.support.pki import Authority, Issued, write_pem

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOCOLS = (b"h2", b"http/1.1")


def make_files(
    folder: Path, server: Issued = SERVER, client_ca: Authority = CLIENT_CA
) -> ListenerFiles:
    """Write the files of a listener to `folder` and read them."""
    return ListenerFiles(
        str(write_pem(folder, "server.crt", server.pem)),
        str(write_pem(folder, "server.key", server.key_pem)),
        str(write_pem(folder, "client-ca.crt", client_ca.pem)),
        Endpoint("127.0.0.1", 4317),
        time.time(),
    )


def make_settings(
    files: ListenerFiles,
    *,
    policy: CaListPolicy | None = None,
    accept_any: bool = False,
    forward: str = "",
) -> SessionSettings:
    """Return the settings of sessions."""
    return SessionSettings(
        context=make_context(files.present, files.client_cas, PROTOCOLS),
        context_without_list=make_context(files.present, (), PROTOCOLS),
        named_cas=files.named_cas,
        judge=lambda chain: files.judge(chain, time.time()),
        policy=policy or CaListPolicy(),
        accept_any=accept_any,
        forward=forward,
        monotonic=time.monotonic,
        now=time.time,
    )


def make_grpc_request(message: bytes, path: str = TRACES) -> bytes:
    """Return preface, SETTINGS and one request with `message`."""
    fields = {
        ":method": "POST",
        ":scheme": "https",
        ":path": path,
        ":authority": "b",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    head = HeadersFrame(1, Encoder().encode(list(fields.items())), flags=["END_HEADERS"])
    framed = b"\x00" + len(message).to_bytes(4) + message
    frames = (SettingsFrame(), head, DataFrame(1, framed, flags=["END_STREAM"]))
    return PREFACE + b"".join(frame.serialize() for frame in frames)


class Client:
    """A client of one session, over memory."""

    def __init__(
        self,
        session: ExporterSession,
        context: SSL.Context,
        *,
        alpn: tuple[bytes, ...] = (b"h2",),
        name: bytes = b"localhost",
        verify: Callable[[SSL.Connection], bool] = lambda _: True,
    ) -> None:
        """Begin; `verify` says in the handshake whether the certificate is accepted."""
        self.session = session
        self.plain = b""
        self.complete = self.failed = False
        context.set_verify(SSL.VERIFY_PEER, lambda connection, *_: verify(connection))
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()
        if name:
            self.connection.set_tlsext_host_name(name)
        if alpn:
            self.connection.set_alpn_protos(list(alpn))

    def run(self, payload: bytes = b"") -> ExporterConnection:
        """Exchange bytes until neither has any; send `payload` once the handshake is complete."""
        for _ in range(20):
            self._turn(payload)
            sent = self._take()
            if sent:
                self.session.receive(sent)
            answer = self.session.take_output()
            if answer:
                self.connection.bio_write(answer)
            if not (sent or answer):
                break
            payload = b"" if self.complete else payload
        return self.session.describe()

    def _turn(self, payload: bytes) -> None:
        try:
            if not self.complete:
                self.connection.do_handshake()
                self.complete = True
                if payload:
                    self.connection.sendall(payload)
            while True:
                self.plain += self.connection.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.failed = True

    def _take(self) -> bytes:
        output = b""
        with suppress(SSL.WantReadError):
            while True:
                output += self.connection.bio_read(65536)
        return output


def diagnose(files: ListenerFiles, session: ExporterSession) -> Diagnosis:
    """Return what the connection of a session means."""
    presented, address = session.presented, ("127.0.0.1", 4317)
    return files.diagnose(session.describe(), presented, address, time.time())
