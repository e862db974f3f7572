"""Wiring and signals: the pipeline under a schedule, with its outputs, until a signal stops it."""

from __future__ import annotations

import asyncio
import resource as resource_limits
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from probe.config.configuration import Configuration, register_configuration
from probe.config.loader import ConfigurationLoader
from probe.forecast.renewals import RenewalHistory
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.log.changes import ChangeLog, SourceLog
from probe.metrics.scrape import Metrics
from probe.metrics.service_metrics import (
    collect_connections,
    collect_log,
    collect_own_trouble,
)
from probe.model.target import Endpoint, SourcesSummary, Target
from probe.service.on_demand import OnDemand
from probe.service.pipeline import Pipeline, PipelineSettings
from probe.service.reload import Reloader
from probe.service.schedule import Schedule
from probe.system.fault_log import FaultLog
from probe.system.garbage import short_collections
from probe.system.standard_streams import count_dropped_lines
from probe.telemetry.telemetry import build_telemetry
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister
from probe.web.application import ServiceView, build_application
from probe.web.server.connections import Connections, compute_connection_limit
from probe.web.server.hosts import HostCheck, list_own_names
from probe.web.server.listener import serve_application

if TYPE_CHECKING:
    from probe.web.server.web_config import WebConfig

DRAIN_TIME: Final = 3.0
"""Seconds that attempts in flight get at a stop: the service must end within five seconds."""

log = structlog.get_logger("mtls_probe")


class Service:
    """The probe as a service: schedule, ledger, metrics and web, until it is stopped."""

    def __init__(
        self,
        configuration: Configuration,
        loader: ConfigurationLoader | None = None,
        register: SecretRegister | None = None,
    ) -> None:
        """Wire the service for `configuration`, which `loader` reads again; nothing runs yet.

        `register` masks secrets in all outputs; None: the service makes its own.
        """
        self._register = register = SecretRegister() if register is None else register
        register_configuration(register, configuration)
        self.ledger = Ledger(configuration.targets)
        self._telemetry, self._spans_to = build_telemetry(
            configuration.spans_to,
            resource=configuration.resource,
            sample_successes=configuration.sample_successes,
        )
        telemetry = self._telemetry
        resource = configuration.resource if telemetry is None else telemetry.resource
        sampler = None if telemetry is None else telemetry.sampler
        self.metrics = Metrics(self.ledger, resource=resource)
        self.metrics.service.set_clock_tolerance(configuration.clock_tolerance)
        self.ledger.subscribe_rounds(ChangeLog().log_changes)
        self.ledger.subscribe(note_renewals)
        settings = replace(PipelineSettings.from_configuration(configuration), resource=resource)
        self._pipeline = Pipeline(self.ledger, settings, sampler=sampler, register=register)
        self._schedule = Schedule(
            self._attempt,
            concurrency=configuration.concurrency,
            on_late=self.metrics.service.observe_lateness,
            on_missed=self._record_missed,
        )
        self.reloader = Reloader(
            configuration, loader, self._pipeline, self._schedule, self._record_reload
        )
        self._source_log = SourceLog()
        self._on_demand = OnDemand(
            self._pipeline,
            lambda: self.configuration.modules,
            concurrency=configuration.concurrency,
            on_attempt=telemetry.record if telemetry is not None else lambda _runtime: None,
        )
        self.metrics.service.register(
            partial(collect_own_trouble, self._pipeline.delays.total, self._count_refused_lookups)
        )
        if telemetry is not None:
            self.ledger.subscribe(telemetry.record)
        self._web_config = _open_web_config(configuration.web.config_file, register)
        descriptors, _ = resource_limits.getrlimit(resource_limits.RLIMIT_NOFILE)
        tls = self._web_config is not None and self._web_config.ssl_context is not None
        self._connections = Connections(
            compute_connection_limit(descriptors, configuration.concurrency, tls=tls)
        )
        self.metrics.service.register(partial(collect_connections, self._connections))
        self._names = list_own_names()
        self._reloads_seen = 0
        self._started = False

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""
        return self.reloader.configuration

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Endpoint]:
        """Run the service; yields the address that it listens on.

        Raises:
            OSError: where it cannot listen there.
        """
        configuration, telemetry = self.configuration, self._telemetry
        self._record_reload(configuration)
        application = build_application(
            ServiceView(
                ledger=self.ledger,
                metrics=self.metrics,
                is_ready=lambda: self._started,
                reload=self.reloader.reload_on_request if self.reloader.can_reload else None,
                reload_failure=self._describe_reload_failure,
                warnings=lambda: self.configuration.warnings,
                sources=self._show_sources,
                on_demand=self._on_demand.answer,
            )
        )
        served = self._web_config
        if served is not None:
            served.guard(application)
        HostCheck(configuration.web.hosts, self._list_names).install(application)
        async with AsyncExitStack() as stack:
            # The first collection takes a while, so nobody can ask anything before.
            stack.enter_context(short_collections())
            host, port = await stack.enter_async_context(
                serve_application(
                    application,
                    configuration.web.host,
                    configuration.web.port,
                    connections=self._connections,
                    ssl_context=None if served is None else served.ssl_context,
                )
            )
            if telemetry is not None:
                spans = self.metrics.service.span_counter()
                await stack.enter_async_context(telemetry.run(spans))
            await stack.enter_async_context(self._pipeline.clocks.run_in_background())
            await stack.enter_async_context(self.reloader.watching())
            if served is not None:
                await stack.enter_async_context(served.watch(self._record_web_reload))
            stack.push_async_callback(self._schedule.stop, DRAIN_TIME)
            self._schedule.start()
            self._schedule.replace(configuration.targets)
            self._started = True
            address, targets = Endpoint(host, port), len(configuration.targets)
            log.info("listening", address=str(address), targets=targets, **self._spans_to)
            if configuration.spans_to is not None and telemetry is None:
                log.warning("telemetry_disabled", **self._spans_to)
            try:
                yield address
            finally:
                self._started = False

    async def _attempt(self, target: Target) -> bool:
        await self._pipeline.probe_addresses(target, slots=self._schedule.permits)
        reloads = self._pipeline.credentials.reloads
        for _ in range(reloads - self._reloads_seen):
            self.metrics.service.count_credentials_reload()
        self._reloads_seen = reloads
        known = self.ledger.find(target.name)
        return known is None or known.expected

    def _record_reload(self, configuration: Configuration | None) -> None:
        self.metrics.service.record_reload(successful=configuration is not None, at=time.time())
        if configuration is None:
            return
        states, nothing = configuration.source_states, configuration.nothing_to_probe
        self.metrics.service.set_sources(states, nothing_to_probe=bool(nothing))
        self._source_log.record(states, nothing)

    def _show_sources(self) -> SourcesSummary:
        configuration = self.configuration
        return SourcesSummary(configuration.source_states, configuration.nothing_to_probe)

    def _record_web_reload(self, failure: str | None) -> None:
        self.metrics.service.record_web_reload(successful=failure is None)

    def _describe_reload_failure(self) -> str | None:
        served = self._web_config
        failures = (self.reloader.failure, served.failure if served is not None else None)
        return self._register.mask("\n".join(filter(None, failures))) or None

    def _list_names(self) -> Iterator[str]:
        yield from self._names
        if self._web_config is not None:
            yield from self._web_config.names

    def _count_refused_lookups(self) -> dict[str, int]:
        """Return the look-ups without a place, by what they were for, where that is configured."""
        refused = {"schedule": self._pipeline.resolver.refused}
        if self.configuration.modules:
            refused["probe"] = self._on_demand.resolver.refused
        if self.configuration.clock_sources:
            refused["clocks"] = self._pipeline.clock_resolver.refused
        return refused

    def _record_missed(self, name: str) -> None:
        self.ledger.missed += 1
        log.warning("attempt_missed", target=safe_text(name))


