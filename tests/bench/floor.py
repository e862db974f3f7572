"""The floor below an attempt: the same exchange bare, in three forms, next to the product's.

A bare attempt connects, shakes hands, sends the request, reads the answer and closes: it keeps no
evidence, diagnoses nothing and bounds nothing. `memory` carries all bytes by hand between socket
and memory BIOs, as the product does; `swapped` lets OpenSSL work on the descriptor in the handshake
and carries them from then on; `descriptor` leaves everything to OpenSSL. All forms and the product
take turns attempt by attempt, in random order, in one process and one loop, at a hundred
attempts a second. Each finds the caches as the others left them, which is colder than a service is;
the limit is kept where each program runs alone (`comparison`). The figures are medians of single
attempts.
"""

import asyncio
import gc
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop
from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL

from probe.attempt.variant import UNVARIED, vary_offer
from probe.credentials.store import CredentialStore
from probe.ledger.ledger import Ledger
from probe.model.target import Endpoint, Target, TlsSettings
from probe.otlp.request import build_request
from probe.service.pipeline import Pipeline
from tests.bench.backends import HOST, NAME, Site, nginx_site
from tests.bench.figures import Figure, Settings, show

RATE: Final = 100
ROUNDS: Final = 500
QUICK_ROUNDS: Final = 150
WARM: Final = 10

_SIZE: Final = 18_432
_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib


class Bare:
    """Bare attempts at one backend, with one context and one request."""

    def __init__(self, context: SSL.Context, port: int, request: bytes) -> None:
        """Take what all attempts share."""
        self._context = context
        self._port = port
        self._request = request
        self._space = _ffi.new("char[]", _SIZE)
        self._loop = asyncio.get_running_loop()

    async def attempt_in_memory(self) -> None:
        """Carry all bytes by hand."""
        with self._connect() as sock:
            ssl, sink, source = self._begin(None)
            while _lib.SSL_do_handshake(ssl) != 1:
                self._send(sock, source)
                await self._receive(sock, sink)
            self._send(sock, source)
            await self._exchange(sock, ssl, sink, source)

    async def attempt_swapped(self) -> None:
        """Shake hands on the descriptor; then carry the bytes by hand."""
        with self._connect() as sock:
            ssl, _, _ = self._begin(sock)
            await self._shake_hands(sock, ssl)
            sink, source = (_lib.BIO_new(_lib.BIO_s_mem()) for _ in range(2))
            _lib.SSL_set_bio(ssl, sink, source)
            await self._exchange(sock, ssl, sink, source)

    async def attempt_on_descriptor(self) -> None:
        """Leave reading and writing to OpenSSL."""
        with self._connect() as sock:
            ssl, _, _ = self._begin(sock)
            await self._shake_hands(sock, ssl)
            _lib.SSL_write(ssl, self._request, len(self._request))
            while not self._read_answer(ssl):
                await self._wait(sock)
            _lib.SSL_shutdown(ssl)

    async def _shake_hands(self, sock: socket.socket, ssl: object) -> None:
        while _lib.SSL_do_handshake(ssl) != 1:
            await self._wait(sock)

    def _connect(self) -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect_ex((HOST, self._port))
        return sock

    def _begin(self, sock: socket.socket | None) -> tuple[Any, Any, Any]:
        """Return a connection, and its memory BIOs where it has no socket."""
        ssl = _ffi.gc(_lib.SSL_new(self._context._context), _lib.SSL_free)
        sink = source = None
        if sock is None:
            sink, source = (_lib.BIO_new(_lib.BIO_s_mem()) for _ in range(2))
            _lib.SSL_set_bio(ssl, sink, source)
        else:
            _lib.SSL_set_fd(ssl, sock.fileno())
        _lib.SSL_set_connect_state(ssl)
        _lib.SSL_set_tlsext_host_name(ssl, NAME.encode())
        return ssl, sink, source

    async def _exchange(self, sock: socket.socket, ssl: Any, sink: Any, source: Any) -> None:
        _lib.SSL_write(ssl, self._request, len(self._request))
        self._send(sock, source)
        while not self._read_answer(ssl):
            await self._receive(sock, sink)
        _lib.SSL_shutdown(ssl)
        self._send(sock, source)

    def _read_answer(self, ssl: Any) -> bool:
        size = _lib.SSL_read(ssl, self._space, _SIZE)
        if size <= 0:
            assert _lib.SSL_get_error(ssl, size) == _lib.SSL_ERROR_WANT_READ
            return False
        assert _ffi.buffer(self._space, 12)[:] == b"HTTP/1.1 200"
        return True

    def _send(self, sock: socket.socket, source: Any) -> None:
        if (size := _lib.BIO_read(source, self._space, _SIZE)) > 0:
            sock.send(_ffi.buffer(self._space, size))

    async def _receive(self, sock: socket.socket, sink: Any) -> None:
        await self._wait(sock)
        data = sock.recv(_SIZE)
        assert data
        _lib.BIO_write(sink, data, len(data))

    async def _wait(self, sock: socket.socket) -> None:
        readable = self._loop.create_future()
        self._loop.add_reader(sock.fileno(), readable.set_result, None)
        await readable
        self._loop.remove_reader(sock.fileno())


