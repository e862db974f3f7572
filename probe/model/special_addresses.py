"""Addresses that a name under somebody's pattern must not lead to: pure.

Who may add a name to a zone, or answers for it, could otherwise reach through the probe what only
this machine can: itself, its link, a cloud's metadata, or IPv4 addresses dressed as IPv6 ones.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

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

_NETWORKS: Final[tuple[tuple[str, IPv4Network | IPv6Network], ...]] = tuple(
    (kind, ip_network(network)) for kind, networks in SPECIAL.items() for network in networks
)


def special_kind(address: str) -> str | None:
    """Return what is special about `address`, None where nothing is; a zone is left aside.

    Raises:
        ValueError: where it is not an address.
    """
    found: IPv4Address | IPv6Address = ip_address(address.strip("[]").partition("%")[0])
    return next((kind for kind, network in _NETWORKS if found in network), None)
