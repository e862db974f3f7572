"""A server by a web file on loopback, and clients of it, for the tests of probe/serving."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from cryptography import x509

from probe.web.server.connections import Connections
from probe.web.server.listener import serve_application
from probe.web.server.web_config import WebConfig
from tests.support.pki import Authority, write_pem
from tests.support.web_files import ServerPki

SOON = 15.0


class Running:
    """A server by a web file, on loopback."""

    def __init__(self, config: WebConfig, pki: ServerPki, port: int) -> None:
        """Know where it listens, and what its readings said."""
        self.config = config
        self.pki = pki
        self.port = port
        self.reported: list[str | None] = []

    def client(
        self, authority: Authority | None = None, *sans: str, **named: Any
    ) -> ssl.SSLContext:
        """Return a client's context, with a certificate of `authority` if there is one."""
        context = ssl.create_default_context(cafile=str(self.pki.server_ca_file))
        for name, value in named.items():
            setattr(context, name, value)
        if authority is not None:
            issued = authority.issue("prometheus", sans=sans or ("DNS:prometheus.example",))
            folder = self.pki.folder / "client"
            folder.mkdir(exist_ok=True)
            cert = write_pem(folder, "cert.pem", issued.pem)
            context.load_cert_chain(cert, write_pem(folder, "key.pem", issued.key_pem))
        return context

    async def get(self, context: ssl.SSLContext) -> tuple[int, x509.Certificate]:
        """Return the status of one GET on a new connection, and the server's certificate.

        Raises:
            OSError: where the connection is refused; ssl.SSLError is one.
            EOFError: where it is refused after the client's side of TLS 1.3 was done.
        """
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname="localhost"
        )
        try:
            connection = writer.get_extra_info("ssl_object")
            served = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
            return await asked(reader, writer), served
        finally:
            writer.close()

    async def refuses(self, context: ssl.SSLContext) -> bool:
        """Return whether TLS accepts no client with `context`."""
        try:
            await self.get(context)
        except (OSError, EOFError):
            return True
        return False

    async def reading(self, count: int) -> str | None:
        """Wait for the `count`th reading, and return how it ended."""
        async with asyncio.timeout(SOON):
            while len(self.reported) < count:
                await asyncio.sleep(0.02)
        return self.reported[-1]


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Return the status of one GET on a connection."""
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(2)
    return int(head.split()[1])


@asynccontextmanager
async def running(pki: ServerPki, content: dict[str, Any]) -> AsyncIterator[Running]:
    """Serve by a web file with `content`, followed."""
    config = WebConfig(pki.write(content))

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.add_routes([web.get("/", page)])
    config.guard(application)
    context = config.ssl_context
    async with serve_application(
        application, "127.0.0.1", 0, connections=Connections(64), ssl_context=context
    ) as (_, port):
        server = Running(config, pki, port)
        async with config.watch(server.reported.append):
            yield server
