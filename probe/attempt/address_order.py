"""In which order addresses are tried: the rules of RFC 6724 that need no table of the machine's.

getaddrinfo(3) and Go sort what DNS has answered by the source address that each would be reached
from. Asking for that sends nothing.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_POLICIES: Final = tuple(
    (IPv6Network(prefix), precedence, label)
    for prefix, precedence, label in (
        ("::1/128", 50, 0),
        ("::ffff:0:0/96", 35, 4),
        ("2002::/16", 30, 2),
        ("2001::/32", 5, 5),
        ("fc00::/7", 3, 13),
        ("::/96", 1, 3),
        ("fec0::/10", 1, 11),
        ("3ffe::/16", 1, 12),
        ("::/0", 40, 1),
    )
)
"""RFC 6724 §2.1, the longer prefixes first."""
_LINK_LOCAL, _SITE_LOCAL, _GLOBAL = 2, 5, 14


def sort_addresses(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return `addresses` as getaddrinfo orders them in the network of this thread."""
    found = list(dict.fromkeys(addresses))
    return tuple(sorted(found, key=_rank)) if len(found) > 1 else tuple(found)


def _rank(text: str) -> tuple[bool, bool, bool, int, int]:
    """Return the rules 1, 2, 5, 6 and 8 as a key: what is preferred is smaller."""
    destination = ip_address(text)
    source = _find_source(destination)
    precedence, label = _find_policy(destination)
    scope = _find_scope(destination)
    if source is None:
        return True, True, True, -precedence, scope
    same_scope = _find_scope(source) == scope
    same_label = _find_policy(source)[1] == label
    return False, not same_scope, not same_label, -precedence, scope


def _find_source(destination: Address) -> Address | None:
    family = socket.AF_INET6 if destination.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(destination), 9))  # of a datagram socket: sends nothing
            return ip_address(sock.getsockname()[0])
    except (OSError, ValueError):
        return None


def _find_policy(address: Address) -> tuple[int, int]:
    mapped = address if address.version == 6 else IPv6Address(f"::ffff:{address}")
    return next((rank, label) for prefix, rank, label in _POLICIES if mapped in prefix)


def _find_scope(address: Address) -> int:
    if address.is_link_local or address.is_loopback:
        return _LINK_LOCAL
    if address.version == 6 and address.is_site_local:
        return _SITE_LOCAL
    return _GLOBAL
