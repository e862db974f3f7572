"""The way to the backend: names, several addresses, and a proxy's tunnel."""

import asyncio
import math
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from probe.attempt.resolver import Resolver
from probe.attempt.target_network import OWN_NETWORK, Network
from probe.model.evidence import ConnectTry, to_json
from tests.support.attempts import (
    STRANGER,
    TOKEN,
    end,
    prober,
    received,
    serving,
    splice,
    target,
)
from tests.support.loopback_client import Start


class Names(Resolver):
    """A resolver that knows some names, and asks nobody."""

    def __init__(self, **addresses: Sequence[str]) -> None:
        """Know `addresses`."""
        super().__init__()
        self._addresses = addresses

    async def resolve(
        self, host: str, deadline: float = math.inf, network: Network = OWN_NETWORK
    ) -> tuple[str, ...]:
        """Return what is known."""
        return tuple(self._addresses.get(host) or await super().resolve(host, deadline, network))


async def test_addresses_are_tried_in_order(start: Start, tmp_path: Path) -> None:
    """The first that connects is it; those before it are recorded with their errors."""
    backend = await start()
    resolver = Names(collector=("127.0.0.2", "127.0.0.1", "127.0.0.3"))
    evidence = await prober(resolver).attempt(
        target(tmp_path, backend.port, host="collector", server_name_override="localhost")
    )
    assert end(evidence) == ("export", "answered")
    assert evidence.addresses == ("127.0.0.2", "127.0.0.1", "127.0.0.3")
    assert evidence.connects == (
        ConnectTry(address="127.0.0.2", error="ECONNREFUSED"),
        ConnectTry(address="127.0.0.1"),
    )
    assert evidence.peer_address == "127.0.0.1"


async def test_where_all_addresses_fail_the_last_of_ipv4_decides(
    refused_port: int, tmp_path: Path
) -> None:
    """All are recorded; an IPv6 error decides only where there is no other."""
    both = await prober(Names(h=("127.0.0.2", "127.0.0.1", "not:an:address"))).attempt(
        target(tmp_path, refused_port, host="h")
    )
    assert both.ending.detail == "ECONNREFUSED"
    assert end(both) == ("connect", "refused")
    assert [each.address for each in both.connects] == ["127.0.0.2", "127.0.0.1", "not:an:address"]
    assert (both.peer_address, both.handshake) == ("", None)

    six = await prober(Names(h=("not:an:address",))).attempt(
        target(tmp_path, refused_port, host="h")
    )
    assert end(six) == ("connect", "socket")


async def test_one_address_that_hangs_leaves_time_for_the_next(
    start: Start, tmp_path: Path
) -> None:
    """The time is shared out among the addresses that are left."""
    backend = await start()
    resolver = Names(h=("127.0.0.2", "127.0.0.1"))
    with ExitStack() as stack:
        # A listener whose queue is full drops every SYN.
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.2", backend.port))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        evidence = await prober(resolver).attempt(
            target(tmp_path, backend.port, host="h", server_name_override="localhost", timeout=0.5)
        )
    assert end(evidence) == ("export", "answered")
    assert evidence.connects == (
        ConnectTry(address="127.0.0.2", error="ETIMEDOUT"),
        ConnectTry(address="127.0.0.1"),
    )


async def test_a_name_that_does_not_resolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver's code is the detail; a hanging one is cut at the deadline."""
    missing = await prober().attempt(target(tmp_path, 4317, host="a" * 64 + ".example"))
    assert end(missing) == ("resolve", "dns")
    assert missing.ending.detail == "EAI_NONAME"

    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answered.wait(10) and [])
    hanging = await prober().attempt(target(tmp_path, 4317, host="h.example", timeout=0.3))
    answered.set()
    assert (end(hanging), hanging.ending.detail) == (("resolve", "dns"), "no answer in time")


@asynccontextmanager
async def proxy(
    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n",
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve as a proxy that opens tunnels where `answer` says so; yield port and requests."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        writer.write(answer)
        if b" 200 " in answer:
            await splice(reader, writer, int(head.split()[1].rpartition(b":")[2]))
        writer.close()

    async with serving(serve) as port:
        yield port, asked


async def test_through_a_proxy(start: Start, tmp_path: Path) -> None:
    """The backend's name goes to the proxy and the certificate's check; credentials to it alone."""
    backend = await start()
    async with proxy() as (port, asked):
        evidence = await prober().attempt(
            target(
                tmp_path,
                backend.port,
                host="localhost",
                proxy_url=f"http://user:p4ssword@127.0.0.1:{port}",
            )
        )
    assert end(evidence) == ("export", "answered")
    (head,) = asked
    assert head.startswith(f"CONNECT localhost:{backend.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic " in head
    assert TOKEN.encode() not in head
    assert evidence.target.proxy == f"127.0.0.1:{port}"
    assert "proxy-authorization" not in backend.requests[0].headers
    assert "p4ssword" not in to_json(evidence).decode()


async def test_a_proxy_that_refuses(tmp_path: Path) -> None:
    """Its status line is the detail; nothing was said to any backend."""
    async with proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as (port, asked):
        evidence = await prober().attempt(
            target(tmp_path, 4317, host="h.example", proxy_url=f"http://127.0.0.1:{port}")
        )
    assert end(evidence) == ("connect", "proxy")
    assert "407" in evidence.ending.detail
    assert len(asked) == 1
    assert evidence.handshake is None


async def test_a_refusal_through_a_proxy(start: Start, tmp_path: Path) -> None:
    """The alert comes through; a silent refusal is asked again, through a tunnel of its own."""
    backend, silent = await start(), await start(behaviour="grpc_core")
    async with proxy() as (port, asked):
        url = f"http://127.0.0.1:{port}"
        alert = await prober().attempt(target(tmp_path, backend.port, STRANGER, proxy_url=url))
        close = await prober().attempt(target(tmp_path, silent.port, STRANGER, proxy_url=url))
    assert (end(alert), received(alert)) == (("accept", "alert"), [48])
    assert (end(close), len(asked)) == (("accept", "close"), 3)
    assert close.recheck is not None
    assert close.recheck.handshake.version == "1.2"
