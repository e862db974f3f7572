"""One attempt because a scrape asked for it: `/probe?target=&module=`.

It goes through the pipeline as a scheduled one does, with its experiments, and a failure of ours
ends it as `probe_fault`; it is entered in no ledger. Only what the module allows is looked up, and
only where that leads to is connected to. Any client may choose the names: only
the last attempt per endpoint and module is kept, for the last `MOST_KEPT_ENDPOINTS` of them.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from probe.attempt.connect import is_own_address
from probe.attempt.resolver import NoSlotError, Resolver
from probe.attempt.target_network import OWN_NETWORK, Network
from probe.ledger.replicas import list_results, sort_by_worst
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.model.module import Module, allows_hostname, apply_hostname
from probe.model.target import Target
from probe.service.attempt_scope import AttemptScope, FaultThrottle, NotAttemptedError
from probe.service.experiment_schedule import ExperimentSchedule
from probe.service.pipeline import Observation, Pipeline
from probe.text.safe_text import safe_text
from probe.text.secret_register import LayeredRegister
from probe.web.application import Reply

TIMEOUT_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
ANSWER_TIME: Final = 0.5
"""Seconds of the scrape's timeout that are reserved for the answer, as in blackbox_exporter."""
LOOK_UPS: Final = 16
LOOK_UPS_OF_ONE_NAME: Final = 4
"""Concurrent look-ups; the schedule's have their own limit, because any client may choose names."""
LOOK_UP_WAITS: Final = 1.0
"""Seconds that a look-up waits for a slot: the scrape must get its answer before it times out."""
LEAST_ATTEMPT_TIME: Final = 0.05
"""Seconds that an attempt gets at least, even if it waited almost until the scrape's timeout."""
LONGEST_REASON: Final = 500
MOST_KEPT_ENDPOINTS: Final = 256
"""Endpoints whose last attempt is kept, to reuse the results of its experiments."""


class RefusedError(NotAttemptedError):
    """The attempt is not made; `status` is the HTTP status of the answer, with the error as its text."""

    def __init__(self, status: int, reason: str) -> None:
        """Carry the answer."""
        super().__init__(reason)
        self.status = status


