"""What a resolver reads before it asks: /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf.

Pure. The rules are those of glibc (resolv.conf(5), nsswitch.conf(5), res_search in
resolv/res_query.c), of Go without cgo (net: dnsconfig_unix.go, conf.go), which knows no actions in
nsswitch.conf, and of musl (src/network/lookup_name.c), which has no nsswitch.conf, never appends a
domain to a name with enough dots, minds the case of names in hosts, and ends at the first failure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

RESOLV_CONF: Final = "/etc/resolv.conf"
HOSTS: Final = "/etc/hosts"
NSSWITCH: Final = "/etc/nsswitch.conf"

MOST_SERVERS: Final = 3
"""MAXNS; Go has the same limit."""
MOST_DOMAINS: Final = 32
"""Kubernetes allows as many; glibc has no limit of its own by now."""
MOST_TIMEOUT: Final = 30
MOST_ATTEMPTS: Final = 5
MOST_NDOTS: Final = 15
"""RES_MAXRETRANS, RES_MAXRETRY and RES_MAXNDOTS."""
MOST_ADDRESSES: Final = 64
Library = Literal["glibc", "go", "musl"]
"""Whose resolver is imitated."""
_USUAL: Final = ("files", "dns")
_MODELLED: Final = frozenset({"files", "dns"})


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """What resolv.conf says."""

    servers: tuple[str, ...] = ("127.0.0.1",)
    domains: tuple[str, ...] = ()
    ndots: int = 1
    timeout: float = 5.0
    attempts: int = 2
    over_tcp: bool = False
    edns: bool = False
    ipv4_only: bool = False
    """Option no-aaaa."""


def parse_resolv_conf(text: str) -> ResolverSettings:
    """Return the settings; what cannot be understood is passed over, as resolvers do."""
    servers: list[str] = []
    domains: tuple[str, ...] = ()
    numbers = {"ndots": 1, "timeout": 5, "attempts": 2}
    most = {"ndots": MOST_NDOTS, "timeout": MOST_TIMEOUT, "attempts": MOST_ATTEMPTS}
    flags: set[str] = set()
    for line in text.splitlines():
        if line[:1] in {"#", ";"}:
            continue
        key, *values = line.split()[:64] or [""]
        if key == "nameserver" and values:
            if len(servers) < MOST_SERVERS and _is_address(values[0]):
                servers.append(values[0])
        elif key == "domain" and values:
            domains = (values[0],)
        elif key == "search":
            domains = tuple(values[:MOST_DOMAINS])
        elif key == "options":
            for option in values:
                name, _, number = option.partition(":")
                if name in numbers and number.isascii() and number.isdigit():
                    numbers[name] = min(int(number[:4]), most[name])
                flags.add(name)
    return ResolverSettings(
        servers=tuple(servers) or ("127.0.0.1",),
        domains=tuple(domain for one in domains if (domain := one.rstrip("."))),
        ndots=numbers["ndots"],
        timeout=float(max(numbers["timeout"], 1)),
        attempts=max(numbers["attempts"], 1),
        over_tcp="use-vc" in flags or "usevc" in flags or "tcp" in flags,
        edns="edns0" in flags,
        ipv4_only="no-aaaa" in flags,
    )


def list_candidates(host: str, settings: ResolverSettings, library: Library) -> tuple[str, ...]:
    """Return the names to ask for, in their order, each without its last dot."""
    if host.endswith("."):
        return (host[:-1],)
    dots = host.count(".")
    searched = tuple(f"{host}.{domain}" for domain in settings.domains)
    if dots >= settings.ndots:
        return (host,) if library == "musl" else (host, *searched)
    return (*searched, host)


def find_in_hosts(text: str, host: str, library: Library) -> tuple[str, ...]:
    """Return the addresses of every line that has `host` as a name (hosts(5))."""
    fold = str if library == "musl" else str.lower
    wanted = fold(host.rstrip("."))
    found: dict[str, None] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in map(fold, names) and _is_address(address):
            found[address] = None
        if len(found) >= MOST_ADDRESSES:
            break
    return tuple(found)


def parse_nsswitch(text: str, library: Library) -> tuple[str, ...]:
    """Return in which order `files` and `dns` are asked for hosts.

    Other services (resolve, myhostname, mdns) are taken to be unavailable: they talk to programs of
    the machine, or to the local link.
    """
    if library == "musl":
        return _USUAL
    for line in text.splitlines():
        database, colon, rest = line.partition("#")[0].partition(":")
        if colon and database.strip() == "hosts":
            words = _split_services(rest)
            services = _list_go_services(words) if library == "go" else _list_services(words)
            return tuple(dict.fromkeys(services)) or _USUAL
    return _USUAL


def _list_services(words: Iterable[str]) -> Iterator[str]:
    """Yield the services that are modelled, up to one whose action ends the search for a name."""
    last = ""
    for word in words:
        if word.startswith("["):
            action = "".join(word.lower().split())
            if last in _MODELLED and ("notfound=return" in action or "!unavail=return" in action):
                return
        else:
            last = word
            if word in _MODELLED:
                yield word


def _list_go_services(words: Iterable[str]) -> Iterator[str]:
    """Yield the services in Go's order: a strange one stands for dns where dns is not named."""
    names = [word for word in words if not word.startswith("[")]
    for name in names:
        if name in _MODELLED:
            yield name
        elif "dns" not in names:
            yield "dns"


def _split_services(text: str) -> Iterable[str]:
    """Return service names and bracketed actions, each as one word."""
    words: list[str] = []
    for piece in text.replace("[", " [").replace("]", "] ").split():
        if words and words[-1].startswith("[") and not words[-1].endswith("]"):
            words[-1] += f" {piece}"
        else:
            words.append(piece)
    return words


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
