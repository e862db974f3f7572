"""HTTP CONNECT (RFC 9110 §9.3.6), sans-I/O: how a connection through a proxy begins.

The proxy's answer is evidence, and bounded in bytes and in reads. The request has the proxy's own
credentials and the backend's address, nothing of the application.
"""

from base64 import b64encode
from typing import Final
from urllib.parse import unquote, urlsplit

from probe.attempt.session import Session
from probe.model.evidence import Ending
from probe.model.target import Endpoint
from probe.otlp.request import encode_authority
from probe.text.safe_text import safe_text

_LONGEST_HEAD: Final = 16384
_MAX_READS: Final = 512
"""Reads for the head of a proxy's answer; a real proxy's head needs one."""


class ProxyTunnel(Session):
    """Asks a proxy for a tunnel; `open` once it agreed, else `ending` says why not."""

    def __init__(self, proxy_url: str, endpoint: Endpoint) -> None:
        """Prepare the request for `endpoint`.

        Raises:
            ValueError: where its host is not valid in a request.
        """
        parts = urlsplit(proxy_url)
        authority = encode_authority(endpoint)
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {b64encode(pair.encode()).decode()}")
        self._output = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
        self._head = bytearray()
        self._reads = 0
        self.open = False
        self.leftover = b""
        """The bytes after the head of the proxy's answer."""

    def receive(self, data: bytes, _now: float) -> None:
        """Take bytes of the proxy's answer."""
        # Only what is new can complete the end, together with three bytes before it.
        searched = max(len(self._head) - 3, 0)
        self._head += data
        self._reads += 1
        end = self._head.find(b"\r\n\r\n", searched)
        if end < 0:
            if len(self._head) > _LONGEST_HEAD or self._reads > _MAX_READS:
                self._refuse("its answer is not valid HTTP")
            return
        status = bytes(self._head[:end]).split(b"\r\n", 1)[0]
        code = _read_code(status)
        if not 200 <= code < 300:
            self._refuse(safe_text(status, 100), code)
            return
        self.leftover = bytes(self._head[end + 4 :])
        self.open = True
        self.ending = Ending(stage="connect", kind="completed")

    def receive_eof(self, _now: float, *, reset: bool) -> None:
        """Take the end of the proxy's bytes."""
        self._refuse("reset by the proxy" if reset else "closed by the proxy")

    def expire(self, _now: float) -> None:
        """End at the deadline."""
        self._refuse("no answer from the proxy in time")

    def take_output(self) -> bytes:
        """Return the request, once."""
        output, self._output = self._output, b""
        return output

    def _refuse(self, why: str, http_status: int = 0) -> None:
        self.ending = self.ending or Ending(
            stage="connect", kind="proxy", detail=why, http_status=http_status
        )


def _read_code(status_line: bytes) -> int:
    """Return the code of a status line (RFC 9112 §4); 0 where it is not one."""
    words = status_line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        return 0
    return int(words[1]) if len(words[1]) == 3 and words[1].isdigit() else 0
