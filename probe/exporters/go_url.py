"""How Go reads a URL, and writes it in a request (net/url, go1.26).

Pure. Texts hold one character for each octet (Latin-1), as Go's strings hold octets: `from_text` and
`to_text` translate.
"""

from dataclasses import dataclass
from typing import Final

from probe.exporters.go_names import parse_address, quote

_ALPHANUMERIC: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_HOST_CHARACTERS: Final = _ALPHANUMERIC | frozenset("!$&'()*+,;=:[]<>\"-_.~")
_USERINFO: Final = _ALPHANUMERIC | frozenset("-._:~!$&'()*+,;=%@")
_SCHEME: Final = _ALPHANUMERIC | frozenset("+-.")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_UNESCAPED_IN_PATH: Final = _ALPHANUMERIC | frozenset("-_.~$&+,/:;=@")
"""What `escape` leaves in a path as it is."""
_WRITTEN_IN_PATH: Final = _UNESCAPED_IN_PATH | frozenset("!'()*[]%")
"""What an escaped path may hold where its writer left it so (validEncoded)."""


class UrlError(ValueError):
    """What url.Parse says of a text that is not a URL."""


@dataclass(frozen=True, slots=True)
class GoUrl:
    """A url.URL, but for its fragment, which no request has."""

    scheme: str = ""
    opaque: str = ""
    userinfo: tuple[str, ...] = ()
    """User name, and a password where there is one; empty without an `@`."""
    host: str = ""
    """With the port, an IPv6 address in brackets."""
    path: str = ""
    """Without percent-encoding."""
    raw_path: str = ""
    """As it was written, where that is not what `escape_path` makes of `path`."""
    query: str = ""
    has_query: bool = False
    """Whether there is a `?`, be it with nothing behind."""

    @property
    def hostname(self) -> str:
        """The host without port and brackets (URL.Hostname)."""
        host, colon, port = self.host.rpartition(":")
        bare = host if colon and (port.isdecimal() or not port) else self.host
        return bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare

    @property
    def port(self) -> str:
        """The port as it was written; empty without (URL.Port)."""
        _, colon, port = self.host.rpartition(":")
        return port if colon and port.isdecimal() else ""

    @property
    def escaped_path(self) -> str:
        """The path with percent-encoding (URL.EscapedPath)."""
        if self.raw_path and _WRITTEN_IN_PATH.issuperset(self.raw_path):
            return self.raw_path
        return "%2A" if self.path == "*" else escape_path(self.path)

    @property
    def request_uri(self) -> str:
        """What a request names (URL.RequestURI)."""
        query = f"?{self.query}" if self.has_query else ""
        return (self.escaped_path or "/") + query


def from_text(text: str) -> str:
    """Return `text` with a character for each octet of its UTF-8."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def to_text(octets: str) -> str:
    """Return what `from_text` made the octets of; what is not UTF-8 stays percent-encoded."""
    try:
        return octets.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return "".join(one if one < "\x80" else f"%{ord(one):02X}" for one in octets)


def escape_path(path: str) -> str:
    """Return `path` percent-encoded (net/url, escape with encodePath)."""
    return "".join(one if one in _UNESCAPED_IN_PATH else f"%{ord(one):02X}" for one in path)


def parse_url(text: str) -> GoUrl:
    """Read a URL as url.Parse does.

    Raises:
        UrlError: with Go's text.
    """
    before, hash_, fragment = text.partition("#")
    try:
        url = _parse_url(before)
    except UrlError as error:
        raise UrlError(f"parse {quote(before)}: {error}") from None
    if hash_ and fragment:
        try:
            _unescape(fragment)
        except UrlError as error:
            raise UrlError(f"parse {quote(text)}: {error}") from None
    return url


def _parse_url(text: str) -> GoUrl:
    if any(one < " " or one == "\x7f" for one in text):
        raise UrlError("net/url: invalid control character in URL")
    if text == "*":
        return GoUrl(path="*")
    scheme, rest = _split_scheme(text)
    scheme = scheme.lower()
    rest, mark, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return GoUrl(scheme=scheme, opaque=rest, query=query, has_query=bool(mark))
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    host = ""
    userinfo: tuple[str, ...] = ()
    if (scheme or not rest.startswith("///")) and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        host, userinfo = _parse_authority(scheme, authority)
    path = _unescape(rest)
    return GoUrl(
        scheme=scheme,
        userinfo=userinfo,
        host=host,
        path=path,
        raw_path="" if rest == escape_path(path) else rest,
        query=query,
        has_query=bool(mark),
    )


def _split_scheme(text: str) -> tuple[str, str]:
    for at, one in enumerate(text):
        if one == ":":
            if not at:
                raise UrlError("missing protocol scheme")
            return text[:at], text[at + 1 :]
        if one not in _SCHEME or (not at and not one.isalpha()):
            break
    return "", text


def _parse_authority(scheme: str, authority: str) -> tuple[str, tuple[str, ...]]:
    userinfo, sign, host = authority.rpartition("@")
    host = _parse_host(scheme, host)
    if not sign:
        return host, ()
    if not _USERINFO.issuperset(userinfo):
        raise UrlError("net/url: invalid userinfo")
    return host, tuple(_unescape(part) for part in userinfo.split(":", 1))


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
            if in_zone and escape != "%25" and value != 32 and chr(value) not in _HOST_CHARACTERS:
                raise UrlError("invalid URL escape " + quote(escape))
            out.append(chr(value))
            at += 3
            continue
        if (in_host or in_zone) and one < "\x80" and one not in _HOST_CHARACTERS:
            raise UrlError("invalid character " + quote(one) + " in host name")
        out.append(one)
        at += 1
    return "".join(out)
