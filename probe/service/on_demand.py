"""One attempt because a scrape asked for it: `/probe?target=&module=`.

It goes through the pipeline as a scheduled one does, with its experiments, and a failure of ours
ends it as `probe_fault`; it is entered in no ledger. Only what the module allows is looked up, and
only where that leads to is connected to. Names come from whoever asks: of each endpoint and module
only the last attempt is kept, of the last `KEPT` that were asked for.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from probe.attempt.connect import is_own_address
from probe.attempt.resolver import NoSlotError, Resolver
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.blackbox import blackbox_metrics, debug_page
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.module import AllowList, Module, may_be_called, under_hostname
from probe.model.target import Target
from probe.service.experiment_schedule import ExperimentSchedule
from probe.service.pipeline import DetachedScope, FaultThrottle, NotAttemptedError, Pipeline
from probe.text.safe_text import safe_text
from probe.text.secret_register import LayeredRegister
from probe.web.application import Reply

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
KEPT: Final = 256
"""Endpoints of which the last attempt is kept, so that what its experiments proved holds."""


class ForbiddenError(NotAttemptedError):
    """The module does not allow what was asked for."""


class BusyError(NotAttemptedError):
    """The name was not looked up: all slots for that are taken."""


class OnDemand:
    """Makes the attempts that scrapes ask for."""

    def __init__(
        self,
        pipeline: Pipeline,
        modules: Callable[[], Mapping[str, Module]],
        *,
        concurrency: int,
        recorded: Callable[[TargetRuntime], None] = lambda _runtime: None,
    ) -> None:
        """Take what attempts share.

        Args:
            pipeline: makes them; nothing of them is entered in its ledger.
            modules: those of the configuration in force, by name.
            concurrency: how many attempts may be under way; further ones wait their turn.
            recorded: called after each attempt, for its trace.
        """
        self._pipeline = pipeline
        self._modules = modules
        self._recorded = recorded
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
            return _refuse(400, f'unknown module "{safe_text(name)}"; known: {known}')
        if not text:
            return _refuse(400, "the parameter target is missing: ?target=host:port&module=NAME")
        try:
            timeout = _choose_timeout(module, headers.get(TIMEOUT_HEADER, ""))
            target = under_hostname(module.target(text, timeout), query.get("hostname", ""))
        except ValueError as error:
            return _refuse(400, safe_text(str(error)))
        endpoint = target.endpoint
        if not module.allow.allows(endpoint.host, endpoint.port):
            return _refuse_forbidden(module, f"{endpoint} is not in its allow-list")
        if not may_be_called(query.get("hostname", ""), target, module.allow):
            why = "its headers go to no name that its allow-list does not have; add the hostname"
            return _refuse_forbidden(module, why)
        asked = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
        except TimeoutError:
            return _refuse(503, "too many attempts are under way; this one had no turn in time")
        left = max(timeout - (time.monotonic() - asked), LEAST)
        try:
            evidence, diagnosis, duration = await self._attempt(
                replace(target, timeout=left), module
            )
        except ForbiddenError as error:
            return _refuse_forbidden(module, str(error))
        except BusyError as error:
            return _refuse(503, safe_text(f"{endpoint}: {error}", LONGEST_REASON))
        finally:
            self._slots.release()
        openmetrics = wants_openmetrics(headers.get("Accept", ""))
        if query.get("debug") == "true":
            page = debug_page(target, module.name, evidence, diagnosis, duration)
            return Reply(200, page)
        metrics = blackbox_metrics(target, evidence, diagnosis, duration, openmetrics=openmetrics)
        return Reply(200, metrics, OPENMETRICS if openmetrics else TEXT)

    async def _attempt(self, target: Target, module: Module) -> tuple[Evidence, Diagnosis, float]:
        key = f"{module.name}\n{target.name}"
        scope = DetachedScope(
            runtime=self._runtimes.get(key) or TargetRuntime(target),
            resolver=_AllowedResolver(self.resolver, target, module.allow),
            experiments=self._experiments,
            register=LayeredRegister(self._pipeline.register),
            faults=self._faults,
        )
        started = time.monotonic()
        _, evidence, diagnosis = await self._pipeline.probe_once(target, scope)
        duration = time.monotonic() - started
        self._runtimes[key] = scope.runtime
        self._runtimes.move_to_end(key)
        if len(self._runtimes) > KEPT:
            self._runtimes.popitem(last=False)
        self._recorded(scope.runtime)
        return evidence, diagnosis, duration


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
        except NoSlotError as error:
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


def _choose_timeout(module: Module, header: str) -> float:
    """Return seconds: the module's, or what the scrape leaves where that is less.

    Raises:
        ValueError: where the header is not a number of seconds.
    """
    own = module.timeout
    if not header:
        return own
    try:
        given = float(header)
    except ValueError:
        given = math.nan
    if not (given > 0 and math.isfinite(given)):
        raise ValueError(f"the header {TIMEOUT_HEADER} is not a number of seconds: {header!r}")
    return min(own, given - OFFSET if given > 2 * OFFSET else given / 2)


def _refuse_forbidden(module: Module, why: str) -> Reply:
    return _refuse(403, safe_text(f"module {module.name} does not allow it: {why}"))


def _refuse(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode())
