"""One walk of the straight line: target, attempt, evidence, diagnosis, ledger.

Law 6: an exception of ours is `probe_fault`, never blamed on the target, and never stops another
target's attempts.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import structlog

from probe import __version__
from probe.attempt.loop_delays import LoopDelays
from probe.attempt.prober import Prober
from probe.attempt.resolver import Resolver
from probe.attempt.target_facts import target_facts
from probe.clock.sources import ClockSources
from probe.credentials.store import CredentialStore
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger, as_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence
from probe.model.target import ClockSource, Target
from probe.model.trace_context import HeadSampler, TraceContext, log_fields
from probe.service.experiment_schedule import Settling
from probe.system.token_bucket import TokenBucket
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister
from probe.x509.parse import CertificateReader

USER_AGENT: Final = f"mtls-probe/{__version__}"

NO_RESOURCE: Final[Mapping[str, str]] = MappingProxyType({})

FAULTS_AT_ONCE: Final = 3
FAULTS_EVERY: Final = 600.0
"""Tracebacks that a target gets at once, and the seconds until one more."""

CLOCK_LOOK_UPS: Final = 8
"""Look-ups at a time of the names of clock sources."""

PAUSE: Final = 1.0
"""Seconds between two rounds."""

log = structlog.get_logger("mtls_probe")

Observation = tuple[Target, Evidence, Diagnosis]


class Line:
    """The straight line for one attempt: target, attempt, evidence, diagnosis, ledger."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        clock_tolerance: float,
        clock_sources: Sequence[ClockSource] = (),
        experiments: bool = True,
        experiments_at_once: int = 4,
        resource: Mapping[str, str] = NO_RESOURCE,
        sampler: HeadSampler | None = None,
        propagate: bool = False,
        patient: bool = False,
        register: SecretRegister | None = None,
    ) -> None:
        """Wire the rooms together.

        Args:
            ledger: where each attempt is entered.
            clock_tolerance: seconds by which two clocks may differ.
            clock_sources: the clocks to compare ours with, asked while `clocks.running()` lasts.
            experiments: whether further handshakes may settle what an attempt left open.
            experiments_at_once: how many targets may have theirs at a time.
            resource: attributes of the probe's own resource, for canaries.
            sampler: gives each attempt its trace, where there is telemetry.
            propagate: whether requests carry it.
            patient: whether an attempt waits for its turn to experiment, and the first ones for
                the other clocks.
            register: masks secrets in evidence and faults; None: one of its own.
        """
        self._register = SecretRegister() if register is None else register
        self.ledger = ledger
        self.credentials = CredentialStore(time.time)
        self._clock_tolerance = clock_tolerance
        self._patient = patient
        self.delays = LoopDelays()
        # Its own look-ups: those of the targets may all be hanging, and the reverse.
        self.clock_resolver = Resolver(places=CLOCK_LOOK_UPS)
        self.resolver = Resolver()
        self.clocks = ClockSources(
            clock_sources,
            self.clock_resolver,
            wall_clock=time.time,
            user_agent=USER_AGENT,
        )
        self._prober = Prober(
            self.credentials,
            CertificateReader(),
            self.resolver,
            wall_clock=time.time,
            user_agent=USER_AGENT,
            clock_tolerance=clock_tolerance,
            resource=resource,
            propagate=propagate and sampler is not None,
            delays=self.delays,
            register=self._register,
        )
        self._sampler = sampler
        self._faults: dict[str, TokenBucket] = {}
        self._settling = Settling(
            self._prober.experiment,
            enabled=experiments,
            concurrency=experiments_at_once,
            patient=patient,
        )

    def replace_targets(self, targets: Sequence[Target]) -> None:
        """Follow a reload: what is kept of targets that are gone or changed is dropped."""
        wanted = {target.name: target for target in targets}
        gone = {
            state.target.name
            for state in self.ledger
            if wanted.get(state.target.name) != state.target
        }
        self._prober.forget(gone)
        self._settling.forget(gone)
        for name in gone:
            self._faults.pop(name, None)
        self.ledger.replace_targets(targets)
        self.credentials.retain(state.target for state in self.ledger)

    async def walk(self, target: Target) -> Observation:
        """Make one attempt and enter what it means."""
        ledger = self.ledger
        ledger.attempt_started()
        try:
            evidence, diagnosis = await self._observe(target)
            ledger.record(target, evidence, diagnosis)
        finally:
            ledger.attempt_finished()
        return target, evidence, diagnosis

    async def _observe(self, target: Target) -> tuple[Evidence, Diagnosis]:
        state = self.ledger.state(target.name)
        before = state.evidence if state is not None else None
        trace: TraceContext | None = None
        if self._sampler is not None:
            known_well = state is not None and before is not None and state.expected
            trace = self._sampler.begin(wanted=not known_well)
        try:
            evidence = await self._prober.attempt(target, trace)
            if self._patient:
                await self.clocks.measured()
            evidence = self.clocks.beside(evidence)
            evidence = await self._settling.settle(target, evidence, before)
            return evidence, diagnose(evidence)
        except Exception as error:
            # Otherwise at each attempt, for ever; the metrics count them all.
            if self._is_told(target):
                log.exception("probe_fault", target=safe_text(target.name), **log_fields(trace))
            evidence = fault_evidence(
                target, self._clock_tolerance, error, trace, self._register.mask
            )
            return evidence, diagnose(evidence)

    def _is_told(self, fault_of: Target) -> bool:
        bucket = self._faults.setdefault(
            fault_of.name, TokenBucket(burst=FAULTS_AT_ONCE, every=FAULTS_EVERY)
        )
        return bucket.take(time.monotonic())


