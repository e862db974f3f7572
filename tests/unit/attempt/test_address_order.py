"""Addresses are tried in the order of RFC 6724, as getaddrinfo has it on this machine."""

import socket

from probe.attempt import address_order
from probe.attempt.address_order import sort_addresses


def test_what_cannot_be_reached_comes_last() -> None:
    """An address without a source is tried when nothing else answers."""
    found = sort_addresses(["2001:db8::1", "127.0.0.1", "::1"])

    assert found[-1] == "2001:db8::1" or _has_route("2001:db8::1")
    assert set(found) == {"2001:db8::1", "127.0.0.1", "::1"}


def test_the_order_of_one_family_is_kept() -> None:
    """A name server rotates them on purpose."""
    assert sort_addresses(["127.0.0.3", "127.0.0.2", "127.0.0.3"]) == ("127.0.0.3", "127.0.0.2")


def test_ipv6_comes_before_ipv4_where_both_are_reached() -> None:
    """Precedence 50 for ::1, 35 for IPv4 (RFC 6724 §2.1)."""
    if _has_route("::1"):
        assert sort_addresses(["127.0.0.1", "::1"]) == ("::1", "127.0.0.1")


def test_each_prefix_has_its_policy() -> None:
    """The table of RFC 6724 §2.1."""
    assert address_order._find_policy(address_order.ip_address("fd00::1")) == (3, 13)
    assert address_order._find_policy(address_order.ip_address("2001:db8::1")) == (40, 1)
    assert address_order._find_policy(address_order.ip_address("192.0.2.1")) == (35, 4)
    assert address_order._find_policy(address_order.ip_address("2002::1")) == (30, 2)


def _has_route(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
    except OSError:
        return False
    return True
