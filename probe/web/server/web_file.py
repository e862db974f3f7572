"""The web file, in the format of Prometheus's exporter-toolkit, becomes frozen values.

The result is settings or a `ConfigurationError`, as for the configuration. No error shows a value of
`basic_auth_users` or `key`. What exporter-toolkit ignores silently, or what this server cannot do, is
an error: a file in force has all of its effect.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.config import duration
from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.schema import Entry
from probe.config.typed_values import convert
from probe.config.yaml_document import MAX_BYTES, Document, parse_yaml
from probe.text.description import refuse_non_path
from probe.web.server.tls_settings import TlsServerEntry, TlsSettings, build_tls_settings

HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""The headers of the format; those with values take only these."""
MAX_COST: Final = 15
"""Of a password's hash; one check takes two seconds then, and a check cannot be interrupted."""

_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_FIELD_VALUE: Final = re.compile("[\t\x20-\x7e]*")


class HttpServerEntry(Entry, frozen=True, kw_only=True):
    """HTTP settings of the pages."""

    http2: bool = True
    """Accepted without effect: pages are served over HTTP/1.1."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Security headers to add to each response, by name."""


class RateLimitEntry(Entry, frozen=True, kw_only=True):
    """A limit for requests. A number is not a duration, except 0."""

    interval: str | int = 0
    """Time after which one more request is accepted; `0`: no limit."""
    burst: int = 0
    """Requests accepted at once."""


class WebFileEntry(Entry, frozen=True, kw_only=True):
    """The web file, in the format of Prometheus's exporter-toolkit. It is followed as it changes."""

    tls_server_config: TlsServerEntry = TlsServerEntry()
    """TLS of the pages; without it they are served without TLS."""
    http_server_config: HttpServerEntry = HttpServerEntry()
    """HTTP settings."""
    rate_limit: RateLimitEntry = RateLimitEntry()
    """A limit for requests; without it there is none."""
    basic_auth_users: Any = None
    """Users with the bcrypt hash of each one's password."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`burst` requests at once, and one more each `interval` seconds."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a web file says."""

    tls: TlsSettings | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    """The bcrypt hash of each user's password."""


def read_document(path: str) -> Document:
    """Return the plain values of the file at `path`, and their lines.

    Raises:
        ConfigurationError: where it cannot be read or is not YAML.
    """
    try:
        refuse_non_path(path)
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(f"cannot be read: {reason}", file=path) from None
    return parse_yaml(raw, path)


def build_settings(document: Document) -> ServerSettings:
    """Judge every key; relative paths start from the folder of the document's file.

    Raises:
        ConfigurationError: with file, line, key, what was found and what is allowed.
    """
    where = Location(document)
    entry = convert(document.value, WebFileEntry, where)
    headers = entry.http_server_config.headers
    return ServerSettings(
        tls=build_tls_settings(entry.tls_server_config, where["tls_server_config"]),
        headers=_headers(headers, where["http_server_config"]["headers"]),
        rate_limit=_rate_limit(entry.rate_limit, where["rate_limit"]),
        users=_users(entry.basic_auth_users, where["basic_auth_users"]),
    )


def _headers(headers: Mapping[str, str], where: Location) -> dict[str, str]:
    for name, value in headers.items():
        if name not in HEADERS:
            raise where[name].error("is not a header that can be set", found=name, allowed=HEADERS)
        if HEADERS[name] and value not in HEADERS[name]:
            reason = "is not a valid value of this header"
            raise where[name].error(reason, allowed=HEADERS[name])
        if not _FIELD_VALUE.fullmatch(value):
            raise where[name].error("has a character that a header cannot have")
    return {name: value for name, value in headers.items() if value}


def _rate_limit(entry: RateLimitEntry, where: Location) -> RateLimit | None:
    given, here = entry.interval, where["interval"]
    if isinstance(given, int):
        if given:
            raise here.error(f"a duration needs its unit, like {given}s", found=given)
        return None
    try:
        interval = duration.seconds(given)
    except ValueError as error:
        raise here.error(str(error), found=given) from None
    if interval < 0:
        raise here.error("must not be negative", found=given)
    if interval == 0:
        return None
    if entry.burst < 1:
        reason = "must be at least 1: with less, every request is refused"
        raise where["burst"].error(reason, found=entry.burst)
    return RateLimit(interval, entry.burst)


def _users(given: Any, where: Location) -> dict[bytes, bytes]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise where.error("must be a mapping of users to bcrypt hashes")
    users: dict[bytes, bytes] = {}
    for user, hashed in given.items():
        found = _BCRYPT.fullmatch(hashed) if isinstance(hashed, str) else None
        if found is None:
            reason = "must be a bcrypt hash, as `htpasswd -nBC 10` prints (not shown)"
            raise where[user].error(reason)
        if not 4 <= int(found[1]) <= MAX_COST:
            reason = "the cost of the hash must be from 4 to 15: a check would take too long"
            raise where[user].error(reason, found=f"cost {int(found[1])}")
        users[user.encode()] = hashed.encode()
    return users
