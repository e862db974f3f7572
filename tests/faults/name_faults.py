"""Faults of a target's name: unknown, without an answer, slow, or with another address."""

from collections.abc import Callable
from typing import Final

from tests.faults.fault import Parameters, TargetFault
from tests.faults.truth import HEALTHY, Truth, truth
from tests.faults.world import LIMITS, Site, World, host_of


def _named(
    name: str, right: Truth, record: Callable[[World, Site], str], delay: float = 0.0
) -> TargetFault:
    def strike(world: World, site: Site, _parameters: Parameters) -> None:
        assert world.names is not None
        world.names.set(host_of(world, site), record(world, site), delay)

    def heal(world: World, site: Site, _parameters: Parameters) -> None:
        assert world.names is not None
        world.names.set(host_of(world, site), world.addresses[site.name])

    return TargetFault(
        name=name,
        truth=lambda _site, _parameters: right,
        strike=strike,
        heal=heal,
        fits=lambda site: site.named,
        on_the_way=frozenset(),
    )


def _own(world: World, site: Site) -> str:
    return world.addresses[site.name]


NAME_FAULTS: Final = (
    _named(
        "name_unknown",
        truth("its name is unknown", "dns_failure"),
        lambda _world, _site: "nxdomain",
    ),
    _named(
        "name_server_fails",
        truth("the name server fails", "dns_failure"),
        lambda _world, _site: "servfail",
    ),
    _named(
        "name_unanswered",
        truth("the name server is silent", "dns_failure"),
        lambda _world, _site: "silent",
    ),
    _named("name_slow", HEALTHY, _own, delay=0.3 * LIMITS.timeout),
    _named(
        "name_nowhere",
        truth("its name leads where nothing listens", "tcp_refused"),
        lambda world, _site: world.nowhere,
    ),
    _named(
        "name_of_a_stranger",
        truth("its name leads to another's server", "server_ca_untrusted", "server_name_mismatch"),
        lambda world, _site: world.stranger.address,
    ),
)
