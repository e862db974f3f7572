"""How Go reads the names of certificates: URLs, addresses, mailboxes, domains (go1.26).

Pure. Texts hold one character for each octet (Latin-1), as Go's strings hold octets.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple

_HOST_CHARACTERS: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$&'()*+,;=:[]<>\"-_.~"
)
_USERINFO: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:~!$&'()*+,;=%@"
)
_SCHEME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
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


def split_host_port(text: str) -> str | None:
    """Return the host of `host:port` (net.SplitHostPort); None where it is not that."""
    colon = text.rfind(":")
    if colon < 0:
        return None
    after = before = 0
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != colon:
            return None
        host, before, after = text[1:end], 1, end + 1
    else:
        host = text[:colon]
        if ":" in host:
            return None
    return None if "[" in text[before:] or "]" in text[after:] else host


class UrlError(ValueError):
    """What url.Parse says of a text that is not a URL."""


def parse_url_host(text: str) -> str:
    """Return the Host of a URL, empty where it has none.

    Raises:
        UrlError: with Go's text.
    """
    before, hash_, fragment = text.partition("#")
    try:
        host = _parse_url(before)
    except UrlError as error:
        raise UrlError(f"parse {quote(before)}: {error}") from None
    if hash_ and fragment:
        try:
            _unescape(fragment)
        except UrlError as error:
            raise UrlError(f"parse {quote(text)}: {error}") from None
    return host


def _parse_url(text: str) -> str:
    if any(one < " " or one == "\x7f" for one in text):
        raise UrlError("net/url: invalid control character in URL")
    if text == "*":
        return ""
    scheme, rest = _split_scheme(text)
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:
            return ""
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    host = ""
    if (scheme or not rest.startswith("///")) and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        host = _parse_authority(scheme.lower(), authority)
    _unescape(rest)
    return host


def _split_scheme(text: str) -> tuple[str, str]:
    for at, one in enumerate(text):
        if one == ":":
            if not at:
                raise UrlError("missing protocol scheme")
            return text[:at], text[at + 1 :]
        if one not in _SCHEME or (not at and not one.isalpha()):
            break
    return "", text


def _parse_authority(scheme: str, authority: str) -> str:
    userinfo, sign, host = authority.rpartition("@")
    host = _parse_host(scheme, host)
    if sign:
        if not _USERINFO.issuperset(userinfo):
            raise UrlError("net/url: invalid userinfo")
        for part in userinfo.split(":", 1):
            _unescape(part)
    return host


def _parse_host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _parse_literal(host)
    colon = host.find(":")
    if colon >= 0:
        # For http and https colons are strict (urlstrictcolons, go.dev/issue/75223).
        if scheme not in {"http", "https"}:
            colon = host.rfind(":")
        _check_port(host[colon:])
    return _unescape(host, in_host=True)


def _parse_literal(host: str) -> str:
    end = host.rfind("]")
    if end < 0:
        raise UrlError("missing ']' in host")
    port = host[end + 1 :]
    _check_port(port)
    name = host[1:end]
    zone = name.find("%25")
    if zone >= 0:
        name = _unescape(name[:zone], in_host=True) + _unescape(name[zone:], in_zone=True)
    else:
        name = _unescape(name, in_host=True)
    address = parse_address(name)
    if address is None:
        raise UrlError("invalid host: ParseAddr(" + quote(name) + "): unable to parse IP")
    if len(address[0]) == 4:
        raise UrlError("invalid IP-literal")
    return "[" + name + "]" + port


def _check_port(port: str) -> None:
    if port and (port[0] != ":" or any(not "0" <= one <= "9" for one in port[1:])):
        raise UrlError(f"invalid port {quote(port)} after host")


def _unescape(text: str, *, in_host: bool = False, in_zone: bool = False) -> str:
    """Resolve percent-encoding (net/url, unescape)."""
    if "%" not in text and not in_host and not in_zone:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        one = text[at]
        if one == "%":
            escape = text[at : at + 3]
            if len(escape) < 3 or not _HEX.issuperset(escape[1:]):
                raise UrlError("invalid URL escape " + quote(escape))
            value = int(escape[1:], 16)
            if in_host and value < 0x80 and escape != "%25":
                raise UrlError("invalid URL escape " + quote(escape))
            if in_zone and escape != "%25" and value != 32 and value not in _HOST_CHARACTERS:
                raise UrlError("invalid URL escape " + quote(escape))
            out.append(chr(value))
            at += 3
            continue
        if (in_host or in_zone) and one < "\x80" and ord(one) not in _HOST_CHARACTERS:
            raise UrlError("invalid character " + quote(one) + " in host name")
        out.append(one)
        at += 1
    return "".join(out)


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
