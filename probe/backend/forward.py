"""Hands OTLP on to the one backend that `--forward` names, without TLS or with it.

With TLS its certificate is judged as a Collector's exporter does, before anything is sent to it.
"""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
from hyperframe.frame import SettingsFrame

from probe.backend.passing_messages import PREFACE
from probe.credentials.tls_context import Credentials
from probe.exporters.go_path import verify_for_go
from probe.exporters.offers import choose_offer
from probe.exporters.path_verdict import PathRequest
from probe.model.client_tls import TlsSettings
from probe.model.evidence import Offer
from probe.model.target import Endpoint
from probe.text.safe_text import safe_text
from probe.tls.bindings import ReadBuffer
from probe.tls.client import TlsClient
from probe.tls.events import ApplicationData
from probe.tls.settings import ClientSettings, ServerJudgement, encode_server_name
from probe.x509.parse import make_unread_name, read_der

CONNECT_TIMEOUT: Final = 10.0
CHUNK: Final = 65_536
_LISTENS: Final = 2.0
"""Seconds in which a server of HTTP/2 answers a preface; gRPC servers do at once."""
_HTTP2: Final = b"h2"
_HTTP1: Final = b"http/1.1"


class NoBackendError(Exception):
    """The backend cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Where OTLP is handed on to."""

    to: Endpoint
    credentials: Credentials | None = None
    """What TLS is spoken with; None: there is none."""

    def __str__(self) -> str:
        """Read as a person wrote it."""
        return f"https://{self.to}" if self.credentials is not None else str(self.to)

    async def learn_protocols(self) -> tuple[bytes, ...]:
        """Return which versions of HTTP the backend speaks, so that exporters are offered these.

        Raises:
            NoBackendError: where it cannot be reached, or is not trusted.
        """
        if self.credentials is not None:
            backend = await self.connect((_HTTP2, _HTTP1))
            alpn = backend.alpn
            await backend.close()
            return (_HTTP2, _HTTP1) if alpn == "h2" else (_HTTP1,)
        backend = await self.connect(())
        first = b""
        with suppress(TimeoutError, OSError):
            await backend.write(PREFACE + SettingsFrame().serialize())
            async with asyncio.timeout(_LISTENS):
                first = await backend.read()
        await backend.close()
        # A frame's type is its fourth byte (RFC 9113 §4.1).
        speaks = len(first) > 3 and first[3] == SettingsFrame.type
        return (_HTTP2, _HTTP1) if speaks else (_HTTP1,)

    async def connect(self, alpn: tuple[bytes, ...]) -> "Backend":
        """Connect, by the application protocol that the exporter speaks.

        Raises:
            NoBackendError: where it cannot be reached, or is not trusted.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(
                    self.to.host, self.to.port, limit=CHUNK
                )
                backend = Backend(reader, writer)
                if self.credentials is not None:
                    try:
                        await backend.begin_tls(self._make_settings(self.credentials, alpn))
                    except BaseException:
                        writer.close()
                        raise
                return backend
        except TimeoutError:
            raise NoBackendError(f"no answer within {CONNECT_TIMEOUT:g} s") from None
        except OSError as error:
            # asyncio's own texts do not say why.
            known = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise NoBackendError(safe_text(known or str(error))) from None

    def _make_settings(self, credentials: Credentials, alpn: tuple[bytes, ...]) -> ClientSettings:
        offer = choose_offer("collector", "grpc", TlsSettings())
        anchors, host = credentials.find_anchors(), self.to.host

        def judge(sent: tuple[bytes, ...]) -> ServerJudgement:
            verdict = verify_for_go(PathRequest(sent, anchors, host, time.time()))
            return ServerJudgement(verdict.faults, verdict.paths)

        return ClientSettings(
            context=credentials.context(offer),
            reference_identifier=host,
            alpn=alpn,
            server_name=encode_server_name(host),
            offer=Offer(**msgspec.structs.asdict(offer), alpn=tuple(one.decode() for one in alpn)),
            sends_certificate=bool(credentials.chain),
            skip_verify=False,
            judge_server=judge,
            read_certificate=read_der,
            read_name=make_unread_name,
            buffer=ReadBuffer(),
            takes_any_curve=True,
        )


class Backend:
    """One connection to the backend: application data in and out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self._reader, self._writer = reader, writer
        self._tls: TlsClient | None = None

    @property
    def alpn(self) -> str:
        """The application protocol that it chose."""
        return self._tls.alpn if self._tls is not None else ""

    async def begin_tls(self, settings: ClientSettings) -> None:
        """Make the handshake.

        Raises:
            NoBackendError: where it fails, or the certificate is not trusted.
        """
        tls = self._tls = TlsClient(settings)
        tls.start()
        while not tls.complete:
            await self._flush()
            data = await self._reader.read(CHUNK)
            tls.receive(data)
            if not data or tls.state in {"failed", "closed"}:
                break
        if tls.server_certificates and not tls.is_server_verified:
            faults = tls.handshake.path_faults
            why = faults[0].kind if faults else "unknown"
            raise NoBackendError(f"its certificate is not trusted ({why})")
        if not tls.complete:
            raise NoBackendError("its TLS handshake failed")
        await self._flush()

    async def write(self, data: bytes) -> None:
        """Send application data, as fast as the backend takes it."""
        if self._tls is None:
            self._writer.write(data)
            await self._writer.drain()
        else:
            self._tls.write(data)
            await self._flush()

    async def end(self) -> None:
        """Say that nothing more comes."""
        if self._tls is not None:
            self._tls.close()
            await self._flush()
        elif self._writer.can_write_eof():
            self._writer.write_eof()

    async def read(self) -> bytes:
        """Return what it answers next; empty at its end."""
        if self._tls is None:
            return await self._reader.read(CHUNK)
        while True:
            plain = b""
            while (event := self._tls.next_event()) is not None:
                plain += event.data if isinstance(event, ApplicationData) else b""
            if plain:
                return plain
            if self._tls.state in {"closed", "failed"}:
                return b""
            data = await self._reader.read(CHUNK)
            if not data:
                return b""
            self._tls.receive(data)

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()

    async def _flush(self) -> None:
        assert self._tls is not None
        self._writer.write(self._tls.take_output())
        await self._writer.drain()
