"""Which addresses are this machine's own, as the kernel knows it, on every interface."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.attempt.connect import is_own_address
from probe.model.module import SPECIAL, special_kind


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "0.0.0.0"])
def test_loopback_is_our_own(address: str) -> None:
    """Every address of its network, as Linux has it."""
    assert is_own_address(address)


def test_the_address_of_an_interface_is_our_own() -> None:
    """The one that this machine would send from, and not its neighbours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no interface but loopback")
        own = sock.getsockname()[0]
    assert is_own_address(own)


@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.200", "8.8.8.8", "2001:db8::1"])
def test_an_address_elsewhere_is_not(address: str) -> None:
    """Documentation's networks are nobody's."""
    assert not is_own_address(address)


@given(st.ip_addresses())
def test_each_address_is_special_or_not(address: object) -> None:
    """No address breaks the table; the kinds are those that it has."""
    assert special_kind(str(address)) in {None, *SPECIAL}
    assert isinstance(is_own_address(str(address)), bool)
