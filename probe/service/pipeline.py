"""The pipeline: one attempt from target to ledger, the same for the schedule, `check` and `/probe`.

An exception of ours is `probe_fault`, never blamed on the target, and never stops the attempts of
another one.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from probe import __version__
from probe.attempt.loop_delays import LoopDelays
from probe.attempt.prepared_target import PreparedTarget, ProberSettings, TlsReaders
from probe.attempt.prober import Prober
from probe.attempt.resolver import Lookup, Resolver
from probe.attempt.target_facts import collect_target_facts
from probe.clock.sources import ClockSources
from probe.config.configuration import Configuration
from probe.credentials.store import CredentialFiles, CredentialStore
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.kept_reading import KeptDiagnosis
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import Replicas, record_round
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence
from probe.model.known_secrets import register_targets
from probe.model.target import ClockSource, Target
from probe.model.trace_context import HeadSampler, TraceContext, log_fields
from probe.service.address_rounds import run_side_by_side, spread_over_interval, spread_within
from probe.service.attempt_scope import AttemptScope, FaultThrottle, NotAttemptedError
from probe.service.experiment_schedule import ExperimentSchedule
from probe.service.follow_changes import add_changes, keep_changes
from probe.system.own_limits import OwnLimitError
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister

USER_AGENT: Final = f"mtls-probe/{__version__}"

REPLACED_AT_ONCE: Final = 200
"""Changed targets of a reload that are taken in one go: some milliseconds."""

CLOCK_LOOK_UPS: Final = 8
"""Look-ups at a time of the names of clock sources."""

LEAST_EXPERIMENT_TIME: Final = 0.1
"""Seconds that must be left of an attempt's timeout for its experiments; else none are made."""


log = structlog.get_logger("mtls_probe")

Observation = tuple[Target, Evidence, Diagnosis]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What all attempts of one pipeline have in common."""

    clock_tolerance: float = 60.0
    """Seconds by which two clocks may differ."""
    clock_sources: Sequence[ClockSource] = ()
    """The clocks to compare ours with, asked while `clocks.run_in_background()` lasts."""
    experiments: bool = True
    """Whether further handshakes may answer what an attempt left open."""
    experiments_at_once: int = 4
    """How many targets may have theirs at a time."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the probe's own resource, for canaries."""
    propagate: bool = False
    """Whether requests carry the trace of their attempt."""
    judge_at: float | None = None
    """Another moment (epoch seconds) as of which servers' certificates are judged as well."""
    wait_for_slot: bool = False
    """Whether an attempt waits for its turn to experiment, and the first ones for other clocks."""

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> "PipelineSettings":
        """Return the settings that a configuration asks for."""
        return cls(
            clock_tolerance=configuration.clock_tolerance,
            clock_sources=configuration.clock_sources,
            experiments=configuration.experiments_enabled,
            experiments_at_once=configuration.experiments_concurrency,
            resource=configuration.resource,
            propagate=configuration.propagate,
        )


@dataclass(slots=True)
class _AttemptSetup:
    """What the attempts of one target share: a part of its runtime."""

    prepared: PreparedTarget | None = None
    files: CredentialFiles | None = None
    """Kept from a reload to the first attempt, so that what is known about the files is not lost."""


