"""Opens connections to targets: the sockets, the choice of address, and a proxy's tunnel.

No other module opens a socket to a target. An address that does not answer, or a proxy that
refuses, is an `Ending`, not an exception.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from msgspec import Struct

from probe.attempt.loop_delays import DelayMeter
from probe.attempt.prepared_target import PreparedTarget
from probe.attempt.proxy import ProxyTunnel
from probe.attempt.pump import Pump
from probe.attempt.target_network import OWN_NETWORK, Network
from probe.model.evidence import ConnectTry, Ending, EndingKind
from probe.system.own_limits import EXHAUSTED, OwnLimitError, name_error

_KINDS: Final[dict[int, EndingKind]] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.ECONNRESET: "reset",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    **dict.fromkeys(EXHAUSTED, "probe_fault"),
}
_NOT_BLOCKING: Final[int] = getattr(socket, "SOCK_NONBLOCK", 0)
"""Makes a socket that does not block, where the system can: macOS cannot."""
_FOREIGN: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH})
_NONLOCAL_BIND: Final = Path("/proc/sys/net/ipv4/ip_nonlocal_bind")


class Connected(Struct, frozen=True):
    """A connected socket, the caller's to close, or why there is none."""

    outcome: socket.socket | Ending
    tries: tuple[ConnectTry, ...]
    address: str = ""
    """The address that took the connection."""
    round_trip: float = 0.0
    """Seconds that connecting to it took."""


class Stream(Struct, frozen=True):
    """A connected socket, the caller's to close, and what was received behind a proxy's answer."""

    sock: socket.socket
    leftover: bytes = b""


async def connect_first(
    addresses: Sequence[str],
    port: int,
    deadline: float,
    meter: DelayMeter,
    network: Network = OWN_NETWORK,
) -> Connected:
    """Try `addresses`, at least one, in order until one connects; they share the time that is left.

    Args:
        addresses: IPv4 or IPv6.
        port: of all of them.
        deadline: monotonic seconds.
        meter: measures what this process itself loses of its time.
        network: which sockets are made in.
    """
    tries: list[ConnectTry] = []
    failures: list[tuple[str, Ending]] = []
    for index, address in enumerate(addresses):
        began = monotonic()
        share = (deadline - began) / (len(addresses) - index)
        meter.note_action()
        outcome = await open_socket(address, port, began + share, network)
        if isinstance(outcome, socket.socket):
            tries.append(ConnectTry(address=address))
            return Connected(outcome, tuple(tries), address, monotonic() - began)
        outcome = meter.judge(outcome, shares=len(addresses))
        tries.append(ConnectTry(address=address, error=outcome.detail))
        failures.append((address, outcome))
    # The last reason over IPv4 decides, else the last. But where this process was the reason at one
    # of them, that address was not tried.
    ours = [ending for _, ending in failures if ending.kind == "probe_fault"]
    over_ipv4 = [ending for address, ending in failures if ":" not in address]
    return Connected((ours or over_ipv4 or [failures[-1][1]])[-1], tuple(tries))


async def open_stream(
    prepared: PreparedTarget,
    address: str,
    deadline: float,
    meter: DelayMeter,
    network: Network = OWN_NETWORK,
) -> Stream | Ending:
    """Connect to `address`, and through the target's proxy where it has one.

    Args:
        prepared: the target.
        address: of the backend, or of its proxy.
        deadline: monotonic seconds.
        meter: measures what this process itself loses of its time.
        network: which the socket is made in.
    """
    meter.note_action()
    sock = await open_socket(address, prepared.next_hop.port, deadline, network)
    if isinstance(sock, Ending):
        return meter.judge(sock)
    try:
        stream = await open_tunnel(prepared, sock, deadline, meter)
    except BaseException:
        sock.close()
        raise
    if isinstance(stream, Ending):
        sock.close()
    return stream


