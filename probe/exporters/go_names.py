"""How Go reads the names of certificates: addresses, mailboxes, domains (go1.26).

Pure. Texts hold one character for each octet (Latin-1), as Go's strings hold octets.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple

_ATOM: Final = frozenset(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-/=?^_`{|}~."
)
_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}
_TO_LOWER: Final = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def to_lower(text: str) -> str:
    """Lower ASCII letters alone (crypto/x509, toLowerCaseASCII)."""
    return text.translate(_TO_LOWER)


def quote(text: str) -> str:
    """Write `text` as Go's %q does."""
    return '"' + "".join(_quote_one(one) for one in text) + '"'


def _quote_one(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00  # an octet that is not UTF-8 (surrogateescape)
    if code < 0x80 or character.isprintable():
        return character if character.isprintable() else f"\\x{code:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def parse_address(text: str) -> tuple[bytes, str] | None:
    """Return an address's octets, four or sixteen, and its zone (netip.ParseAddr)."""
    first = next((one for one in text if one in ".:%"), "")
    try:
        if first == ".":
            return IPv4Address(text).packed, ""
        if first == ":":
            address, percent, zone = text.partition("%")
            if percent and not zone:
                return None
            return IPv6Address(address).packed, zone
    except (AddressValueError, ValueError):
        return None
    return None


def parse_ip(text: str) -> bytes | None:
    """Return an address's octets where it has no zone (net.ParseIP)."""
    found = parse_address(text)
    return None if found is None or found[1] else found[0]


def to_four(address: bytes) -> bytes | None:
    """Return the four octets of an IPv4 address, also of a mapped one (net.IP.To4)."""
    if len(address) == 4:
        return address
    if len(address) == 16 and address.startswith(_MAPPED):
        return address[12:]
    return None


_MAPPED: Final = bytes(10) + b"\xff\xff"


def is_same_address(one: bytes, other: bytes) -> bool:
    """Whether two addresses are equal, a mapped one to its IPv4 one (net.IP.Equal)."""
    return one == other or (
        len(one) != len(other) and to_four(one) is not None and to_four(one) == to_four(other)
    )


def is_valid_domain(name: str, *, constraint: bool) -> bool:
    """Whether a name could be a domain's (domainNameValid); the empty one is."""
    if not name:
        return True
    if name[-1] == ".":
        return False
    if constraint and name[0] == ".":
        name = name[1:]
    # Like Go, which measures the first label from the start whatever comes before.
    return (
        bool(name)
        and name.isascii()
        and all(name.split("."))
        and not any(one < "!" or one > "~" for one in name)
    )


class Mailbox(NamedTuple):
    """A mailbox of RFC 2821."""

    local: str
    domain: str


def parse_mailbox(text: str) -> Mailbox | None:
    """Return the two parts of a mailbox (parseRFC2821Mailbox)."""
    read = _read_quoted(text) if text.startswith('"') else _read_atoms(text)
    if read is None:
        return None
    local, rest = read
    if not rest.startswith("@") or not _has_valid_labels(rest[1:]):
        return None
    return Mailbox(local, rest[1:])


def _read_quoted(text: str) -> tuple[str, str] | None:
    local: list[str] = []
    at = 1
    while at < len(text):
        one = text[at]
        at += 1
        if one == '"':
            return "".join(local), text[at:]
        if one == "\\":
            code = ord(text[at]) if at < len(text) else -1
            if not (code in {11, 12} or 1 <= code <= 9 or 14 <= code <= 127):
                return None
            local.append(text[at])
            at += 1
            continue
        code = ord(one)
        if not (
            code in {11, 12, 32, 33, 127}
            or 1 <= code <= 8
            or 14 <= code <= 31
            or 35 <= code <= 91
            or 93 <= code <= 126
        ):
            return None
        local.append(one)
    return None


def _read_atoms(text: str) -> tuple[str, str] | None:
    local: list[str] = []
    at = 0
    while at < len(text):
        one = text[at]
        if one == "\\":
            # What is escaped is taken whatever it is (Go falls through to the next case).
            at += 1
            if at >= len(text):
                return None
        elif one not in _ATOM:
            break
        local.append(text[at])
        at += 1
    name = "".join(local)
    if not name or name[0] == "." or name[-1] == "." or ".." in name:
        return None
    return name, text[at:]


def _has_valid_labels(domain: str) -> bool:
    """Whether domainToReverseLabels takes it: no empty label, only visible ASCII."""
    if not domain:
        return True
    return all(domain.split(".")) and not any(one < "!" or one > "~" for one in domain)