class Pipeline:
    """Makes attempts: target, attempt, evidence, diagnosis, ledger."""

    def __init__(
        self,
        ledger: Ledger,
        settings: PipelineSettings | None = None,
        *,
        sampler: HeadSampler | None = None,
        register: SecretRegister | None = None,
    ) -> None:
        """Wire the rooms together.

        Args:
            ledger: where each attempt is entered.
            settings: what attempts have in common; None: the defaults.
            sampler: gives each attempt its trace, where there is telemetry.
            register: masks secrets in evidence and faults; None: the pipeline makes its own.
        """
        self.ledger = ledger
        self.settings = settings or PipelineSettings()
        self.register = SecretRegister() if register is None else register
        self.credentials = CredentialStore(time.time)
        self.delays = LoopDelays()
        # Its own look-ups: those of the targets may all be hanging, and the reverse.
        self.clock_resolver = Resolver(slots=CLOCK_LOOK_UPS)
        self.resolver = Resolver()
        self.clocks = ClockSources(
            self.settings.clock_sources,
            self.clock_resolver,
            wall_clock=time.time,
            user_agent=USER_AGENT,
        )
        self._sampler = sampler
        self._readers = TlsReaders()
        experiments = ExperimentSchedule(
            enabled=self.settings.experiments,
            concurrency=self.settings.experiments_at_once,
            wait_for_slot=self.settings.wait_for_slot,
        )
        prober = self.make_prober(self.resolver, self.register)
        self._scope = AttemptScope(prober, experiments, self.register)

    def make_prober(self, resolver: Resolver, register: SecretRegister) -> Prober:
        """Return what makes attempts with the pipeline's settings."""
        settings = ProberSettings(
            user_agent=USER_AGENT,
            wall_clock=time.time,
            clock_tolerance=self.settings.clock_tolerance,
            resource=self.settings.resource,
            propagate=self.settings.propagate and self._sampler is not None,
            judge_at=self.settings.judge_at,
        )
        readers, delays = self._readers, self.delays
        return Prober(
            self.credentials, resolver, settings, readers=readers, delays=delays, register=register
        )

    def replace_targets(self, targets: Sequence[Target]) -> None:
        """Take the targets of a reload; drop the runtimes of removed and changed targets."""
        for _ in self.replace_in_steps(targets):
            pass

    def replace_in_steps(self, targets: Sequence[Target]) -> Iterator[None]:
        """Do what `replace_targets` does, and yield where attempts may go on meanwhile."""
        changed = [target for target in targets if not self.ledger.knows(target)]
        for start in range(0, len(changed), REPLACED_AT_ONCE):
            # Before the old runtimes are dropped: what is known about files still in use must be kept.
            kept = [
                (target, self.credentials.open(target), self.ledger.find(target.name))
                for target in changed[start : start + REPLACED_AT_ONCE]
            ]
            self.ledger.add_targets(target for target, _, _ in kept)
            for target, opened, before in kept:
                runtime = self.ledger.runtime_of(target)
                runtime.get_store(_AttemptSetup).files = opened
                keep_changes(before, runtime, time.time())
            yield
        self.ledger.replace_targets(targets)

    async def probe_once(self, target: Target, scope: AttemptScope | None = None) -> Observation:
        """Make one attempt and enter what it means: into the ledger, or into a detached runtime.

        Raises:
            NotAttemptedError: where the resolver of `scope` does not allow the attempt.
        """
        scope = scope or self._scope
        runtime = scope.detached or self.ledger.runtime_of(target)
        return await self._probe(target, runtime, scope, partial(self.ledger.record, target))

    async def probe_addresses(
        self,
        target: Target,
        scope: AttemptScope | None = None,
        *,
        slots: asyncio.Semaphore | None = None,
    ) -> tuple[Observation, ...]:
        """Make one attempt, or one of each address where the target wants that, and enter them.

        Args:
            target: what to try.
            scope: what the attempts work with.
            slots: what attempts wait for that are made side by side; the caller has one.

        Returns:
            What each attempt of this round gave, after a look-up that failed.

        Raises:
            NotAttemptedError: where the resolver of `scope` does not allow the attempt.
        """
        if not target.has_replicas:
            return (await self.probe_once(target, scope),)
        scope = scope or self._scope
        parent = scope.detached or self.ledger.runtime_of(target)
        replicas = parent.get_store(Replicas)
        started = time.monotonic()
        lookup = await self._look_up(target, parent, scope)
        attempt = partial(self._probe_address, parent, replicas, scope, lookup)
        observed: list[Observation] = []
        if lookup.error is not None:
            observed.append(await attempt(replicas.fail_lookup(target), target.timeout))
            runtimes = list(replicas.by_address.values())
        else:
            runtimes = replicas.follow(target, lookup.addresses, time.monotonic())
            replicas.left_out += lookup.left_out
        spread = spread_over_interval(target, len(runtimes))
        if scope.detached is not None:
            left = started + target.timeout - time.monotonic()
            spread = spread_within(left, len(runtimes))
        observed += await run_side_by_side(
            runtimes, lambda each: attempt(each, spread.timeout), spread, slots
        )
        if scope.detached is None:
            self.ledger.record_round(parent)
        else:
            record_round(parent)
        return tuple(observed)

    async def _look_up(self, target: Target, parent: TargetRuntime, scope: AttemptScope) -> Lookup:
        try:
            return await scope.prober.look_up(self._prepare(target, parent, scope))
        except NotAttemptedError:
            raise
        except Exception as error:  # noqa: BLE001  (it is reported)
            return Lookup(error=OwnLimitError(self._report_crash(target, parent, scope, error)))

    async def _probe_address(
        self,
        parent: TargetRuntime,
        replicas: Replicas,
        scope: AttemptScope,
        lookup: Lookup,
        runtime: TargetRuntime,
        limit: float,
    ) -> Observation:
        target = runtime.target
        if target.timeout != limit:
            target = replace(target, timeout=limit)
        if target.address:
            # Where the look-up failed, it is an address of before.
            lookup = Lookup((target.address,), duration=lookup.duration, left_out=replicas.left_out)
        record = partial(self.ledger.record_address, parent, runtime)
        return await self._probe(target, runtime, scope, record, lookup)

    async def _probe(
        self,
        target: Target,
        runtime: TargetRuntime,
        scope: AttemptScope,
        record: Callable[[Evidence, Diagnosis], object],
        lookup: Lookup | None = None,
    ) -> Observation:
        if scope.detached is not None:
            evidence, diagnosis = await self._observe(target, runtime, scope, lookup)
            runtime.record(evidence, diagnosis)
            # /probe is requested now and then: an attempt without a predecessor is not a change.
            runtime.changed = False
            return target, evidence, diagnosis
        self.ledger.in_flight += 1
        try:
            evidence, diagnosis = await self._observe(target, runtime, scope, lookup)
            record(evidence, diagnosis)
        finally:
            self.ledger.in_flight -= 1
        return target, evidence, diagnosis

    async def _observe(
        self,
        target: Target,
        runtime: TargetRuntime,
        scope: AttemptScope,
        lookup: Lookup | None = None,
    ) -> tuple[Evidence, Diagnosis]:
        trace: TraceContext | None = None
        if self._sampler is not None:
            # Scheduled ones at first and after a failure; others are recorded if they fail.
            wanted = scope.detached is None and (runtime.evidence is None or not runtime.expected)
            trace = self._sampler.begin(wanted=wanted)
        try:
            evidence = await self._attempt(target, runtime, scope, trace, lookup)
            evidence = evidence if scope.detached else add_changes(runtime, evidence)
            return evidence, runtime.get_store(KeptDiagnosis).read(evidence)
        except NotAttemptedError:
            raise
        except Exception as error:  # noqa: BLE001  (it is reported)
            fault = self._report_crash(target, runtime, scope, error, trace)
            evidence = Evidence(
                target=collect_target_facts(target, self.settings.clock_tolerance),
                at=time.time(),
                ending=Ending(stage="load", kind="probe_fault", detail=fault),
                trace=trace,
            )
            return evidence, diagnose(evidence)

    def _report_crash(
        self,
        target: Target,
        runtime: TargetRuntime,
        scope: AttemptScope,
        error: Exception,
        trace: TraceContext | None = None,
    ) -> str:
        """Log a bug of ours while it is handled, now and then; return it as evidence may hold it."""
        faults = scope.faults or runtime.get_store(FaultThrottle)
        # Otherwise at each attempt, for ever; the metrics count them all.
        if faults.take(time.monotonic()):
            name = safe_text(target.name)
            log.exception("attempt_crashed", target=name, **log_fields(trace))  # noqa: LOG004  (only handlers call this)
        register_targets(scope.register, (target,))
        return safe_text(scope.register.mask(f"{type(error).__name__}: {error}"))

    async def _attempt(
        self,
        target: Target,
        runtime: TargetRuntime,
        scope: AttemptScope,
        trace: TraceContext | None,
        lookup: Lookup | None,
    ) -> Evidence:
        started, limit = time.monotonic(), target.timeout
        prepared = self._prepare(target, runtime, scope)
        evidence = await scope.prober.attempt(prepared, trace, lookup)
        if self.settings.wait_for_slot:
            await self.clocks.wait_first_round()
        evidence = self.clocks.add_readings(evidence)
        if scope.detached is not None:
            # Half of the time that is left is for the wait for a slot, half for the round.
            limit = (started + target.timeout - time.monotonic()) / 2
            limit = limit if limit >= LEAST_EXPERIMENT_TIME else 0.0
        make = partial(scope.prober.run_experiments, prepared, evidence)
        evidence = await scope.experiments.add_experiments(
            runtime, evidence, make, limit, repeats=prepared.kept.repeats
        )
        if len(evidence.addresses) == 1:
            return evidence
        compare = partial(scope.prober.try_addresses, prepared, evidence)
        return await scope.experiments.add_other_addresses(runtime, evidence, compare, limit)

    def _prepare(
        self, target: Target, runtime: TargetRuntime, scope: AttemptScope
    ) -> PreparedTarget:
        setup = runtime.get_store(_AttemptSetup)
        if setup.prepared is None or scope.detached is not None:
            setup.prepared = scope.prober.prepare(target)
        return setup.prepared
