"""A process that is one server after another on one address: a demo backend, a proxy, or no TLS.

Usage: python -m tests.faults.backend_host ADDRESS PORT STALLS
Commands are lines of JSON on stdin; each is answered by a line on stdout once it is in force.
When its loop could not run for a while, the span is written to the file STALLS: what the probe reports
about a server that the machine did not let run is then not an error.
"""

import asyncio
import json
import os
import socket
import struct
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.faults.connect_proxy import ConnectProxy
from tests.support.backends import Answers, Backend
from tests.support.pki import Authority, Issued

BEAT: Final = 0.02
LATE: Final = 0.1
"""Seconds; a beat that is late by more is recorded."""

SPEAKS: Final = {
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "http2": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "garbage": bytes(range(0x80, 0x100)) * 4,
}
ANSWERS: Final = {
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nhello"
}


class PlainPeer(asyncio.Protocol):
    """A peer that speaks no TLS, by its behaviour; `silent` never sends anything."""

    def __init__(self, behaviour: str) -> None:
        """Take the behaviour."""
        self._behaviour = behaviour
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what is sent unasked, or close at once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._behaviour in SPEAKS:
            transport.write(SPEAKS[self._behaviour])
        elif self._behaviour == "close":
            transport.write_eof()
        elif self._behaviour == "reset":
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer the first bytes; what follows is read and dropped."""
        if self._behaviour in ANSWERS and self._transport is not None:
            self._transport.write(ANSWERS[self._behaviour])
            self._transport.write_eof()
            self._behaviour = "silent"


class Host:
    """The server that listens now."""

    def __init__(self, address: str, port: int) -> None:
        """Listen on `port` of `address` later."""
        self._address = address
        self._port = port
        self._backend: Backend | None = None
        self._plain: asyncio.Server | None = None
        self._peers: list[PlainPeer] = []
        self._proxy: ConnectProxy | None = None

    async def serve(self, wanted: dict[str, Any]) -> None:
        """Stop the present server, and start the wanted one."""
        await self.stop()
        if wanted["kind"] == "proxy":
            self._proxy = ConnectProxy(denies=wanted.get("denies", False))
            await self._proxy.start(self._address, self._port)
            return
        if wanted["kind"] != "backend":
            self._plain = await asyncio.get_running_loop().create_server(
                lambda: self._peer(wanted["kind"]), self._address, self._port
            )
            return
        self._backend = backend(wanted)
        await self._backend.start(self._port, self._address)

    async def stop(self) -> None:
        """Stop listening, and drop every connection."""
        plain, self._plain = self._plain, None
        if plain is not None:
            plain.close()
            for peer in self._peers:
                if peer._transport is not None:
                    peer._transport.abort()
            self._peers.clear()
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            await proxy.stop()
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.stop()

    def _peer(self, behaviour: str) -> PlainPeer:
        peer = PlainPeer(behaviour)
        self._peers.append(peer)
        return peer


def backend(wanted: dict[str, Any]) -> Backend:
    """Return the backend that a command describes; certificates and keys are paths."""
    status, client_ca = wanted.get("grpc_status"), wanted["client_ca"]
    return Backend(
        name="faults",
        server=issued(*wanted["server"]),
        protocol=wanted["protocol"],
        client_ca=client_ca and Authority(issued(*client_ca), datetime.now(UTC)),
        max_version=wanted.get("max_version", "1.3"),
        behaviour=wanted.get("behaviour", "collector"),
        clock_offset=timedelta(seconds=wanted.get("clock_offset", 0)),
        answers=Answers(
            grpc_status=(0, "") if status is None else (status, "injected"),
            http_status=wanted.get("http_status", 200),
            content_type=wanted.get("content_type"),
            body=wanted.get("body", "").encode(),
        ),
    )


def issued(cert_file: str, key_file: str) -> Issued:
    """Read a certificate and its key."""
    certificate = x509.load_pem_x509_certificate(Path(cert_file).read_bytes())
    key: Any = load_pem_private_key(Path(key_file).read_bytes(), None)
    return Issued(certificate, key)


async def beat(descriptor: int) -> None:
    """Record each span in which this loop could not run, as two monotonic times."""
    last = time.monotonic()
    while True:
        await asyncio.sleep(BEAT)
        now = time.monotonic()
        if now - last - BEAT > LATE:
            os.write(descriptor, f"{last} {now}\n".encode())
        last = now


async def obey(address: str, port: int, stalls: str) -> None:
    """Execute each command until stdin ends."""
    descriptor = os.open(stalls, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    beating = asyncio.create_task(beat(descriptor))
    host = Host(address, port)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while command := await reader.readline():
        await host.serve(json.loads(command)) if command.strip() != b"null" else await host.stop()
        sys.stdout.write("done\n")
        sys.stdout.flush()
    beating.cancel()


if __name__ == "__main__":
    asyncio.run(obey(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