class OnDemand:
    """Makes the attempts that scrapes ask for."""

    def __init__(
        self,
        pipeline: Pipeline,
        modules: Callable[[], Mapping[str, Module]],
        *,
        concurrency: int,
        on_attempt: Callable[[TargetRuntime], None] = lambda _runtime: None,
    ) -> None:
        """Take what attempts share.

        Args:
            pipeline: makes them; they are not entered in its ledger.
            modules: those of the configuration in force, by name.
            concurrency: how many attempts may be under way; further ones wait their turn.
            on_attempt: called after each attempt, for its trace.
        """
        self._pipeline = pipeline
        self._modules = modules
        self._on_attempt = on_attempt
        self._slots = asyncio.Semaphore(concurrency)
        self.resolver = Resolver(
            slots=LOOK_UPS, per_host=LOOK_UPS_OF_ONE_NAME, slot_timeout=LOOK_UP_WAITS
        )
        self._experiments = ExperimentSchedule(
            enabled=pipeline.settings.experiments, wait_for_slot=True
        )
        self._faults = FaultThrottle()
        self._runtimes: OrderedDict[str, TargetRuntime] = OrderedDict()

    async def answer(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Make the attempt described by `query`, within the scrape's timeout.

        Args:
            query: `target`, `module` (may be left out where there is one), `hostname`, `debug=true`.
            headers: of the request: Accept, and the scrape's timeout.
        """
        try:
            module = self._find_module(query.get("module", ""))
            target = _build_target(module, query, headers.get(TIMEOUT_HEADER, ""))
            async with self._slot(target) as left:
                observed, duration = await self._attempt(replace(target, timeout=left), module)
        except RefusedError as error:
            return Reply(error.status, f"{error}\n".encode())
        # Most probes have no modules, and never need it.
        from probe.metrics.blackbox import render_blackbox_metrics, render_debug_page

        if query.get("debug") == "true":
            return Reply(200, render_debug_page(observed, module.name, duration))
        openmetrics = wants_openmetrics(headers.get("Accept", ""))
        metrics = render_blackbox_metrics(observed, duration, openmetrics=openmetrics)
        return Reply(200, metrics, OPENMETRICS if openmetrics else TEXT)

    def _find_module(self, name: str) -> Module:
        modules = self._modules()
        if not name and len(modules) == 1:
            (name,) = modules
        if name in modules:
            return modules[name]
        known = ", ".join(map(safe_text, modules)) or "none is configured"
        raise RefusedError(400, f'unknown module "{safe_text(name)}"; known: {known}')

    @asynccontextmanager
    async def _slot(self, target: Target) -> AsyncIterator[float]:
        """Wait for a slot; yield the seconds that are then left of the attempt's timeout."""
        asked = time.monotonic()
        try:
            async with asyncio.timeout(target.timeout):
                await self._slots.acquire()
        except TimeoutError:
            reason = "too many attempts are under way; this one had no turn in time"
            raise RefusedError(503, reason) from None
        try:
            yield max(target.timeout - (time.monotonic() - asked), LEAST_ATTEMPT_TIME)
        finally:
            self._slots.release()

    async def _attempt(self, target: Target, module: Module) -> tuple[list[Observation], float]:
        """Return what each address gave, the worst first, or what the one attempt did; and seconds."""
        key = f"{module.name}\n{target.name}"
        runtime = self._runtimes.get(key) or TargetRuntime(target)
        register = LayeredRegister(self._pipeline.register)
        resolver = _AllowedResolver(self.resolver, target, module)
        scope = AttemptScope(
            prober=self._pipeline.make_prober(resolver, register),
            experiments=self._experiments,
            register=register,
            faults=self._faults,
            detached=runtime,
        )
        started = time.monotonic()
        try:
            # One attempt bounds itself; several may wait for slots.
            limit = target.timeout + ANSWER_TIME / 2 if target.has_replicas else None
            async with asyncio.timeout(limit):
                observed = await self._pipeline.probe_addresses(target, scope, slots=self._slots)
        except TimeoutError:
            reason = "too many attempts are under way; some addresses had no turn in time"
            raise RefusedError(503, reason) from None
        duration = time.monotonic() - started
        self._runtimes[key] = runtime
        self._runtimes.move_to_end(key)
        if len(self._runtimes) > MOST_KEPT_ENDPOINTS:
            self._runtimes.popitem(last=False)
        tried = {target.address for target, _, _ in observed}
        for each in list_results(runtime):
            if each.target.address in tried:
                self._on_attempt(each)
        return sort_by_worst(observed), duration


class _AllowedResolver(Resolver):
    """Resolves a target's name to those of its addresses that the module allows."""

    def __init__(self, shared: Resolver, target: Target, module: Module) -> None:
        super().__init__()
        self._shared = shared
        self._target = target
        self._module = module

    async def resolve(
        self, host: str, deadline: float = math.inf, network: Network = OWN_NETWORK
    ) -> tuple[str, ...]:
        """Return the addresses that may be connected to.

        Raises:
            RefusedError: where no address is allowed, or other scrapes use all look-ups.
            ResolutionError: where the name has no address.
        """
        endpoint = self._target.endpoint
        try:
            found = await self._shared.resolve(host, deadline, network)
        except NoSlotError as error:
            raise RefusedError(503, safe_text(f"{endpoint}: {error}", LONGEST_REASON)) from None
        if self._target.proxy_url is not None:
            return found  # the proxy's own, which the module names
        allows = partial(
            self._module.allow.allows_address, endpoint.host, endpoint.port, is_own=is_own_address
        )
        if allowed := tuple(filter(allows, found)):
            self.withheld = len(found) - len(allowed)
            return allowed
        addresses = ", ".join(found)
        raise _forbid(
            self._module, f"{endpoint.host} resolves to {addresses}, where it may not lead"
        )


def _build_target(module: Module, query: Mapping[str, str], timeout: str) -> Target:
    """Return what `query` asks for, if the module allows it; `timeout` is the scrape's header."""
    hostname = query.get("hostname", "")
    if not query.get("target"):
        raise RefusedError(400, "the parameter target is missing: ?target=host:port&module=NAME")
    try:
        target = module.target(query["target"], _choose_timeout(module, timeout))
        target = apply_hostname(target, hostname)
    except ValueError as error:
        raise RefusedError(400, safe_text(str(error))) from None
    endpoint = target.endpoint
    if not module.allow.allows(endpoint.host, endpoint.port):
        raise _forbid(module, f"{endpoint} is not in its allow-list")
    if not allows_hostname(hostname, target, module.allow):
        why = "its headers go to no name that its allow-list does not have; add the hostname"
        raise _forbid(module, why)
    return target


def _choose_timeout(module: Module, header: str) -> float:
    """Return the module's timeout, or what is left of the scrape's if that is shorter, in seconds."""
    if not header:
        return module.timeout
    try:
        given = float(header)
    except ValueError:
        given = math.nan
    if not (given > 0 and math.isfinite(given)):
        raise ValueError(f"the header {TIMEOUT_HEADER} is not a number of seconds: {header!r}")
    return min(module.timeout, given - ANSWER_TIME if given > 2 * ANSWER_TIME else given / 2)


def _forbid(module: Module, why: str) -> RefusedError:
    return RefusedError(403, safe_text(f"module {module.name} does not allow it: {why}"))
