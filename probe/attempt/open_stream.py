"""Opens the byte stream to a target's backend: a socket, and through a proxy its tunnel.

Law 2: what a proxy answers is an ending, not an exception. Sockets are made by dial.py alone.
"""

import asyncio
import socket
from dataclasses import dataclass

from probe.attempt.open_socket import dial
from probe.attempt.own_time import OwnTime
from probe.attempt.prepared import Prepared
from probe.attempt.proxy import ProxyTunnel
from probe.attempt.pump import Pump
from probe.model.evidence import Ending


@dataclass(frozen=True, slots=True)
class Stream:
    """A connected socket, the caller's to close, and what came before it was handed over."""

    sock: socket.socket
    leftover: bytes = b""


async def through_proxy(
    prepared: Prepared, sock: socket.socket, deadline: float, own: OwnTime
) -> Stream | Ending:
    """Have the proxy at the other end of `sock` open its tunnel, where the target has one.

    Args:
        prepared: the target.
        sock: connected to its proxy, or to the backend itself.
        deadline: monotonic seconds.
        own: measures what this process itself loses of its time.

    The socket stays open, and the caller's, whatever comes of it.
    """
    if prepared.target.proxy_url is None:
        return Stream(sock)
    tunnel = ProxyTunnel(prepared.target.proxy_url.reveal(), prepared.target.endpoint)
    pump = Pump(asyncio.get_running_loop(), sock, tunnel, own.act)
    await pump.run(deadline)
    assert tunnel.ending is not None
    if tunnel.open:
        return Stream(sock, tunnel.leftover)
    return own.judge(tunnel.ending, expired=pump.expired)


async def open_stream(
    prepared: Prepared, address: str, deadline: float, own: OwnTime
) -> Stream | Ending:
    """Connect to `address` once more; the arguments are those of `through_proxy`."""
    own.act()
    sock = await dial(address, prepared.dial.port, deadline)
    if isinstance(sock, Ending):
        return own.judge(sock)
    try:
        stream = await through_proxy(prepared, sock, deadline, own)
    except BaseException:
        sock.close()
        raise
    if isinstance(stream, Ending):
        sock.close()
    return stream
