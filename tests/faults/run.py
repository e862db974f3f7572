"""Injects faults into a world, step by step, and judges what the probe reported.

Usage: python -m tests.faults.run [--seed N] [--count FAULTS] [--only STEP,…] [--kinds NAME,…]
                                  [--keep FOLDER]
It exits with 1 where anything was wrong. The seed and a step's number reproduce a failure.
"""

import argparse
import resource
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.fault import ProbeTrouble, TargetFault, through_proxy
from tests.faults.judging import Judgement, judge
from tests.faults.plan import Step, Strike, steps, take
from tests.faults.report import Happening, report
from tests.faults.truth import HEALTHY, Trouble
from tests.faults.world import LIMITS, Site, World, world

QUIET: Final = 2.5 * LIMITS.interval
"""Seconds after a step, in which every target must be confirmed again."""
EPOCH: Final = 6
"""Steps before a new probe is started: one that has run for long makes fewer experiments."""
_RECOVERS_WITHIN: Final = 0.2
"""Seconds after the end of a problem that still count as part of it."""

Said = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """One run: its options, and what happened."""

    seed: int
    happened: list[Happening] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many were injected."""
        return len(self.happened)


def run_steps(
    made: World, run: Run, planned: Iterable[Step], enough: Callable[[Run], bool], said: Said
) -> Judgement:
    """Inject `planned` faults until `enough` returns true, and judge."""
    steps = iter(planned)
    while not enough(run) and (epoch := take(steps, EPOCH)):
        # libfaketime changes much of a program: it is used only where a step moves the clock.
        moves = any(one.fault.name == "probe_clock_stepped" for s in epoch for one in s.strikes)
        made.start_probe(movable_clock=moves)
        for step in epoch:
            strike_all(made, run, step, said)
        made.stop_probe()
    judgement = judge(made.history(), LIMITS)
    judgement.complaints += made.ends
    return judgement


def strike_all(made: World, run: Run, step: Step, said: Said) -> None:
    """Inject all faults of a step in parallel, and wait until all are healed."""
    begin = time.monotonic()
    said(f"step {step.number}: " + "; ".join(strike.said for strike in step.strikes))
    lock = threading.Lock()

    def one(strike: Strike) -> None:
        time.sleep(max(0.0, begin + strike.delay - time.monotonic()))
        fault = strike.fault
        if isinstance(fault, TargetFault):
            strike_target(made, strike)
        else:
            strike_probe(made, strike, fault)
        with lock:
            happening = Happening(step.number, strike.said, begin, time.monotonic())
            run.happened.append(happening)

    with ThreadPoolExecutor(len(step.strikes) or 1) as pool:
        for future in [pool.submit(one, strike) for strike in step.strikes]:
            future.result()
    time.sleep(QUIET)


def strike_target(made: World, strike: Strike) -> None:
    """Inject one fault, hold, and heal it; record what is true at each moment."""
    site, parameters = strike.site, strike.parameters
    assert site is not None
    timeline = made.timelines[site.name]
    last = None
    for fault in filter(None, (strike.fault, strike.then)):
        assert isinstance(fault, TargetFault)
        meant = through_proxy(site, fault.truth(site, parameters))
        timeline.change(time.monotonic(), meant, on_the_way(site, fault))
        fault.strike(made, site, parameters)
        timeline.enter(time.monotonic(), meant)
        time.sleep(fault.hold(parameters))
        last = fault
    assert last is not None
    timeline.change(time.monotonic(), HEALTHY, on_the_way(site, last))
    last.heal(made, site, parameters)
    timeline.enter(time.monotonic(), HEALTHY)


def on_the_way(site: Site, fault: TargetFault) -> frozenset[str]:
    """Return what an attempt on `site` may rightly see while `fault` begins or ends."""
    return fault.on_the_way | ({"proxy_failure"} if site.proxied else set())


def strike_probe(made: World, strike: Strike, trouble: ProbeTrouble) -> None:
    """Inject a problem into the probe, hold, and undo it."""
    begin = time.monotonic()
    undo = trouble.strike(made, strike.parameters)
    try:
        time.sleep(trouble.hold(strike.parameters))
    finally:
        undo()
    end = time.monotonic() + _RECOVERS_WITHIN
    made.troubles.append(
        Trouble(begin, end, strike.said, halts=trouble.halts, deafens=trouble.deafens)
    )


@contextmanager
def raised_descriptors() -> Iterator[None]:
    """Let this process open more than the probe may, for the flood of its pages."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def main() -> int:
    """Run as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    if wanted.keep is not None and wanted.keep.exists():
        parser.error(f"--keep {wanted.keep}: it exists already")
    only = [int(number) for number in wanted.only.split(",") if number]
    kinds = [name for name in wanted.kinds.split(",") if name]

    def said(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    said(f"seed {wanted.seed}")
    with ExitStack() as stack:
        stack.enter_context(raised_descriptors())
        folder = wanted.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=wanted.keep is None)
        made = stack.enter_context(world(folder))
        for reason in made.left_out:
            said(f"left out: {reason}")
        planned: Iterable[Step] = steps(wanted.seed, list(made.sites.values()), kinds)
        if only:
            numbered = {step.number: step for step in take(planned, max(only) + 1)}
            planned = [numbered[number] for number in only]
        run = Run(wanted.seed)
        judgement = run_steps(
            made, run, planned, lambda run: run.faults >= wanted.count and not only, said
        )
        said(report(judgement, run.happened, wanted.seed))
        return 1 if judgement.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
