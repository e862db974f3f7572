"""A ClientHello looks like the exporters that send it, and like none where it is another's."""

import pytest
from msgspec.structs import replace

from probe.exporters.lookalike import find_lookalikes
from probe.exporters.offers import choose_alpn, choose_offer
from probe.model.client_offer import ClientOffer
from probe.model.target import TlsSettings
from tests.lab.exporters.offers import read_measured

MEASURED = read_measured()
SAME = {"collector-http": "collector"}
NOT_KNOWN = {"java-grpc-shaded", "ruby"}
"""Programs of the lab that a configuration has no exporter for."""


def read_offer(program: str) -> tuple[ClientOffer, tuple[str, ...]]:
    """Return what a program was measured to send."""
    one = MEASURED[program]
    lists = {
        key: value if key.endswith("version") or isinstance(value, bool) else tuple(value.split())
        for key, value in one["offer"].items()
    }
    return ClientOffer(**lists), tuple(one["alpn"].split())


@pytest.mark.parametrize("program", sorted(set(MEASURED) - NOT_KNOWN))
def test_a_measured_hello_is_recognised(program: str) -> None:
    """Each of the lab's exporters looks like itself, most without any difference."""
    like = find_lookalikes(*read_offer(program))
    assert like.runtimes == (SAME.get(program, program),)
    assert like.differences <= 1
    assert like.is_near


def test_a_setting_is_a_difference_and_no_other_exporter() -> None:
    """A Collector with TLS 1.3 alone, or another ALPN, is still near, and what differs is counted."""
    offer = choose_offer("go-grpc", "grpc", TlsSettings())
    like = find_lookalikes(replace(offer, min_version="1.3"), choose_alpn("go-grpc", "grpc"))
    assert (like.runtimes, like.differences, like.is_near) == (("go-grpc",), 1, True)


def test_another_order_is_a_difference() -> None:
    """The order of preference belongs to the ClientHello."""
    offer = choose_offer("collector", "grpc", TlsSettings())
    turned = replace(offer, ciphers=offer.ciphers[::-1])
    assert find_lookalikes(turned, ("h2",)).differences == 1


def test_a_stranger_looks_like_none() -> None:
    """What shares little with any measured ClientHello is near to none."""
    stranger = ClientOffer(
        min_version="1.0", max_version="1.0", ciphers=("TLS_RSA_WITH_RC4_128_SHA",)
    )
    assert not find_lookalikes(stranger, ()).is_near
