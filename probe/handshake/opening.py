"""Opens the byte stream to a target's backend: a socket, and through a proxy its tunnel.

Law 2: what a proxy answers is an ending, not an exception. Sockets are made by dial.py alone.
"""

import asyncio
import socket
from dataclasses import dataclass

from probe.evidence import Ending
from probe.handshake.connection import Pump
from probe.handshake.dial import dial
from probe.handshake.prepared import Prepared
from probe.handshake.proxy import ProxyTunnel


@dataclass(frozen=True, slots=True)
class Stream:
    """A connected socket, the caller's to close, and what came before it was handed over."""

    sock: socket.socket
    leftover: bytes = b""


async def through_proxy(
    prepared: Prepared, sock: socket.socket, deadline: float
) -> Stream | Ending:
    """Have the proxy at the other end of `sock` open its tunnel, where the target has one.

    The socket stays open, and the caller's, whatever comes of it.
    """
    if prepared.target.proxy_url is None:
        return Stream(sock)
    tunnel = ProxyTunnel(prepared.target.proxy_url.reveal(), prepared.target.endpoint)
    await Pump(asyncio.get_running_loop(), sock, tunnel).run(deadline)
    assert tunnel.ending is not None
    return Stream(sock, tunnel.leftover) if tunnel.open else tunnel.ending


async def open_stream(prepared: Prepared, address: str, deadline: float) -> Stream | Ending:
    """Connect to `address` once more; `deadline` is monotonic seconds."""
    sock = await dial(address, prepared.dial.port, deadline)
    if isinstance(sock, Ending):
        return sock
    try:
        stream = await through_proxy(prepared, sock, deadline)
    except BaseException:
        sock.close()
        raise
    if isinstance(stream, Ending):
        sock.close()
    return stream