def note_renewals(runtime: TargetRuntime) -> None:
    """Let a target's history of renewals take in its last attempt."""
    if runtime.evidence is not None:
        runtime.get_store(RenewalHistory).note(runtime.evidence)


def _open_web_config(file: str | None, register: SecretRegister) -> WebConfig | None:
    if file is None:
        return None
    from probe.web.server.web_config import WebConfig

    return WebConfig(Path(file), register)


@contextmanager
def handle_signals(callback: Callable[[], object], *numbers: int) -> Iterator[None]:
    """Call `callback` in the running loop at each of these signals."""
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        with suppress(RuntimeError):
            for number in numbers:
                loop.remove_signal_handler(number)


async def serve(
    configuration: Configuration,
    *,
    loader: ConfigurationLoader | None = None,
    register: SecretRegister | None = None,
    on_listening: Callable[[Endpoint], None] = lambda _address: None,
) -> None:
    """Run the service until a signal ends it; attempts in flight get `DRAIN_TIME` seconds.

    Args:
        configuration: what to probe, and where to serve what is known.
        loader: reads the configuration again, on SIGHUP and when its files change.
        register: masks secrets in all outputs; None: the service makes its own.
        on_listening: called with the address once it is served.

    Raises:
        OSError: where it cannot listen on the configured address.
    """
    asyncio.get_running_loop().set_exception_handler(FaultLog("event loop").report_loop)
    # The handlers come first: a signal during the start would else end it without cleaning up.
    stopped = asyncio.Event()
    with handle_signals(stopped.set, signal.SIGTERM, signal.SIGINT):
        service = Service(configuration, loader, register)
        # Not in Service: the log is the process's, which may have several services.
        service.metrics.service.register(partial(collect_log, count_dropped_lines))
        with handle_signals(service.reloader.request_reload, signal.SIGHUP):
            async with service.run() as address:
                on_listening(address)
                await stopped.wait()
                log.info("stopping")
