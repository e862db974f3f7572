"""What a connection to `listen` begins with: a ClientHello, HTTP without TLS, or something else. Pure."""

import re
from typing import Final

from probe.backend.passing_messages import PREFACE
from probe.model.exporter_connection import Speech
from probe.text.safe_text import safe_text
from probe.tls.client_hello import MAX_HELLO, ClientHello, CutShortError, read_client_hello

MAX_HEAD: Final = 4096
"""Bytes of a plaintext request's head that are read."""
_SHOWN: Final = 16
_METHOD: Final = re.compile(rb"[A-Z]{3,10} [ -~]")
_BEGINS_METHOD: Final = re.compile(rb"[A-Z]{1,10} ?")
_PROXIED: Final = (b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n")
"""What versions 1 and 2 of the PROXY protocol begin with."""
_AGENT: Final = re.compile(rb"(?mi)^user-agent:[ \t]*([^\r\n]{1,200})")
# net/http of Go answers so, and a Collector's OTLP/HTTP receiver with it.
_BAD_REQUEST: Final = (
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)


class FirstBytes:
    """Collects what comes first, until it is known what it is."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.data = b""
        self.hello: ClientHello | None = None
        self.refused = False
        """Whether it is known to be no TLS."""
        self.speech: Speech = "nothing"
        self.shown = ""
        """The first line of a request without its query, or the first bytes in hex."""
        self.answer = b""
        """What a client without TLS is answered."""

    def receive(self, data: bytes) -> None:
        """Take the next bytes."""
        self.data += data
        if not self.data or self.refused or self.hello is not None:
            return
        if self.data[0] == 0x16:
            self.speech = "tls"
            self._read_hello()
        elif len(self.data) < len(PREFACE) and PREFACE.startswith(self.data):
            self.speech = "h2"
        elif any(self.data.startswith(one) for one in _PROXIED):
            self._refuse("other", "a header of the PROXY protocol, which a load balancer adds")
        elif any(one.startswith(self.data) for one in _PROXIED):
            self.speech = "other"
        elif self.data.startswith(PREFACE):
            self._refuse("h2", "PRI * HTTP/2.0")
        elif _METHOD.match(self.data):
            self.speech = "http"
            if b"\r\n\r\n" in self.data or len(self.data) > MAX_HEAD:
                self._refuse_http()
        elif not _BEGINS_METHOD.fullmatch(self.data):
            self._refuse("other", self.data[:_SHOWN].hex(" "))

    def _read_hello(self) -> None:
        try:
            self.hello = read_client_hello(self.data)
        except CutShortError:
            if len(self.data) > MAX_HELLO:
                self._refuse("other", self.data[:_SHOWN].hex(" "))
        except ValueError:
            self._refuse("other", self.data[:_SHOWN].hex(" "))

    def _refuse_http(self) -> None:
        head = self.data[:MAX_HEAD].partition(b"\r\n\r\n")[0]
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path, _, version = rest.rpartition(b" ")
        # What follows a question mark may hold a token.
        line = b" ".join((method, (path or version).partition(b"?")[0], version if path else b""))
        agent = _AGENT.search(head)
        said = f", User-Agent {safe_text(agent[1], 80)}" if agent else ""
        self._refuse("http", f"{safe_text(line.strip(), 120)}{said}")
        self.answer = _BAD_REQUEST

    def _refuse(self, speech: Speech, shown: str) -> None:
        self.refused = True
        self.speech, self.shown = speech, shown
