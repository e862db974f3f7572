"""One attempt because a scrape asked for it: `/probe?target=&module=` (interfaces.md, section 5).

The attempt is made as a scheduled one is, with its experiments, and a failure of ours ends it as
`probe_fault`; no ledger has it. Only what the module allows is looked up, and only where that leads
to is connected to.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from probe.attempt.own_addresses import is_own_address
from probe.attempt.own_time import LoopDelays
from probe.attempt.prober import Prober
from probe.attempt.resolver import NoPlaceError, Resolver
from probe.credentials.store import CredentialStore
from probe.diagnosis.diagnose import diagnose
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.blackbox import blackbox_metrics, debug_page
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.known_secrets import register_targets
from probe.model.module import AllowList, Module, may_be_called, under_hostname
from probe.model.target import Target
from probe.model.trace_context import HeadSampler, TraceContext, log_fields
from probe.service.on_demand_experiments import OnDemandRounds
from probe.service.pipeline import FAULTS_AT_ONCE, FAULTS_EVERY, NO_RESOURCE, fault_evidence
from probe.system.token_bucket import TokenBucket
from probe.text.safe_text import safe_text
from probe.text.secret_register import LayeredRegister, SecretRegister
from probe.x509.parse import CertificateReader

log = structlog.get_logger("mtls_probe")

TIMEOUT_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
OFFSET: Final = 0.5
"""Seconds that the answer gets of the scrape's timeout, as with blackbox_exporter."""
LOOK_UPS: Final = 16
LOOK_UPS_OF_ONE_NAME: Final = 4
"""Look-ups at a time, apart from those of the schedule: names come from whoever asks."""
LOOK_UP_WAITS: Final = 1.0
"""Seconds that one waits for a place, so that a scrape gets its answer before it gives up."""
LEAST: Final = 0.05
"""Seconds for an attempt whose turn comes in the last moment."""
LONGEST_REASON: Final = 500
PLAIN: Final = "text/plain; charset=utf-8"


class ForbiddenError(Exception):
    """What was asked for is nothing that the module allows."""


class BusyError(Exception):
    """The name was not looked up: all places for that are taken."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the web room answers."""

    status: int
    body: bytes
    content_type: str = PLAIN


class Beside(Protocol):
    """Adds the other clocks' readings to what an attempt saw."""

    def __call__(self, evidence: Evidence) -> Evidence:
        """Return `evidence` with them."""


