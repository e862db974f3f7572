"""What a fault is: how it is injected, how it is healed, and what is true meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.faults.truth import CUT_OFF, HEALTHY, Truth
from tests.faults.world import LIMITS, Site, World

Parameters = Mapping[str, Any]
"""Parameters that the seed chose for one fault; plain values, so that a report can print them."""


def _no_parameters(_random: Random) -> Parameters:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFault:
    """A fault of one target: its server, its files or its name.

    Attributes:
        name: for reports, and for ONLY=.
        truth: what is right while it is in force.
        strike: injects it, and returns once it is in force.
        heal: undoes it, and returns once the target is healthy again.
        fits: whether it can be injected into a target at all.
        choose: takes its parameters from the seed.
        hold: seconds for which it stays in force, by its parameters.
        on_the_way: what an attempt may rightly see while the fault begins or is healed.
        replaces: whether it replaces the server as a whole, so that another such fault may follow
            it before anything is healed.
    """

    name: str
    truth: Callable[[Site, Parameters], Truth]
    strike: Callable[[World, Site, Parameters], None]
    heal: Callable[[World, Site, Parameters], None]
    fits: Callable[[Site], bool] = lambda _site: True
    choose: Callable[[Random], Parameters] = _no_parameters
    hold: Callable[[Parameters], float] = lambda _parameters: 2.4 * LIMITS.timeout
    on_the_way: frozenset[str] = CUT_OFF
    replaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTrouble:
    """A problem of the probe itself, or of its machine; the truth about targets does not change.

    Attributes:
        name: for reports, and for ONLY=.
        strike: injects it; the returned value undoes it.
        choose: takes its parameters from the seed.
        hold: seconds for which it lasts, by its parameters.
        halts: whether attempts may fail to be made meanwhile.
        deafens: whether its pages may fail to answer meanwhile.
        needs_a_fault: whether it shows only where the probe has something to report.
    """

    name: str
    strike: Callable[[World, Parameters], Callable[[], None]]
    choose: Callable[[Random], Parameters] = _no_parameters
    hold: Callable[[Parameters], float] = lambda _parameters: 2.7 * LIMITS.timeout
    halts: bool = False
    deafens: bool = False
    needs_a_fault: bool = False


def through_proxy(site: Site, meant: Truth) -> Truth:
    """Return `meant` as it is seen through a proxy before `site`: the proxy refuses instead."""
    if not site.proxied or meant.right.isdisjoint({"tcp_refused", "connection_reset"}):
        return meant
    return replace(meant, right=meant.right | {"proxy_failure"})


def stays_well(_site: Site, _parameters: Parameters) -> Truth:
    """Return the truth that nothing is wrong."""
    return HEALTHY