async def take_turns(
    forms: dict[str, Callable[[], Awaitable[object]]], rounds: int
) -> dict[str, float]:
    """Return the median CPU seconds of an attempt by form, its share of the wait included."""
    spent: dict[str, list[float]] = {name: [] for name in forms}
    order, due, before = list(forms), time.monotonic(), time.process_time()
    for number in range(rounds + WARM):
        random.shuffle(order)
        for name in order:
            due += 1 / RATE
            await asyncio.sleep(due - time.monotonic())
            await forms[name]()
            now = time.process_time()
            if number >= WARM:
                spent[name].append(now - before)
            before = now
    return {name: statistics.median(costs) for name, costs in spent.items()}


async def compare(site: Site, rounds: int) -> dict[str, float]:
    """Return the CPU seconds of an attempt by form."""
    files = site.files
    tls = TlsSettings(
        ca_file=files.path("ca.crt"),
        cert_file=files.path("tls.crt"),
        key_file=files.path("tls.key"),
        server_name_override=NAME,
    )
    target = Target(
        name="floor", endpoint=Endpoint(HOST, site.http1), protocol="http/protobuf", tls=tls
    )
    offer, _ = vary_offer(target.exporter, target.protocol, tls, UNVARIED)
    context = CredentialStore().open(target).read().context(offer)
    bare = Bare(context, site.http1, build_request(target, "bare").http1)
    pipeline = Pipeline(Ledger([target]))
    ((_, _, diagnosis),) = await pipeline.probe_addresses(target)
    assert diagnosis.outcome == "confirmed", diagnosis
    gc.collect()
    gc.freeze()
    forms: dict[str, Callable[[], Awaitable[object]]] = {
        "memory": bare.attempt_in_memory,
        "swapped": bare.attempt_swapped,
        "descriptor": bare.attempt_on_descriptor,
        "product": partial(pipeline.probe_addresses, target),
    }
    return await take_turns(forms, rounds)


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield the CPU of each form, and of the product with its ratio to the floor."""
    rounds = QUICK_ROUNDS if settings.quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder, nginx_site(Path(folder)) as site:
        costs = uvloop.run(compare(site, rounds))
    ours, floor = costs.pop("product"), costs["descriptor"]
    for name, cost in costs.items():
        yield Figure(f"bare attempt, {name}", cost * 1e6, "us", "this : descriptor", cost / floor)
    sides = "the attempt : descriptor"
    yield Figure("the attempt", ours * 1e6, "us", sides, ours / floor)


if __name__ == "__main__":
    sys.exit(show(measure))
