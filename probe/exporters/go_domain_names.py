"""How Go turns a host outside of ASCII into a name (x/net/idna), and which names it looks up.

Pure. net/http maps the host that it connects to and verifies (`idna.Lookup`), and only encodes the
one that a request names (`idna.ToASCII`). grpc-go does neither.
"""

import re
from typing import Final

import idna

_MOST: Final = 253
_MOST_OF_LABEL: Final = 63
_MAPPED: Final = re.compile(r"[a-z0-9.-]+")
_LABEL: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def map_for_lookup(host: str) -> str:
    """Return `host` in A-labels; as it is where it is ASCII already, or not a domain name.

    net/http goes on with what idna.Lookup refuses (http.Transport, canonicalAddr).
    """
    if host.isascii():
        return host
    try:
        mapped = idna.uts46_remap(host, std3_rules=True, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return host
    name = encode_labels(mapped)
    return name if _MAPPED.fullmatch(name) else host


def encode_labels(host: str) -> str:
    """Return `host` with each label outside of ASCII in Punycode, unmapped (httpguts)."""
    if host.isascii():
        return host
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
        for label in host.split(".")
    )


def is_looked_up(host: str) -> bool:
    """Whether Go's resolver asks for `host` at all (net, isDomainName)."""
    name = host.removesuffix(".")
    if host == ".":
        return True
    fits = len(name) <= _MOST and all(
        len(label) <= _MOST_OF_LABEL and _LABEL.fullmatch(label) and not label.endswith("-")
        for label in name.split(".")
    )
    return fits and not name.replace(".", "").isdecimal()
