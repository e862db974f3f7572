"""Module and AllowList: how `/probe` tries a destination, and which ones it may try at all.

Pure. An entry of an allow-list is a network (`10.0.0.0/8`, `[2001:db8::]/32`) or a pattern for
host names (`*.example.com`), each with a port or without one. What no entry fits is refused before
any lookup; what a name resolves to is judged again, before anything is sent there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from probe.model.target import Endpoint, Protocol, Secret, Target, default_protocol

_ENTRY: Final = re.compile(
    r"(?:\[(?P<bracketed>[^][]+)\](?P<prefix>/\d+)?|(?P<plain>[^][]+?))"
    r"(?::(?P<port>\d{1,5}|\*))?"
)
_HOST: Final = re.compile(r"[a-z0-9_.*?-]+")
_HOSTNAME: Final = re.compile(r"(?=.{1,253}\.?\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_GLOB: Final = re.compile(r"[*?]")

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One destination or many: exactly one of `network` and `pattern` is set."""

    network: _Network | None = None
    pattern: str = ""
    port: int | None = None
    """None: any."""

    @classmethod
    def parse(cls, text: str) -> "AllowEntry":
        """Read one entry.

        Raises:
            ValueError: with the reason, where it is neither.
        """
        written = text.strip().lower()
        if (bare := _parse_network(written)) is not None:
            return cls(network=bare)
        found = _ENTRY.fullmatch(written)
        if found is None:
            raise ValueError("is neither a network like 10.0.0.0/8 nor a name like *.example.com")
        port = None if found["port"] in {None, "*"} else int(found["port"])
        if port is not None and not 0 < port <= 65535:
            raise ValueError("has a port that is not from 1 to 65535")
        host = (found["bracketed"] or "") + (found["prefix"] or "") or found["plain"]
        if (network := _parse_network(host)) is not None:
            return cls(network=network, port=port)
        if found["bracketed"] or not _HOST.fullmatch(host):
            raise ValueError("is neither a network like 10.0.0.0/8 nor a name like *.example.com")
        return cls(pattern=host.rstrip("."), port=port)

    @property
    def is_exact(self) -> bool:
        """Whether it is one name or address, or plainly everything: meant as it is written."""
        return bool(self.pattern) and (self.pattern == "*" or not _GLOB.search(self.pattern))

    def fits(self, host: str, port: int) -> bool:
        """Return whether it fits a host as it is written, an address or a name."""
        if self.port is not None and self.port != port:
            return False
        address = _parse_address(host)
        if self.network is not None:
            return address is not None and address in self.network
        shown = host.lower().rstrip(".") if address is None else str(address)
        return fnmatchcase(shown, self.pattern)


@dataclass(frozen=True, slots=True)
class AllowList:
    """What a module may reach; an empty one allows nothing."""

    entries: tuple[AllowEntry, ...] = ()

    def allows(self, host: str, port: int) -> bool:
        """Return whether `host`, as somebody has written it, may be looked up at all."""
        return any(entry.fits(host, port) for entry in self.entries)

    def allows_address(
        self, host: str, port: int, address: str, *, is_own: Callable[[str], bool]
    ) -> bool:
        """Return whether `address`, which the name `host` resolves to, may be connected to.

        A name that is listed as such goes where its owner points it. One that only a pattern fits
        has to lead into a listed network; where none is listed, anywhere but to this machine's own
        addresses and to special ones: who may add a name under the pattern could otherwise reach
        those through the probe.

        Args:
            host: the name, as somebody has written it.
            port: of the endpoint.
            address: the one that will be connected to.
            is_own: whether an address is one of this machine's own.
        """
        found = _parse_address(address)
        if found is None:
            return False
        fitting = [entry for entry in self.entries if entry.fits(host, port)]
        if any(entry.is_exact for entry in fitting):
            return True
        networks = [entry for entry in self.entries if entry.network is not None]
        if networks:
            return any(entry.fits(address, port) for entry in networks)
        return bool(fitting) and find_special_kind(address) is None and not is_own(address)


