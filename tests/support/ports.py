"""Ports of loopback for servers that cannot choose one themselves, and ports without a server.

A port that the kernel gave out for a bind to port 0 is free again once that socket is closed, and
the kernel may give it to the next bind to 0 or to an outgoing connection. So the ports here lie
outside the range of which the kernel takes them, and two tests never have the same one at a time.
"""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_RANGE: Final = (32768, 60999)
_LOWEST: Final = 12_000
_HIGHEST: Final = 65_535


def ephemeral_range() -> tuple[int, int]:
    """Return the first and the last port that the kernel chooses itself (ip(7))."""
    try:
        first, last = _RANGE_FILE.read_text(encoding="ascii").split()
    except OSError:
        return _DEFAULT_RANGE
    return int(first), int(last)


@contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port that no other user of this function has, in any process, until the end.

    Nothing listens on it: it is for a server that the test starts, or stands for one that is gone.

    Raises:
        OSError: where every port is in use.
    """
    first, last = ephemeral_range()
    ports = [port for port in range(_LOWEST, _HIGHEST + 1) if not first <= port <= last]
    random.SystemRandom().shuffle(ports)
    for port in ports or random.sample(range(_LOWEST, _HIGHEST + 1), 100):
        with socket.socket(socket.AF_UNIX) as reservation:
            # An abstract name (unix(7)) exists once per network namespace, as a port does, and
            # ends with the process that has it.
            try:
                reservation.bind(f"\0mtls-probe-tests-port-{port}")
            except OSError:
                continue
            if _is_free(port):
                yield port
                return
    raise OSError("every port is in use")


def _is_free(port: int) -> bool:
    # Without SO_REUSEADDR, so that a connection in TIME_WAIT counts as well.
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("", port))
            except OSError:
                return False
    return True
