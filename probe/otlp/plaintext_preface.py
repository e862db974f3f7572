"""A greeting in clear to a port that was to speak TLS: sans-I/O, the HTTP/2 preface and SETTINGS.

An HTTP/2 server in clear answers with SETTINGS, an HTTP/1.1 one with a status line, a TLS server
with an alert or not at all. Nothing of the application is in it.
"""

from typing import Final

from probe.model.evidence import Ending, EndingKind
from probe.otlp.request import OPENING

FIRST_BYTES: Final = 64
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")


class Greeting:
    """Greets, and listens for the first bytes of whatever comes back."""

    def __init__(self) -> None:
        """Prepare the greeting."""
        self.ending: Ending | None = None
        self.wake_at: float | None = None
        self.first = b""
        self._output = OPENING

    def start(self, now: float) -> None:
        """Nothing to prepare: the greeting is the output."""

    def receive(self, data: bytes, now: float) -> None:
        """Take the first bytes; they say what speaks there."""
        del now
        if self.ending is None:
            self.first = (self.first + data)[:FIRST_BYTES]
            if len(self.first) > 1:
                self._end("alert" if self.first.startswith(_TLS_RECORDS) else "not_tls")

    def receive_eof(self, now: float, *, reset: bool) -> None:
        """Learn that nothing more comes."""
        del now
        if self.ending is None:
            self._end("reset" if reset else "close")

    def wake(self, now: float) -> None:
        """Never asked for."""

    def expire(self, now: float) -> None:
        """End at the deadline."""
        del now
        if self.ending is None:
            self._end("timeout")

    def take_output(self) -> bytes:
        """Return the greeting, once."""
        output, self._output = self._output, b""
        return output

    def _end(self, kind: EndingKind) -> None:
        self.ending = Ending(stage="handshake", kind=kind)
