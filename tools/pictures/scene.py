"""Backends as the pictures show them, by the names of a fleet, and the files of their exporters.

The names exist only in a proxy, which the product really asks for a tunnel to each of them: so what is
shown has neither addresses of this machine nor a word that the product did not write.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.backend.pki import Authority, Issued, write_pem
from probe.backend.server import HOST, Backend
from probe.demo.scenarios import DemoPki

_CHUNK: Final = 65_536
_STARTS_WITHIN: Final = 20.0
_HTTP_PORT: Final = 4318


@dataclass(frozen=True, slots=True)
class Shown:
    """One target of a picture: its backend's name, and what is wrong with its exporter."""

    name: str
    endpoint: str
    team: str
    issue: Callable[[DemoPki], Issued]
    trusts: Callable[[DemoPki], Authority] = lambda pki: pki.client_ca


def _issue(subject: str, *usages: str, days: int = 60) -> Callable[[DemoPki], Issued]:
    """Return what issues a client certificate for `subject` that ends in so many days."""

    def issue(pki: DemoPki) -> Issued:
        end = pki.now + timedelta(days=days, hours=12)
        return pki.client_ca.issue(subject, usages=usages or ("clientAuth",), not_after=end)

    return issue


EU: Final = Shown("collector-eu", "collector-eu.example.com:4317", "platform", _issue("platform"))
US: Final = Shown("collector-us", "collector-us.example.com:4318", "platform", _issue("platform"))
PAYMENTS: Final = Shown(
    "gateway-payments",
    "gateway.example.com:4317",
    "payments",
    _issue("payments", "serverAuth", days=75),
)
SHOP: Final = Shown(
    "gateway-shop", "shop.example.com:4317", "shop", _issue("shop"), lambda pki: pki.other_ca
)
SEARCH: Final = Shown(
    "gateway-search", "search.example.com:4317", "search", _issue("search", days=-4)
)


@contextmanager
def running_scene(folder: Path, *shown: Shown) -> Iterator[Path]:
    """Serve the backends of `shown` and write their files into `folder`; yield the configuration's path."""
    started, ended = threading.Event(), asyncio.Event()
    found: list[asyncio.AbstractEventLoop | BaseException] = []

    async def serve() -> None:
        async with _serve(folder, shown):
            found.append(asyncio.get_running_loop())
            started.set()
            await ended.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            found.append(error)
            started.set()
            raise

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(_STARTS_WITHIN)
    loop = found[0]
    assert isinstance(loop, asyncio.AbstractEventLoop), loop
    try:
        yield folder / "mtls-probe.yml"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


@asynccontextmanager
async def _serve(folder: Path, shown: tuple[Shown, ...]) -> AsyncIterator[None]:
    now = datetime.now(UTC)
    pki = DemoPki(
        now,
        Authority.create("Example server CA", now),
        Authority.create("Example telemetry CA", now),
        Authority.create("Example shop CA", now),
    )
    write_pem(folder, "ca.crt", pki.server_ca.pem)
    write_pem(folder, "telemetry-ca.crt", pki.client_ca.pem)
    async with AsyncExitStack() as stack:
        ports = {}
        for each in shown:
            backend = _make_backend(pki, each)
            await backend.start()
            stack.push_async_callback(backend.stop)
            ports[each.endpoint] = backend.port
            issued = each.issue(pki)
            write_pem(folder, f"{each.name}.crt", issued.pem)
            write_pem(folder, f"{each.name}.key", issued.key_pem)
        proxy = await asyncio.start_server(lambda *streams: _tunnel(ports, *streams), HOST, 0)
        stack.push_async_callback(proxy.wait_closed)
        stack.callback(proxy.close)
        port = proxy.sockets[0].getsockname()[1]
        entries = [_describe(each, f"http://{HOST}:{port}") for each in shown]
        configuration = {"web": {"listen": f"{HOST}:0"}, "targets": entries}
        (folder / "mtls-probe.yml").write_bytes(msgspec.json.encode(configuration))
        yield


def _make_backend(pki: DemoPki, shown: Shown) -> Backend:
    host, _, port = shown.endpoint.partition(":")
    return pki.backend(
        shown.name,
        server=pki.server(f"DNS:{host}"),
        protocol="http/protobuf" if int(port) == _HTTP_PORT else "grpc",
        client_ca=shown.trusts(pki),
    )


def _describe(shown: Shown, proxy: str) -> Mapping[str, Any]:
    """Return the target as a configuration has it."""
    return {
        "name": shown.name,
        "endpoint": f"https://{shown.endpoint}",
        "proxy_url": proxy,
        "interval": "1s",
        "labels": {"team": shown.team},
        "tls": {
            "ca_file": "ca.crt",
            "cert_file": f"{shown.name}.crt",
            "key_file": f"{shown.name}.key",
        },
    }


async def _tunnel(
    ports: Mapping[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one CONNECT, and pass on bytes until either side has ended."""
    with suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        other = await asyncio.open_connection(HOST, ports[head.split()[1].decode()])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pass_on(reader, other[1]), _pass_on(other[0], writer))
    writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
