"""Stories of names with several addresses, of which one does what the others do not."""

from typing import Any

import msgspec.structs

from probe.model.evidence import ConnectTry, Ending, Evidence, Experiment, Handshake, OtherAddress
from tests.stories.story import story
from tests.support.certificate_facts import AT, BACKEND
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    target,
)

TWO = ("192.0.2.10", "192.0.2.11")


def with_other(
    seen: Evidence,
    ending: Ending,
    handshake: Handshake | None = None,
    address: str = "192.0.2.11",
    **fields: Any,
) -> Evidence:
    """Return `seen` with how another address of the name ended."""
    other = OtherAddress(
        address=address,
        seen=Experiment(varied="unvaried", at=AT, ending=ending, handshake=handshake),
    )
    return msgspec.structs.replace(seen, addresses=TWO, other_addresses=(other,), **fields)


@story("export", outcome="confirmed", findings=("addresses_differ",))
def addresses_differ() -> Evidence:
    """The first address takes the exporter; nothing listens at the second."""
    refused = Ending(stage="connect", kind="refused", detail="ECONNREFUSED")
    return with_other(answered_attempt(), refused)


@story("export", outcome="confirmed", findings=("addresses_differ",))
def addresses_differ__another_certificate() -> Evidence:
    """A replica that was not restarted serves the certificate of before."""
    old = complete_handshake(server_chain=(msgspec.structs.replace(BACKEND, sha256="0ld" * 20),))
    return with_other(answered_attempt(), Ending(stage="accept", kind="application_data"), old)


@story("export", outcome="confirmed", findings=("addresses_differ",))
def addresses_differ__tried_in_vain() -> Evidence:
    """The attempt itself found that the first address refuses, and used the second."""
    return msgspec.structs.replace(
        answered_attempt(),
        addresses=("192.0.2.9", "192.0.2.10"),
        connects=(
            ConnectTry(address="192.0.2.9", error="ECONNREFUSED"),
            ConnectTry(address="192.0.2.10"),
        ),
    )


@story("export", outcome="confirmed")
def confirmed__alike() -> Evidence:
    """Both addresses accept the exporter with the same certificate: nothing is to be said."""
    ending = Ending(stage="accept", kind="application_data")
    return with_other(answered_attempt(), ending, answered_attempt().handshake)


@story("export", outcome="confirmed")
def confirmed__no_way_to_the_other_family() -> Evidence:
    """A host without IPv6 cannot reach one of the addresses, and exporters take the other one."""
    unreachable = Ending(stage="connect", kind="unreachable", detail="ENETUNREACH")
    return with_other(answered_attempt(), unreachable, address="2001:db8::1")


@story("export", outcome="confirmed")
def confirmed__through_a_proxy() -> Evidence:
    """The addresses are the proxy's; which backend it chooses is not known."""
    refused = Ending(stage="connect", kind="refused", detail="ECONNREFUSED")
    return with_other(answered_attempt(), refused, target=target(proxy="proxy.example:3128"))


@story("export", outcome="confirmed", findings=("addresses_left_out",))
def addresses_left_out() -> Evidence:
    """A name with a hundred addresses: nothing is known of 36 of them."""
    return answered_attempt(target=target(address="192.0.2.10"), addresses_left_out=36)