def fault_evidence(
    target: Target,
    clock_tolerance: float,
    error: Exception,
    trace: TraceContext | None,
    mask: Callable[[str], str],
) -> Evidence:
    """Return the evidence of an attempt that an exception of ours has ended; `mask` hides secrets."""
    fault = safe_text(mask(f"{type(error).__name__}: {error}"))
    return Evidence(
        target=target_facts(target, clock_tolerance),
        at=time.time(),
        ending=Ending(stage="load", kind="probe_fault", detail=fault),
        trace=trace,
    )


async def one_round(
    targets: Sequence[Target],
    *,
    concurrency: int,
    clock_tolerance: float,
    clock_sources: Sequence[ClockSource] = (),
    experiments: bool = True,
    resource: Mapping[str, str] = NO_RESOURCE,
    register: SecretRegister | None = None,
    done: Callable[[Observation], None] = lambda _observation: None,
) -> list[Observation]:
    """Try each target once, at most `concurrency` at a time; results in the targets' order."""
    line = Line(
        Ledger(targets),
        clock_tolerance=clock_tolerance,
        clock_sources=clock_sources,
        experiments=experiments,
        resource=resource,
        patient=True,
        register=register,
    )
    async with line.clocks.running():
        return await _round(line, targets, concurrency, done)


async def rounds(
    targets: Sequence[Target],
    *,
    concurrency: int,
    clock_tolerance: float,
    limit: float,
    done: Callable[[Observation], None],
    clock_sources: Sequence[ClockSource] = (),
    experiments: bool = True,
    resource: Mapping[str, str] = NO_RESOURCE,
    register: SecretRegister | None = None,
) -> list[Observation]:
    """Repeat rounds, a second apart, until all are as expected or `limit` seconds have passed."""
    line = Line(
        Ledger(targets),
        clock_tolerance=clock_tolerance,
        clock_sources=clock_sources,
        experiments=experiments,
        resource=resource,
        patient=True,
        register=register,
    )
    end = time.monotonic() + limit
    async with line.clocks.running():
        while True:
            observations = await _round(line, targets, concurrency, done)
            wanted = (
                as_expected(diagnosis, target.expect_cause) for target, _, diagnosis in observations
            )
            if all(wanted) or time.monotonic() + PAUSE > end:
                return observations
            await asyncio.sleep(PAUSE)


async def _round(
    line: Line,
    targets: Sequence[Target],
    concurrency: int,
    done: Callable[[Observation], None],
) -> list[Observation]:
    places = asyncio.Semaphore(concurrency)

    async def attempt(target: Target) -> Observation:
        async with places:
            observation = await line.walk(target)
        done(observation)
        return observation

    return list(await asyncio.gather(*map(attempt, targets)))