async def open_tunnel(
    prepared: PreparedTarget, sock: socket.socket, deadline: float, meter: DelayMeter
) -> Stream | Ending:
    """Have the proxy at the other end of `sock` open its tunnel, where the target has one.

    The socket stays open, and the caller's, whatever the result is.
    """
    if prepared.target.proxy_url is None:
        return Stream(sock)
    tunnel = ProxyTunnel(prepared.target.proxy_url.reveal(), prepared.target.endpoint)
    pump = Pump(sock, tunnel, meter.note_action, meter.delays)
    await pump.run(deadline)
    assert tunnel.ending is not None
    if tunnel.open:
        return Stream(sock, tunnel.leftover)
    return meter.judge(tunnel.ending, expired=pump.expired)


async def open_socket(
    address: str, port: int, deadline: float, network: Network = OWN_NETWORK
) -> socket.socket | Ending:
    """Connect to one address; return the socket, or why there is none."""
    family = _get_family(address)
    try:
        sock = await network.make_socket(family, socket.SOCK_STREAM | _NOT_BLOCKING)
    except OSError as error:
        return _ending(error.errno or 0)
    except MemoryError:
        return _ending(errno.ENOMEM)
    try:
        if not _NOT_BLOCKING:
            sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.connect_ex((address, port))
        if number == errno.EINPROGRESS:
            number = await _wait_connected(sock, deadline)
    except socket.gaierror:
        number = errno.ENODEV  # no interface of this machine has the name of the address's zone
    except OSError as error:
        number = error.errno or 0
    except BaseException:
        sock.close()
        raise
    if not number:
        return sock
    sock.close()
    if number == errno.EADDRNOTAVAIL and await _has_source(family, address, port, network):
        return Ending(
            stage="connect",
            kind="probe_fault",
            detail="EADDRNOTAVAIL: no source port is free for this address (ip_local_port_range)",
        )
    return _ending(number)


def is_own_address(address: str) -> bool:
    """Return whether `address` is one of this machine's own, on whatever interface.

    Only a local address can be bound to (bind(2): EADDRNOTAVAIL), aliases and addresses of
    containers' bridges included; nothing is sent. Where it cannot be found out, the answer is yes.
    """
    family = _get_family(address)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
        return not _can_bind_any() or _is_routed_to_itself(family, address)
    except OSError as error:
        return error.errno not in _FOREIGN


def _can_bind_any() -> bool:
    """Return whether the kernel lets any address be bound to, as on hosts with failover."""
    try:
        return _NONLOCAL_BIND.read_text(encoding="ascii").strip() != "0"
    except (OSError, ValueError):
        return False


def _is_routed_to_itself(family: int, address: str) -> bool:
    """Return whether the kernel would answer `address` itself: it is then its own source address."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 9))  # of a datagram socket: sends nothing
        return bool(sock.getsockname()[0] == address)


def _get_family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _has_source(family: int, address: str, port: int, network: Network) -> bool:
    """Return whether this machine has an address to reach `address` from.

    connect(2) gives EADDRNOTAVAIL both where all ephemeral ports are taken and where no address of
    ours fits, as in a container without IPv6. Connecting a datagram socket sends nothing, and
    takes its port from another range of numbers: it fails only where there is no address.
    """
    try:
        with await network.make_socket(family, socket.SOCK_DGRAM) as sock:
            return sock.connect_ex((address, port)) == 0
    except (OSError, OwnLimitError):
        return False


async def _wait_connected(sock: socket.socket, deadline: float) -> int:
    """Wait for the connection; return its errno, ETIMEDOUT at the deadline."""
    # On loopback the handshake is over by now, or has been refused. A socket that failed has no peer.
    if _is_connected(sock):
        return 0
    if number := _read_error(sock):
        return number
    loop = asyncio.get_running_loop()
    writable: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock.fileno(), _resolve, writable)
    try:
        async with asyncio.timeout_at(deadline):
            await writable
    except TimeoutError:
        # A process that wakes up late finds the deadline and the connection at one time.
        return _read_error(sock) or (0 if _is_connected(sock) else errno.ETIMEDOUT)
    finally:
        loop.remove_writer(sock.fileno())
    return _read_error(sock)


def _read_error(sock: socket.socket) -> int:
    """Return the errno that waits at the socket, and clear it there."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _ending(number: int) -> Ending:
    return Ending(stage="connect", kind=_KINDS.get(number, "socket"), detail=name_error(number))
