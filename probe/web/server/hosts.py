"""Which host names the web side answers to, so that no page of another site can read it.

A browser sends the name that it was given. The owner of that name can make it resolve to this host
(DNS rebinding), and the browser then treats our pages as the site's own. Names that nobody outside
can own, or that are configured here, pass; any other name is refused.
"""

import platform
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from probe.text.host_port import split_host_port
from probe.x509.names import is_ip_address

ALWAYS: Final = ("localhost", "svc", "cluster.local")
"""Domains that no public registry assigns: RFC 6761 (§6.3), and a cluster's own."""
_IN_HOST: Final = re.compile(r"[^\s/?#@\\,;:\[\]%]*")
"""What a name is made of, RFC 3986's delimiters left out: `other.example/.svc` is not in `svc`."""
RESOLVER_FILE: Final = Path("/etc/resolv.conf")


class HostCheck:
    """Judges the name under which a request was made."""

    def __init__(
        self, configured: Iterable[str] = (), own: Callable[[], Iterable[str]] = tuple
    ) -> None:
        """Take the names.

        Args:
            configured: names, or `*.` and a domain, as the user wrote them.
            own: this host's own names, and those of the certificate that is served, as of now.
        """
        self._configured = frozenset(map(normalize_name, configured))
        self._own = own

    def allows(self, authority: str) -> bool:
        """Return whether `authority`, a host with or without its port, is one of ours."""
        host = parse_host(authority)
        if host is None:
            return False
        if is_ip_address(host) or "." not in host:
            # An address cannot resolve elsewhere, and a single label has no owner.
            return True
        if any(host.endswith(f".{domain}") for domain in ALWAYS):
            return True
        names = self._configured.union(map(normalize_name, self._own()))
        return host in names or f"*.{host.partition('.')[2]}" in names

    def install(self, application: web.Application) -> None:
        """Check every request to `application`, which is not running yet."""

        @web.middleware
        async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
            refusal = self.refusal(request)
            return await handler(request) if refusal is None else refusal

        application.middlewares.insert(0, check_host)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request under a name that is not ours; None to let it pass."""
        named = request.headers.getall("Host", [])
        # RFC 9112 (§3.2): exactly one, which only HTTP/1.0 may leave out.
        if len(named) > 1 or (not named and request.version >= (1, 1)):
            return web.Response(status=400, text="a request names its host once\n")
        # RFC 9112 (§3.2.2): an absolute target replaces the header; both have to be ours.
        if all(map(self.allows, (*named, request.host))):
            return None
        return web.Response(
            status=421,
            text="this probe is not known under the name that the request was made to. If the name "
            "is right, add it in the probe's configuration, web: {hosts: [NAME]}, and restart it\n",
        )


def parse_host(authority: str) -> str | None:
    """Return the host of `host`, `host:port`, `[address]:port`; None for anything else."""
    text = authority.strip()
    if is_ip_address(text):
        return text
    host, port = split_host_port(text)
    if port and not (port.isascii() and port.isdecimal()):
        return None
    if text.startswith("["):
        return host if is_ip_address(host) else None
    return (normalize_name(host) or None) if _IN_HOST.fullmatch(host) else None


def normalize_name(name: str) -> str:
    """Return `name` as names are compared: in lower case, without the dot of the root."""
    return name.strip().lower().removesuffix(".")


def list_own_names(host: str | None = None, resolver_file: Path = RESOLVER_FILE) -> set[str]:
    """Return this host's name, also within each domain in which its resolver searches.

    In a pod the search list names the cluster's own domain, whatever it is called.
    """
    name = normalize_name(platform.node() if host is None else host)
    try:
        lines = resolver_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    # The last line counts (resolv.conf(5)).
    search = next(
        (line[1:] for line in reversed(words) if line[:1] in (["search"], ["domain"])), []
    )
    domains = {normalize_name(domain) for domain in search}
    names = {name, *(f"{name}.{domain}" for domain in domains)}
    clusters = {domain for domain in domains if domain.split(".")[0] == "svc"}
    for domain in domains:
        if any(domain.endswith(f".{cluster}") for cluster in clusters):
            names.add(f"*.{domain}")
    return names
