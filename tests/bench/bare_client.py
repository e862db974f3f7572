"""A bare attempt, made again and again at a rate: connect, handshake, request, answer, close.

OpenSSL works on the descriptor, below the event loop of the product. No evidence is kept and
nothing is judged but the server's certificate, so this is what an attempt costs at least.
Arguments: folder of the files, port, and attempts a second; it ends when it is terminated.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import uvloop
from OpenSSL import SSL

HOST = "127.0.0.1"
REQUEST = (
    b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bare\r\n"
    b"Content-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
)
Result = TypeVar("Result")


def make_context(folder: Path) -> SSL.Context:
    """Return a client of TLS 1.3 with the files of `folder`."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.load_verify_locations(str(folder / "ca.crt"))
    context.set_verify(SSL.VERIFY_PEER)
    context.use_certificate_chain_file(str(folder / "tls.crt"))
    context.use_privatekey_file(str(folder / "tls.key"))
    return context


async def attempt(context: SSL.Context, port: int) -> None:
    """Make one attempt."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, (HOST, port))
    tls = SSL.Connection(context, sock)
    tls.set_tlsext_host_name(b"localhost")
    tls.set_connect_state()
    readable = asyncio.Event()
    loop.add_reader(sock, readable.set)

    async def wait_for(step: Callable[[], Result]) -> Result:
        while True:
            readable.clear()
            try:
                return step()
            except SSL.WantReadError:
                await readable.wait()

    await wait_for(tls.do_handshake)
    tls.sendall(REQUEST)
    answer = await wait_for(lambda: tls.recv(65536))
    loop.remove_reader(sock)
    sock.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit(f"the backend answered {answer[:40]!r}")


async def main(folder: str, port: str, rate: str) -> None:
    """Begin attempts at their times, until terminated."""
    context = make_context(Path(folder))
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due += 1 / float(rate)
        await asyncio.sleep(due - loop.time())
        await attempt(context, int(port))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
