"""An alert that has arrived is read, whatever became of a write and of the connection after it."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from time import monotonic

import pytest

from probe.attempt import loop_delays
from probe.attempt.otlp_session import OtlpSession
from probe.attempt.pump import Pump
from probe.otlp.request import build_request
from probe.tls.client import TlsClient
from tests.support.memory_peer import MemoryServer, server_context, settings_of
from tests.support.sessions import STRANGER, target

TIMES = 40
PAUSE = 0.004
UNKNOWN_CA = 48


class Hasty(OtlpSession):
    """A session that writes its request when the peer's alert and end have arrived, before it reads.

    It is what a process does that is held up in the wrong place.
    """

    def wake(self, now: float) -> None:
        """Let the alert arrive, then write."""
        time.sleep(5 * PAUSE)
        super().wake(now)


def close(sock: socket.socket) -> None:
    """End with a FIN."""
    sock.shutdown(socket.SHUT_WR)


def reset(sock: socket.socket) -> None:
    """End with an RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def refuse(listener: socket.socket, end: Callable[[socket.socket], None]) -> None:
    """Refuse one client's certificate by an alert, and end the connection."""
    sock, _ = listener.accept()
    server = MemoryServer(server_context())
    with sock:
        while not server.failed:
            data = sock.recv(65536)
            time.sleep(PAUSE)
            sock.sendall(server.receive(data))
        end(sock)


async def attempt(kind: type[OtlpSession], end: Callable[[socket.socket], None]) -> Pump:
    """Be refused once by a server in TLS 1.3; return what carried the bytes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        backend = threading.Thread(target=refuse, args=(listener, end))
        backend.start()
        with socket.create_connection(listener.getsockname()) as sock:
            sock.setblocking(False)
            session = kind(
                TlsClient(settings_of(STRANGER)),
                build_request(target(), "mtls-probe/test"),
                purpose="export",
                needs_h2=True,
                quiet=0.0 if kind is Hasty else 1.0,
            )
            pump = Pump(sock, session)
            await pump.run(monotonic() + 5.0)
        backend.join(5)
    assert session.ending is not None
    assert (session.ending.kind, session.ending.stage) == ("alert", "accept")
    assert session.handshake is not None
    assert [alert.number for alert in session.handshake.alerts] == [UNKNOWN_CA]
    return pump


@pytest.mark.slow
async def test_an_alert_behind_a_failed_write_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty, none is lost."""
    monkeypatch.setattr(loop_delays, "TICK", PAUSE / 8)  # wakes the session before the alert comes
    failed = 0
    for _ in range(TIMES):
        pump = await attempt(Hasty, reset)
        failed += pump._write_failed
    assert failed > TIMES / 2


@pytest.mark.parametrize("end", [close, reset])
@pytest.mark.parametrize("kind", [OtlpSession, Hasty])
async def test_an_alert_before_the_end_is_read(
    kind: type[OtlpSession], end: Callable[[socket.socket], None]
) -> None:
    """The FIN or the RST comes right behind it."""
    await attempt(kind, end)