@dataclass(frozen=True, slots=True)
class Module:
    """One of `modules`: a target without its endpoint, and where that may be."""

    name: str
    templates: Mapping[tuple[str, Protocol], Target]
    """Everything but the endpoint, by the endpoint's scheme (empty for host:port) and protocol.

    What a scheme means together with the TLS settings is decided where targets are read.
    """
    protocol: Protocol | None
    """None: by the port."""
    allow: AllowList

    @property
    def timeout(self) -> float:
        """Seconds that an attempt may take."""
        return next(iter(self.templates.values())).timeout

    def target(self, text: str, timeout: float) -> Target:
        """Return the target that `text`, `host:port` or a URL, is for this module.

        Args:
            text: the endpoint as somebody has written it.
            timeout: seconds.

        Raises:
            ValueError: where it is not an endpoint, or one without TLS that the module does not allow.
        """
        endpoint = Endpoint.parse(text)
        protocol = self.protocol or default_protocol(endpoint.port)
        template = self.templates.get((endpoint.scheme, protocol))
        if template is None:
            raise ValueError("http:// is plaintext, which this module does not ask for")
        return replace(template, name=str(endpoint), endpoint=endpoint, timeout=timeout)


def apply_hostname(target: Target, hostname: str) -> Target:
    """Return `target` called `hostname`, as blackbox_exporter calls one (prober/handler.go).

    It is the name in TLS, unless the module has one of its own, and the Host of an HTTP request;
    gRPC's authority follows the name in TLS. An empty one changes nothing.

    Raises:
        ValueError: where it is not a host's name, or the module's own Host is another one.
    """
    if not hostname:
        return target
    if not _HOSTNAME.fullmatch(hostname):
        raise ValueError(f"the parameter hostname is not a valid host name: {hostname[:100]!r}")
    headers = target.headers
    if target.protocol == "http/protobuf":
        own = next((value.reveal() for name, value in headers if name.lower() == "host"), "")
        if own and own != hostname:
            raise ValueError("the module has a Host header, which is not the parameter hostname")
        if not own:
            headers = (*headers, ("host", Secret(hostname)))
    tls = target.tls
    if not tls.server_name_override:
        tls = replace(tls, server_name_override=hostname)
    return replace(target, tls=tls, headers=headers)


def allows_hostname(hostname: str, target: Target, allow: AllowList) -> bool:
    """Return whether `target` may be called `hostname` by somebody who asks.

    Headers of a module may hold a token. They go to a server that proves the name; who could choose
    any name could have them sent to a server of his own at an allowed address.
    """
    endpoint = target.endpoint
    if not hostname or hostname.lower() == endpoint.host.lower():
        return True
    secret = any(name.lower() != "host" for name, _ in target.headers)
    return not secret or allow.allows(hostname, endpoint.port)


def _parse_network(text: str) -> _Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _parse_address(text: str) -> _Address | None:
    """Return `text` as an address; an IPv4 address within an IPv6 one is the IPv4 address."""
    try:
        found = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


SPECIAL: Final[dict[str, tuple[str, ...]]] = {
    # IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890).
    "this host, or unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "the link": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4", "192.0.0.0/24", "fec0::/10", "100::/64"),
    # RFC 6052 and 8215: NAT64; 4291 §2.5.5: IPv4-compatible and IPv4-mapped; 2765: translated; 3056:
    # 6to4; 4380: Teredo. Each leads to an IPv4 address that it holds.
    "an IPv4 address in an IPv6 one": (
        "64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "2002::/16",
        "2001::/32",
    ),
    # Those that are not on the link: AWS (and its pod identity, DNS and time), Alibaba, Azure,
    # Google, Oracle, Scaleway.
    "a cloud's metadata": (
        "fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32", "fd20:ce::/32",
        "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128",
    ),
}  # fmt: skip

_NETWORKS: Final = tuple(
    (kind, ip_network(network)) for kind, networks in SPECIAL.items() for network in networks
)


def find_special_kind(address: str) -> str | None:
    """Return what is special about `address`, None where nothing is; a zone is left aside.

    Raises:
        ValueError: where it is not an address.
    """
    found = ip_address(address.strip("[]").partition("%")[0])
    return next((kind for kind, network in _NETWORKS if found in network), None)
