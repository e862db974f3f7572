"""Opens the socket to a target: the only module that does (law 8).

Law 2: an address that does not answer is an `Ending`, not an exception.
"""

import asyncio
import errno
import socket
from typing import Final

from probe.model.evidence import Ending, EndingKind
from probe.system.own_limits import EXHAUSTED, name_error

_UNREACHABLE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
)


async def dial(address: str, port: int, deadline: float) -> socket.socket | Ending:
    """Connect to one address, or say why not."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return _ending(error.errno or 0)
    except MemoryError:
        return _ending(errno.ENOMEM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.connect_ex((address, port))
        if number == errno.EINPROGRESS:
            number = await _connected(sock, deadline)
    except OSError as error:
        number = error.errno or 0
    except BaseException:
        sock.close()
        raise
    if not number:
        return sock
    sock.close()
    if number == errno.EADDRNOTAVAIL and _has_source(family, address, port):
        return Ending(
            stage="connect",
            kind="probe_fault",
            detail="EADDRNOTAVAIL: no source port is free for this address (ip_local_port_range)",
        )
    return _ending(number)


def _has_source(family: int, address: str, port: int) -> bool:
    """Return whether this machine has an address to reach `address` from.

    connect(2) gives EADDRNOTAVAIL both where all ephemeral ports are taken and where no address of
    ours fits, as in a container without IPv6. Connecting a datagram socket sends nothing, and
    takes its port from another range of numbers: it fails for want of an address alone.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as other:
            return other.connect_ex((address, port)) == 0
    except OSError:
        return False


async def _connected(sock: socket.socket, deadline: float) -> int:
    """Wait for the connection; return its errno, ETIMEDOUT at the deadline."""
    try:
        # On loopback, and for nobody else, the handshake is over by now.
        sock.getpeername()
    except OSError:
        loop = asyncio.get_running_loop()
        writable: asyncio.Future[None] = loop.create_future()
        loop.add_writer(sock.fileno(), _resolve, writable)
        try:
            async with asyncio.timeout_at(deadline):
                await writable
        except TimeoutError:
            # A process that wakes up late finds the deadline and the connection at one time.
            return _late_answer(sock)
        finally:
            loop.remove_writer(sock.fileno())
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _late_answer(sock: socket.socket) -> int:
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        return number
    try:
        sock.getpeername()
    except OSError:
        return errno.ETIMEDOUT
    return 0


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _ending(number: int) -> Ending:
    kind: EndingKind = "socket"
    if number == errno.ECONNREFUSED:
        kind = "refused"
    elif number == errno.ETIMEDOUT:
        kind = "timeout"
    elif number in _UNREACHABLE:
        kind = "unreachable"
    elif number == errno.ECONNRESET:
        kind = "reset"
    elif number in EXHAUSTED:
        kind = "probe_fault"
    return Ending(stage="connect", kind=kind, detail=name_error(number))
