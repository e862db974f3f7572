"""Whether an address is one of this machine's own, on whatever interface: asked of the kernel."""

import errno
import socket
from pathlib import Path
from typing import Final

_NOT_OURS: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH})
_NONLOCAL: Final = Path("/proc/sys/net/ipv4/ip_nonlocal_bind")


def is_own_address(address: str) -> bool:
    """Return whether something that listens on this machine is reached at `address`.

    Only a local address can be bound to (bind(2): EADDRNOTAVAIL), aliases and addresses of
    containers' bridges included; nothing is sent. Where it cannot be found out, it is taken for one.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
            return not _binds_anything() or _routes_to_itself(family, address)
    except OSError as error:
        return error.errno not in _NOT_OURS


def _binds_anything() -> bool:
    """Return whether the kernel lets any address be bound to, as hosts with failover have it."""
    try:
        return _NONLOCAL.read_text(encoding="ascii").strip() != "0"
    except (OSError, ValueError):
        return False


def _routes_to_itself(family: int, address: str) -> bool:
    """Return whether the kernel would answer `address` itself: it is then its own source address."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 9))  # of a datagram socket: sends nothing
        return bool(sock.getsockname()[0] == address)
