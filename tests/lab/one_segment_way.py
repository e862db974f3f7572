"""Something on the way that takes a ClientHello of one TCP segment only, as old middleboxes do.

A real TCP relay before a real backend. It reads the length in the first record's header; a
ClientHello above one segment is dropped in silence, reset, closed, or answered with an alert.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

from tests.lab.servers import HOST

Refusal = Literal["drop", "reset", "close", "alert"]

SEGMENT: Final = 1460
"""Bytes: the maximum segment size of Ethernet with IPv4."""
TIMEOUT: Final = 20.0
_DECODE_ERROR: Final = bytes.fromhex("15030300020232")
"""The alert of a server that parses the first segment and finds half a message."""


@contextmanager
def one_segment_way(backend: int, refusal: Refusal) -> Iterator[int]:
    """Relay to the port `backend`, and yield the port to connect to."""
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, backend, refusal), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, backend: int, refusal: Refusal) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the test has ended
        threading.Thread(target=_relay, args=(client, backend, refusal), daemon=True).start()


def _relay(client: socket.socket, backend: int, refusal: Refusal) -> None:
    client.settimeout(TIMEOUT)
    with client, suppress(OSError):
        first = client.recv(65536)
        if len(first) > 5 and 5 + int.from_bytes(first[3:5]) > SEGMENT:
            _refuse(client, refusal)
            return
        with socket.create_connection((HOST, backend), TIMEOUT) as server:
            server.sendall(first)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join(TIMEOUT)


def _refuse(client: socket.socket, refusal: Refusal) -> None:
    if refusal == "drop":
        while client.recv(65536):
            pass
    elif refusal == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif refusal == "alert":
        client.sendall(_DECODE_ERROR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
