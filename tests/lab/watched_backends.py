"""The service in a thread with backends of many kinds, for tests of its pages in a browser."""

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from probe.backend.server import HOST
from probe.config.configuration import Configuration, WebSettings
from probe.demo.scenarios import Demo
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.service import Service
from tests.lab.compiled import go_server
from tests.lab.credentials import LabPki, Pair
from tests.lab.hostile_text import PROGRAM, TARGET, hostile_certificate
from tests.lab.servers import process, started
from tests.support.backends import Backend
from tests.support.pki import Issued

SURROGATE: Final = "\x1b[2J\u202ebackend"
"""A target's name; its backend's certificate holds a lone surrogate, where Go can serve it."""

GUARD: Final = "guard"
"""A target that must be refused."""


async def backends(
    pki: LabPki, folder: Path, stack: AsyncExitStack, unreadable: int | None
) -> list[Target]:
    """Start the demo's backends and one with a hostile certificate; return all their targets.

    The port `unreadable` has one that no library of Python's reads.
    """
    demo = Demo()
    stack.push_async_callback(demo.stop)
    targets = [
        replace(one, interval=1.0, labels=(("team", "payments"),))
        for one in await demo.start(folder / "demo")
    ]
    pair = hostile_certificate(pki, folder, surrogate=False)
    certificate = x509.load_pem_x509_certificate(pair.cert_file.read_bytes())
    readable = Backend(
        name=TARGET, server=Issued(certificate, key_of(pair)), client_ca=pki.client_ca
    )
    await readable.start()
    stack.push_async_callback(readable.stop)
    tls = TlsSettings(
        ca_file=str(pki.server_ca_file),
        cert_file=str(pki.client.cert_file),
        key_file=str(pki.client.key_file),
    )
    for name, port in ((TARGET, readable.port), (SURROGATE, unreadable or readable.port)):
        targets.append(
            Target(
                name=name,
                endpoint=Endpoint(HOST, port),
                interval=1.0,
                timeout=0.5,
                tls=tls,
                labels=(("team", "<b>"), ("long", "x" * 200)),
            )
        )
    not_sent = next(one for one in targets if one.name.endswith("not-sent"))
    return [*targets, replace(not_sent, name=GUARD, expect_cause="client_cert_not_sent")]


def key_of(pair: Pair) -> ec.EllipticCurvePrivateKey:
    """Return the private key of a certificate; another certificate stands before it in the file."""
    pem = pair.key_file.read_bytes()
    key = load_pem_private_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@contextmanager
def probing(pki: LabPki, folder: Path) -> Iterator[str]:
    """Probe all of them and serve the results, in a thread; yields the address of the pages."""
    began: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main(unreadable: int | None) -> None:
        ended = asyncio.Event()
        async with AsyncExitStack() as stack:
            targets = tuple(await backends(pki, folder, stack, unreadable))
            configuration = Configuration(targets=targets, web=WebSettings(HOST, 0))
            listening = await stack.enter_async_context(Service(configuration).run())
            began.set_result((f"http://{listening}", asyncio.get_running_loop(), ended))
            await ended.wait()

    with raw_server(pki, folder) as unreadable, ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(main(unreadable)))
        wait((began, running), timeout=30, return_when=FIRST_COMPLETED)
        if running.done():
            running.result()
        address, loop, ended = began.result(0)
        try:
            yield address
        finally:
            loop.call_soon_threadsafe(ended.set)


@contextmanager
def raw_server(pki: LabPki, folder: Path) -> Iterator[int | None]:
    """Serve a certificate whose subject holds a lone surrogate; yields no port without Go."""
    if shutil.which("go") is None:
        yield None
        return
    own = folder / "unreadable"
    own.mkdir()
    pair = hostile_certificate(pki, own, surrogate=True)
    command = [str(go_server(PROGRAM)), "-cert", str(pair.cert_file), "-key", str(pair.key_file)]
    with process(command, own / "server.log") as log:
        yield int(started(log, r"port \S*:(\d+)")[1])
