"""The interface between a pump, which has the socket, and a protocol: bytes in, bytes out, timers."""

from abc import ABC, abstractmethod
from typing import Final

from probe.model.evidence import Ending, EndingKind
from probe.otlp.request import OPENING

_FIRST_BYTES: Final = 64
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")


class Session(ABC):
    """One use of a byte stream, until it has an `ending`; every `now` is monotonic seconds."""

    ending: Ending | None = None
    wake_at: float | None = None
    """When `wake` is to be called."""

    def start(self, now: float) -> None:  # noqa: B027 - few sessions need it
        """Begin."""

    @abstractmethod
    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer."""

    @abstractmethod
    def receive_eof(self, now: float, *, reset: bool) -> None:
        """Take the end of the peer's bytes: a FIN, or where `reset` an RST."""

    def wake(self, now: float) -> None:  # noqa: B027 - few sessions need it
        """Act on the timer that `wake_at` asked for."""

    @abstractmethod
    def expire(self, now: float) -> None:
        """End at the deadline."""

    @abstractmethod
    def take_output(self) -> bytes:
        """Return the bytes to send."""

    def close(self) -> bytes:
        """Return the bytes of an orderly close."""
        return b""


class PlaintextSession(Session):
    """Sends the opening of HTTP/2 without TLS, and keeps the first bytes of the answer.

    An HTTP/2 server without TLS answers with SETTINGS, an HTTP/1.1 one with a status line, a TLS
    server with an alert or not at all. Nothing of the application is sent.
    """

    def __init__(self) -> None:
        """Prepare the opening."""
        self.first_bytes = b""
        self._output = OPENING

    def receive(self, data: bytes, _now: float) -> None:
        """Take the first bytes; they show which protocol the peer speaks."""
        if self.ending is None:
            self.first_bytes = (self.first_bytes + data)[:_FIRST_BYTES]
        if len(self.first_bytes) > 1:
            self._end("alert" if self.first_bytes.startswith(_TLS_RECORDS) else "not_tls")

    def receive_eof(self, _now: float, *, reset: bool) -> None:
        """Take the end of the peer's bytes."""
        self._end("reset" if reset else "close")

    def expire(self, _now: float) -> None:
        """End at the deadline."""
        self._end("timeout")

    def take_output(self) -> bytes:
        """Return the opening, once."""
        output, self._output = self._output, b""
        return output

    def _end(self, kind: EndingKind) -> None:
        self.ending = self.ending or Ending(stage="handshake", kind=kind)
