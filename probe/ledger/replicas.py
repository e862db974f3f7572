"""What is known of each address of one name: a part of the runtime of its target.

Addresses come and go with look-ups. One that a look-up leaves out keeps its result for a while, and
is not attempted meanwhile: resolvers that give a part of the addresses each time would otherwise
make them flap. A failed look-up changes nothing, and is a result of its own until one succeeds.
No clock: moments are monotonic seconds that the caller gives.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, ip_address
from typing import Final

from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Target

MOST_ADDRESSES: Final = 64
"""Addresses of one name that are attempted; further ones are counted."""
HELD_INTERVALS: Final = 2.5
LEAST_HOLD: Final = 10.0
"""An address that no look-up gives any more is dropped after this many intervals of its target, and
after this many seconds at least."""


@dataclass(slots=True, eq=False)
class Replicas:
    """The runtimes of a name's addresses."""

    by_address: dict[str, TargetRuntime] = field(default_factory=dict)
    """In the order of the addresses, whatever a resolver's order is."""
    failed_lookup: TargetRuntime | None = None
    """While look-ups fail: what is known of that."""
    left_out: int = 0
    """How many addresses of the last look-up are too many."""
    _seen: dict[str, float] = field(default_factory=dict)
    """When a look-up last gave each address."""

    @property
    def results(self) -> tuple[TargetRuntime, ...]:
        """What has a result of its own: each address, after a look-up that failed."""
        lookup = () if self.failed_lookup is None else (self.failed_lookup,)
        return (*lookup, *self.by_address.values())

    def follow(self, target: Target, found: Iterable[str], now: float) -> list[TargetRuntime]:
        """Take what a look-up gave; return the runtimes of those addresses, in their order.

        Args:
            target: whose name was looked up.
            found: the addresses, in any order.
            now: monotonic seconds.
        """
        self.failed_lookup = None
        wanted = normalize_addresses(found)
        known = [address for address in wanted if address in self.by_address]
        # Those that are known stay: among too many, a resolver's order must not choose anew.
        others = [address for address in wanted if address not in self.by_address]
        chosen = {*(known + others)[:MOST_ADDRESSES]}
        self.left_out = len(wanted) - len(chosen)
        self._seen |= dict.fromkeys(chosen, now)
        hold = max(HELD_INTERVALS * target.interval, LEAST_HOLD)
        self._seen = {address: at for address, at in self._seen.items() if now - at < hold}
        before, room = self.by_address, MOST_ADDRESSES
        held = sorted(self._seen.keys() - chosen, key=lambda address: -self._seen[address])
        kept = chosen | {*held[: max(room - len(chosen), 0)]}
        self._seen = {address: self._seen[address] for address in kept}
        self.by_address = {
            address: before.get(address) or TargetRuntime(replace(target, address=address))
            for address in sorted(kept, key=_order)
        }
        return [runtime for address, runtime in self.by_address.items() if address in chosen]

    def fail_lookup(self, target: Target) -> TargetRuntime:
        """Return the runtime that a failed look-up of the name of `target` is entered in."""
        if self.failed_lookup is None:
            self.failed_lookup = TargetRuntime(replace(target, addresses="first"))
        return self.failed_lookup


def normalize_addresses(found: Iterable[str]) -> list[str]:
    """Return each address once, in order; an IPv4 address within an IPv6 one is the IPv4 address."""
    return sorted({_normalize(address) for address in found}, key=_order)


def _normalize(text: str) -> str:
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _order(text: str) -> tuple[int, int, str]:
    address = ip_address(text)
    return address.version, int(address), text


def list_results(runtime: TargetRuntime) -> tuple[TargetRuntime, ...]:
    """Return what of a target has a result of its own: its addresses, or the target itself."""
    return runtime.get_store(Replicas).results if runtime.target.has_replicas else (runtime,)


def record_round(runtime: TargetRuntime) -> None:
    """Enter in `runtime` how its addresses are, all of them: as the worst one is."""
    results = [each for each in list_results(runtime) if each.diagnosis is not None]
    if not results:
        return
    worst = choose_worst(results)
    assert worst.evidence is not None
    assert worst.diagnosis is not None
    runtime.record(worst.evidence, worst.diagnosis)
    runtime.last_attempt = max(each.last_attempt or 0.0 for each in results)


def choose_worst(results: Sequence[TargetRuntime]) -> TargetRuntime:
    """Return the result that stands for all: one not as expected, of the most frequent cause."""
    causes = Counter(_get_cause(each) for each in results)

    def urgency(each: TargetRuntime) -> tuple[bool, bool, int, str]:
        cause = _get_cause(each)
        unconfirmed = each.diagnosis is not None and each.diagnosis.outcome == "unconfirmed"
        return each.expected, unconfirmed, -causes[cause], cause

    return min(results, key=urgency)


def sort_by_worst(
    observed: Sequence[tuple[Target, Evidence, Diagnosis]],
) -> list[tuple[Target, Evidence, Diagnosis]]:
    """Return `observed`, of one target, with what stands for all first."""
    runtimes = []
    for target, evidence, diagnosis in observed:
        runtime = TargetRuntime(target)
        runtime.record(evidence, diagnosis)
        runtimes.append(runtime)
    first = runtimes.index(choose_worst(runtimes))
    return [observed[first], *observed[:first], *observed[first + 1 :]]


def _get_cause(runtime: TargetRuntime) -> str:
    return (runtime.diagnosis.cause or "") if runtime.diagnosis is not None else ""


def list_causes(runtime: TargetRuntime) -> frozenset[str]:
    """Return the causes that a target has now, at whichever address."""
    return frozenset(_get_cause(each) for each in list_results(runtime)) - {""}
