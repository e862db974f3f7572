"""Requests that are not proper HTTP, each with a credential that nobody may ever see again.

The table is generated: each mistake is made in the request line, the headers and the body, with the
credential where a careless client, a wrong port or another protocol would put it.
"""

import base64
from collections.abc import Iterator
from typing import Final

CANARY: Final = "C4naryCredential-7f3a9"
BASIC: Final = base64.b64encode(f"admin:{CANARY}".encode()).decode()
SHOWN: Final = (CANARY, BASIC, CANARY[:14], BASIC[6:22], base64.b64encode(CANARY.encode()).decode())
"""What would show it: as it is, encoded, or a part."""

_AUTHORIZATION: Final = f"Authorization: Basic {BASIC}".encode()
_CLIENT_HELLO: Final = (
    # A record of TLS 1.0 with a ClientHello whose session ticket is the credential.
    b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + CANARY.encode() * 8
)


def requests() -> Iterator[tuple[str, bytes]]:
    """Yield a name and the bytes of each request."""
    line, end = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n", b"\r\n\r\n"
    for number in (0, 1, 8, 10, 11, 13, 27, 127, 128, 255):
        byte = bytes([number])
        yield f"byte {number} after a value", line + _AUTHORIZATION + byte + end
        yield f"byte {number} in a value", line + b"X: " + byte + CANARY.encode() + end
        yield f"byte {number} in a name", line + b"Author" + byte + _AUTHORIZATION[6:] + end
        yield (
            f"byte {number} in the target",
            b"GET /" + CANARY.encode() + byte + b" HTTP/1.1\r\nHost: localhost" + end,
        )
    for method in (b"get", b"BREW", b"G\x00T", b"", b"PRI", b"CONNECT", b"G" * 9000):
        target = b" /?token=" + CANARY.encode()
        yield (
            f"method {method[:8]!r}",
            method + target + b" HTTP/1.1\r\nHost: localhost\r\n" + _AUTHORIZATION + end,
        )
    for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.x", b"SPDY/3", b"HTTP", b""):
        yield (
            f"version {version!r}",
            b"GET /?t=" + CANARY.encode() + b" " + version + b"\r\n" + _AUTHORIZATION + end,
        )
    for target in (b"//", b"http://", b"http://[", b"http://a:b:c/", b"/%zz%", b"/\xff\xfe", b"*"):
        yield (
            f"target {target!r}",
            b"GET " + target + CANARY.encode() + b" HTTP/1.1\r\n" + _AUTHORIZATION + end,
        )
    long = CANARY.encode() * 600
    yield "an oversized target", b"GET /" + long + b" HTTP/1.1\r\nHost: localhost" + end
    yield "an oversized header", line + b"Authorization: Bearer " + long + end
    yield "an oversized name", line + long + b": x" + end
    yield (
        "many headers",
        line + b"".join(b"X-%d: %s\r\n" % (n, CANARY.encode()) for n in range(500)) + end,
    )
    yield "a large head", line + (b"X: " + CANARY.encode() * 300 + b"\r\n") * 20
    yield "a header without a colon", line + _AUTHORIZATION.replace(b":", b"") + end
    yield "a folded header", line + b"X: a\r\n " + CANARY.encode() + end
    yield "a header of nothing", line + b": " + CANARY.encode() + end
    yield "two lengths", line + _AUTHORIZATION + b"\r\nContent-Length: 1\r\nContent-Length: 2" + end
    for length in (b"-1", b"+1", b"0x10", b"1e9", CANARY.encode(), b"9" * 30):
        yield f"length {length!r}", line + _AUTHORIZATION + b"\r\nContent-Length: " + length + end
    for coding in (b"identity", CANARY.encode(), b"chunked, chunked", b"chunked;x"):
        yield f"coding {coding!r}", line + b"Transfer-Encoding: " + coding + end
    chunked = b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked" + end
    for body in (b"zz", b"5;" + b"x" * 9000, b"-1", b"FFFFFFFFFFFFFFFFFF"):
        yield f"chunk {body[:8]!r}", chunked + body + b"\r\n" + CANARY.encode() + b"\r\n"
    for expected in (CANARY.encode(), b"100-continue, " + CANARY.encode()):
        yield f"expectation {expected!r}", line + b"Expect: " + expected + end
    yield (
        "an upgrade",
        line
        + b"Connection: Upgrade\r\nUpgrade: "
        + CANARY.encode()
        + end
        + b"\x00"
        + CANARY.encode(),
    )
    yield (
        "a web socket",
        line + b"Connection: Upgrade\r\nUpgrade: websocket" + end + CANARY.encode(),
    )
    yield (
        "a body in gzip that is none",
        (
            b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: "
            + b"%d" % len(CANARY)
            + end
            + CANARY.encode()
        ),
    )
    yield "two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: " + CANARY.encode() + end
    yield "TLS", _CLIENT_HELLO
    yield "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + CANARY.encode()
    yield "SSH", b"SSH-2.0-" + CANARY.encode() + b"\r\n"
    yield "nothing but line breaks", b"\r\n" * 50 + CANARY.encode() + b"\r\n\r\n"
    yield "a proxy's protocol", b"PROXY TCP4 " + CANARY.encode() + b" 1 2 3\r\n"
    good = line.rstrip(b"\r\n") + end
    yield "after a good one", good + b"GET /" + CANARY.encode() + b" HTTP/7.7" + end
    yield (
        "a password with a null byte",
        line + b"Authorization: Basic " + base64.b64encode(f"admin:{CANARY}\x00x".encode()) + end,
    )
