"""A target's own headers as its exporter puts them in a request, in either version of HTTP. Pure.

grpc-go and net/http decide themselves what takes a header's place, what is left out and what is sent
as it is; measured with a real Collector. Of other exporters the probe keeps framing, media type and
its own name to itself.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.model.runtime import GO_IDS, PYTHON_HTTP
from probe.model.target import Target

Fields = Sequence[tuple[str, bytes]]

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_RESERVED: Final = frozenset({
    "connection", "content-length", "content-type", "host", "http2-settings", "keep-alive",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
"""What the probe decides itself for exporters that are not Go's: framing, media type, its name."""
_LEFT_OUT_BY_GRPC_GO: Final = frozenset({
    "content-type", "user-agent", "te", "grpc-message-type", "grpc-encoding", "grpc-message",
    "grpc-status", "grpc-timeout",
})  # fmt: skip
"""internal/transport, isReservedHeader."""
_LEFT_OUT_OF_HTTP1: Final = frozenset({"content-length", "host", "trailer", "transfer-encoding"})
"""net/http, reqWriteExcludeHeader; User-Agent is written once."""
_LEFT_OUT_OF_HTTP2: Final = frozenset({
    "connection", "content-length", "host", "keep-alive", "proxy-connection", "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""net/http's HTTP/2, encodeHeaders."""
_REPLACED_IN_PYTHON: Final = frozenset({"content-type", "user-agent"})
"""What a header of Python's exporter over HTTP takes the place of."""


@dataclass(frozen=True, slots=True)
class OwnFields:
    """The fields of each version of HTTP; one takes the place of the request's own of its name."""

    h2: Fields = ()
    http1: Fields = ()


def list_own_fields(target: Target) -> OwnFields:
    """Return the fields that the target's headers become.

    Raises:
        ValueError: where one cannot be sent; the text names it, never its value.
    """
    grpc, by_go = target.protocol == "grpc", target.exporter in GO_IDS
    reserved = _RESERVED
    if target.exporter == PYTHON_HTTP.id:
        reserved -= _REPLACED_IN_PYTHON
    h2: list[tuple[str, bytes]] = []
    http1: list[tuple[str, bytes]] = []
    for raw_name, secret in target.headers:
        name, text = raw_name.lower(), secret.reveal()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{raw_name!r} is not a valid header name")
        if grpc:
            left_out = _LEFT_OUT_BY_GRPC_GO if by_go else _RESERVED
            if name in left_out or (name.startswith("grpc-") and not by_go):
                continue
            if name.endswith("-bin"):
                # Binary metadata is sent as unpadded base64 (gRPC over HTTP/2, Custom-Metadata).
                value = base64.b64encode(text.encode()).rstrip(b"=")
            else:
                value = check_value(name, text, ascii_only=True, strips=not by_go)
            h2.append((name, value))
            if name not in _RESERVED:
                # gRPC has no HTTP/1.1; what it would be there only has to be valid.
                http1.append((name, value.strip(b" \t")))
        elif by_go:
            if name not in _LEFT_OUT_OF_HTTP2:
                parts = re.split("; *", text) if name == "cookie" else [text]
                h2 += [(name, check_value(name, part, strips=False)) for part in parts]
            if name not in _LEFT_OUT_OF_HTTP1:
                http1.append((name, check_value(name, text)))
        elif name not in reserved:
            h2.append((name, check_value(name, text)))
            http1.append(h2[-1])
    return OwnFields(tuple(h2), tuple(http1))


def check_value(name: str, text: str, *, ascii_only: bool = False, strips: bool = True) -> bytes:
    """Check a field value (RFC 9110 §5.5): no control character but the tab, so no injection.

    Raises:
        ValueError: naming the header, never its value.
    """
    value = text.strip(" \t") if strips else text
    if any((ord(c) < 0x20 and c != "\t") or ord(c) == 0x7F for c in value):
        raise ValueError(f"the value of the header {name!r} holds a control character")
    if ascii_only and not value.isascii():
        raise ValueError(f"the value of the header {name!r} is not ASCII, which gRPC needs")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the value of the header {name!r} is not valid text") from None
