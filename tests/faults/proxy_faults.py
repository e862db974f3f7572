"""Faults of the proxy before a target: stopped, refusing, or suspended."""

from typing import Any

from tests.faults.fault import Parameters, TargetFault
from tests.faults.truth import Truth, truth
from tests.faults.world import PROXY, Site, World


def _heal(world: World, _site: Site, _parameters: Parameters) -> None:
    world.proxy.serve(PROXY)


def _proxy_fault(name: str, right: Truth, wanted: dict[str, Any] | None) -> TargetFault:
    return TargetFault(
        name=name,
        truth=lambda _site, _parameters: right,
        strike=lambda world, _site, _parameters: world.proxy.serve(wanted),
        heal=_heal,
        fits=lambda site: site.proxied,
    )


def _suspend(world: World, _site: Site, _parameters: Parameters) -> None:
    world.proxy.suspend()


def _resume(world: World, _site: Site, _parameters: Parameters) -> None:
    world.proxy.resume()
    world.proxy.serve(PROXY)


PROXY_FAULTS = (
    _proxy_fault(
        "proxy_gone",
        truth("nothing listens on its proxy's port", "tcp_refused", "proxy_failure"),
        None,
    ),
    _proxy_fault(
        "proxy_denies",
        truth("its proxy denies the tunnel", "proxy_failure"),
        {**PROXY, "denies": True},
    ),
    TargetFault(
        name="proxy_suspended",
        truth=lambda _site, _parameters: truth("its proxy is suspended", "proxy_failure"),
        strike=_suspend,
        heal=_resume,
        fits=lambda site: site.proxied,
    ),
)
