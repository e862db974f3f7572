"""An NTP server for tests on loopback: real datagrams, with a wrong clock."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TO_1970 = 2_208_988_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """The fields of an answer; `offset` is how far the server's clock is ahead."""

    offset: float = 0.0
    leap: int = 0
    version: int = 4
    mode: int = 4
    stratum: int = 2
    code: bytes = b"\x7f\x00\x00\x01"
    root_delay: float = 0.01
    root_dispersion: float = 0.02
    origin: bytes | None = None
    """Instead of the transmit timestamp of the question."""
    transmitted: bytes | None = None

    def answer(self, question: bytes, now: float) -> bytes:
        """Return the datagram that answers `question` at `now`, by the server's own clock."""
        stamp = timestamp(now + self.offset)
        return struct.pack(
            "!BBbbII4s8s8s8s8s",
            self.leap << 6 | self.version << 3 | self.mode,
            self.stratum,
            6,
            -20,
            int(self.root_delay * 65536),
            int(self.root_dispersion * 65536),
            self.code,
            stamp,
            question[40:48] if self.origin is None else self.origin,
            stamp,
            stamp if self.transmitted is None else self.transmitted,
        )


def timestamp(at: float) -> bytes:
    """Return `at`, seconds since 1970, as NTP writes it, in whichever era it lies."""
    seconds, fraction = divmod(at + TO_1970, 1)
    return struct.pack("!II", int(seconds) % (1 << 32), int(fraction * (1 << 32)))


@contextmanager
def ntp_server(
    respond: Callable[[bytes], list[bytes]] | Says, *, clock: Callable[[], float] = time.time
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port of a server and the questions that it has got; it answers by `respond`."""
    questions: list[bytes] = []

    def answers(question: bytes) -> list[bytes]:
        if isinstance(respond, Says):
            return [respond.answer(question, clock())]
        return respond(question)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                question, peer = sock.recvfrom(2048)
                if not question:
                    return
                questions.append(question)
                for answer in answers(question):
                    sock.sendto(answer, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield sock.getsockname()[1], questions
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", sock.getsockname())
            thread.join(5)