class OnDemand:
    """Makes the attempts that scrapes ask for."""

    def __init__(
        self,
        modules: Callable[[], Mapping[str, Module]],
        credentials: CredentialStore,
        *,
        beside: Beside,
        user_agent: str,
        clock_tolerance: float,
        resource: Mapping[str, str] = NO_RESOURCE,
        concurrency: int,
        sampler: HeadSampler | None = None,
        propagate: bool = False,
        recorded: Callable[[TargetRuntime], None] = lambda _state: None,
        delays: LoopDelays | None = None,
        register: SecretRegister | None = None,
        experiments: bool = True,
    ) -> None:
        """Take what attempts share.

        Args:
            modules: those of the configuration in force, by name.
            credentials: the files of all targets; equal settings share what was read.
            beside: adds the other clocks' readings.
            user_agent: how the probe calls itself.
            clock_tolerance: seconds by which two clocks may differ.
            resource: attributes of the probe's own resource, for canaries.
            concurrency: how many attempts may be under way; further ones wait their turn.
            sampler: gives each attempt its trace, where there is telemetry.
            propagate: whether requests carry it.
            recorded: told of each attempt, for its trace.
            delays: measures how long this process could not act; the schedule's attempts share it.
            register: masks secrets in evidence; None: one of its own.
            experiments: whether further handshakes may settle what an attempt left open.
        """
        self._register = SecretRegister() if register is None else register
        self._sampler = sampler
        self._propagate = propagate and sampler is not None
        self._recorded = recorded
        self._modules = modules
        self._credentials = credentials
        self._beside = beside
        self._user_agent = user_agent
        self._clock_tolerance = clock_tolerance
        self._resource = resource
        self._places = asyncio.Semaphore(concurrency)
        self._delays = delays
        self.resolver = Resolver(
            places=LOOK_UPS, per_host=LOOK_UPS_OF_ONE_NAME, patience=LOOK_UP_WAITS
        )
        self._rounds = OnDemandRounds(lambda: self._prober(self.resolver), enabled=experiments)
        self._faults = TokenBucket(burst=FAULTS_AT_ONCE, every=FAULTS_EVERY)

    async def answer(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Make the attempt that `query` asks for, within the scrape's own timeout.

        Args:
            query: `target`, `module` (may be left out where there is one), `hostname`, `debug=true`.
            headers: of the request: Accept, and the scrape's timeout.
        """
        modules = self._modules()
        text, name = query.get("target", ""), query.get("module", "")
        if not name and len(modules) == 1:
            (name,) = modules
        module = modules.get(name)
        if module is None:
            known = ", ".join(map(safe_text, modules)) or "none is configured"
            return _refusal(400, f'unknown module "{safe_text(name)}"; known: {known}')
        if not text:
            return _refusal(400, "the parameter target is missing: ?target=host:port&module=NAME")
        try:
            timeout = _timeout(module, headers.get(TIMEOUT_HEADER, ""))
            target = under_hostname(module.target(text, timeout), query.get("hostname", ""))
        except ValueError as error:
            return _refusal(400, safe_text(str(error)))
        endpoint = target.endpoint
        if not module.allow.allows(endpoint.host, endpoint.port):
            return _forbidden(module, f"{endpoint} is not in its allow-list")
        if not may_be_called(query.get("hostname", ""), target, module.allow):
            why = "its headers go to no name that its allow-list does not have; add the hostname"
            return _forbidden(module, why)
        asked = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                await self._places.acquire()
        except TimeoutError:
            return _refusal(503, "too many attempts are under way; this one had no turn in time")
        left = max(timeout - (time.monotonic() - asked), LEAST)
        try:
            evidence, diagnosis, duration = await self._attempt(
                replace(target, timeout=left), module
            )
        except ForbiddenError as error:
            return _forbidden(module, str(error))
        except BusyError as error:
            return _refusal(503, safe_text(f"{endpoint}: {error}", LONGEST_REASON))
        finally:
            self._places.release()
        openmetrics = wants_openmetrics(headers.get("Accept", ""))
        if query.get("debug") == "true":
            page = debug_page(target, module.name, evidence, diagnosis, duration)
            return Reply(200, page)
        metrics = blackbox_metrics(target, evidence, diagnosis, duration, openmetrics=openmetrics)
        return Reply(200, metrics, OPENMETRICS if openmetrics else TEXT)

    async def _attempt(self, target: Target, module: Module) -> tuple[Evidence, Diagnosis, float]:
        trace = self._sampler.begin(wanted=False) if self._sampler is not None else None
        started = time.monotonic()
        try:
            evidence, diagnosis = await self._observe(target, module, trace, started)
        except (BusyError, ForbiddenError):
            raise
        except Exception as error:
            # A bug of ours, or something that we lack: the target has no part in it.
            if self._faults.take(time.monotonic()):
                log.exception("probe_fault", target=safe_text(target.name), **log_fields(trace))
            register = LayeredRegister(self._register)
            register_targets(register, (target,))
            evidence = fault_evidence(target, self._clock_tolerance, error, trace, register.mask)
            diagnosis = diagnose(evidence)
        finally:
            # Names come from whoever asks: none may stay.
            self._credentials.release(target.name)
        duration = time.monotonic() - started
        runtime = TargetRuntime(target)
        runtime.record(evidence, diagnosis)
        runtime.changed = False
        self._recorded(runtime)
        return evidence, diagnosis, duration

    async def _observe(
        self, target: Target, module: Module, trace: TraceContext | None, started: float
    ) -> tuple[Evidence, Diagnosis]:
        prober = self._prober(_AllowedResolver(self.resolver, target, module.allow))
        evidence = self._beside(await prober.attempt(target, trace))
        deadline = started + target.timeout
        evidence = await self._rounds.settle(module.name, target, evidence, deadline)
        return evidence, diagnose(evidence)

    def _prober(self, resolver: Resolver) -> Prober:
        return Prober(
            self._credentials,
            CertificateReader(),
            resolver,
            wall_clock=time.time,
            user_agent=self._user_agent,
            clock_tolerance=self._clock_tolerance,
            resource=self._resource,
            propagate=self._propagate,
            delays=self._delays,
            register=LayeredRegister(self._register),
        )


class _AllowedResolver(Resolver):
    """Resolves a target's name to those of its addresses that the module allows."""

    def __init__(self, shared: Resolver, target: Target, allow: AllowList) -> None:
        super().__init__()
        self._shared = shared
        self._target = target
        self._allow = allow

    async def resolve(self, host: str, deadline: float = math.inf) -> tuple[str, ...]:
        """Return the addresses that may be connected to.

        Raises:
            ForbiddenError: where there are others only.
            BusyError: where the look-ups of other scrapes hold every place.
            ResolutionError: where there are none.
        """
        try:
            found = await self._shared.resolve(host, deadline)
        except NoPlaceError as error:
            raise BusyError(str(error)) from None
        endpoint = self._target.endpoint
        if self._target.proxy_url is not None:
            return found  # the proxy's own, which the module names
        allowed = tuple(
            address
            for address in found
            if self._allow.allows_address(
                endpoint.host, endpoint.port, address, is_own=is_own_address
            )
        )
        if not allowed:
            raise ForbiddenError(
                f"{endpoint.host} resolves to {', '.join(found)}, where it may not lead"
            )
        return allowed


def _timeout(module: Module, header: str) -> float:
    """Return seconds: the module's, or what the scrape leaves where that is less.

    Raises:
        ValueError: where the header is no number of seconds.
    """
    own = module.timeout
    if not header:
        return own
    try:
        given = float(header)
    except ValueError:
        given = math.nan
    if not (given > 0 and math.isfinite(given)):
        raise ValueError(f"the header {TIMEOUT_HEADER} is no number of seconds: {header!r}")
    return min(own, given - OFFSET if given > 2 * OFFSET else given / 2)


def _forbidden(module: Module, why: str) -> Reply:
    return _refusal(403, safe_text(f"module {module.name} does not allow it: {why}"))


def _refusal(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode())
