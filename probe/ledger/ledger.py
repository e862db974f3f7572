"""The ledger: what is known of each target, kept in memory and entered by `record`.

It has no I/O and no clock; every time in it is an `Evidence.at`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from probe.ledger.replicas import record_round
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Target

Listener = Callable[[TargetRuntime], None]


class Ledger:
    """The runtime of every target, and the counts over all of them."""

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        """Begin a runtime for each of `targets`.

        Raises:
            ValueError: where two targets share a name.
        """
        self._runtimes: dict[str, TargetRuntime] = {}
        self._listeners: list[Listener] = []
        self._round_listeners: list[Listener] = []
        self.failures_by_cause: Counter[str] = Counter()
        """Unexpected failures since the start, by cause."""
        self.in_flight = 0
        """Attempts under way."""
        self.missed = 0
        """Attempts that the schedule had to leave out."""
        self.replace_targets(targets)

    def __len__(self) -> int:
        """Count the targets."""
        return len(self._runtimes)

    def __iter__(self) -> Iterator[TargetRuntime]:
        """Iterate over the targets in the order of the configuration."""
        return iter(self._runtimes.values())

    def find(self, name: str) -> TargetRuntime | None:
        """Return what is known of the target called `name`, None where there is none."""
        return self._runtimes.get(name)

    def knows(self, target: Target) -> bool:
        """Return whether `target` has a runtime, as it is."""
        known = self._runtimes.get(target.name)
        return known is not None and (known.target is target or known.target == target)

    def runtime_of(self, target: Target) -> TargetRuntime:
        """Return the runtime of `target`.

        An attempt may outlive its target, which a reload removes or changes: it then has a
        runtime of its own, which nobody else sees.
        """
        return self._runtimes[target.name] if self.knows(target) else TargetRuntime(target)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with the runtime after each attempt, an address's included."""
        self._listeners.append(listener)

    def subscribe_rounds(self, listener: Listener) -> None:
        """Call `listener` with a target's runtime after each attempt, or of all its addresses."""
        self._round_listeners.append(listener)

    def add_targets(self, targets: Iterable[Target]) -> None:
        """Know `targets` too, a changed one in place of the one of its name."""
        added = {target.name: self.runtime_of(target) for target in targets}
        # Who is going through those of before in steps, goes on with those.
        self._runtimes = self._runtimes | added

    def replace_targets(self, targets: Iterable[Target]) -> None:
        """Follow a reload: keep the runtimes of unchanged targets, drop the others.

        Raises:
            ValueError: where two targets share a name; nothing is replaced then.
        """
        runtimes: dict[str, TargetRuntime] = {}
        for target in targets:
            if target.name in runtimes:
                raise ValueError(f"two targets are called {target.name!r}")
            runtimes[target.name] = self.runtime_of(target)
        self._runtimes = runtimes

    def record(self, target: Target, evidence: Evidence, diagnosis: Diagnosis) -> TargetRuntime:
        """Enter one attempt and call the listeners, unless it outlived its target."""
        runtime = self.runtime_of(target)
        runtime.record(evidence, diagnosis)
        if runtime is self._runtimes.get(target.name):
            self._announce(runtime, diagnosis)
            for listener in self._round_listeners:
                listener(runtime)
        return runtime

    def record_address(
        self,
        parent: TargetRuntime,
        runtime: TargetRuntime,
        evidence: Evidence,
        diagnosis: Diagnosis,
    ) -> None:
        """Enter an attempt of one address of the target of `parent`, or a failed look-up."""
        runtime.record(evidence, diagnosis)
        if parent is self._runtimes.get(parent.target.name):
            self._announce(runtime, diagnosis)

    def record_round(self, parent: TargetRuntime) -> None:
        """Enter how the addresses of a target are, once each of them has been attempted."""
        record_round(parent)
        if parent is self._runtimes.get(parent.target.name):
            for listener in self._round_listeners:
                listener(parent)

    def _announce(self, runtime: TargetRuntime, diagnosis: Diagnosis) -> None:
        if diagnosis.cause is not None and not runtime.expected:
            self.failures_by_cause[diagnosis.cause] += 1
        for listener in self._listeners:
            listener(runtime)
