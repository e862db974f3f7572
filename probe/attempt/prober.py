"""One attempt against one target: the order of its stages, and what each leaves as evidence.

Stages in order: load, resolve, connect, handshake, accept, export. Law 2: whatever the peer does
ends as evidence. Law 7: the time of day is passed in, durations come from the monotonic clock
(not the loop's, which may be coarser). One deadline bounds everything, the further handshake at TLS 1.2 included.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, thread_time
from types import MappingProxyType
from typing import Final

import msgspec.structs

from probe.attempt.connect import connect_first
from probe.attempt.experiments import Experiments
from probe.attempt.load_stage import evidence_of_limit, judge_load
from probe.attempt.masking import EvidenceMasker
from probe.attempt.open_stream import through_proxy
from probe.attempt.own_time import LoopDelays, OwnTime
from probe.attempt.prepared import Prepared, prepare
from probe.attempt.pump import Pump, say_farewell
from probe.attempt.recheck import CAPPED, is_silent_refusal, shake_hands_again
from probe.attempt.resolver import ResolutionError, Resolver
from probe.attempt.session import OtlpConversation
from probe.attempt.tls_setup import Plans
from probe.credentials.store import CredentialStore
from probe.credentials.tls_context import Credentials
from probe.model.certificate import CredentialFacts
from probe.model.evidence import (
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    Recheck,
    Stage,
    Varied,
)
from probe.model.known_secrets import register_targets
from probe.model.target import Target
from probe.model.trace_context import TraceContext
from probe.otlp.response import date_reading
from probe.system.own_limits import OwnLimitError, describe_lack, is_own_lack, lacks_descriptors
from probe.text.secret_register import SecretRegister
from probe.tls.client import TlsClient
from probe.x509.parse import CertificateReader

SHORTEST_QUIET: Final = 0.02
LONGEST_QUIET: Final = 1.0
"""Seconds to let a TLS 1.3 backend speak first: five round trips, within these bounds."""


@dataclass(slots=True)
class _Progress:
    """What one attempt has gathered so far."""

    at: float
    addresses: tuple[str, ...] = ()
    connects: tuple[ConnectTry, ...] = ()
    peer_address: str = ""
    handshake: Handshake | None = None
    recheck: Recheck | None = None
    answer: Answer | None = None
    first_bytes: str = ""
    clock: tuple[ClockReading, ...] = ()
    durations: dict[str, float] = field(default_factory=dict)
    round_trip: float = 0.0
    canary_trace_id: str = ""
    trace: TraceContext | None = None
    held_up: float = 0.0


class Prober:
    """Makes attempts; holds what they share and nothing of their outcome."""

    def __init__(
        self,
        credentials: CredentialStore,
        reader: CertificateReader,
        resolver: Resolver,
        *,
        wall_clock: Callable[[], float],
        user_agent: str,
        clock_tolerance: float = 60.0,
        resource: Mapping[str, str] = MappingProxyType({}),
        propagate: bool = False,
        delays: LoopDelays | None = None,
        register: SecretRegister | None = None,
    ) -> None:
        """Take the dependencies.

        Args:
            credentials: the files of all targets.
            reader: reads what servers present.
            resolver: names to addresses.
            wall_clock: gives seconds since the epoch.
            user_agent: how the probe calls itself.
            clock_tolerance: seconds by which two clocks may differ.
            resource: attributes of the probe's own resource, for canaries.
            propagate: whether each attempt has a trace, which its request carries.
            delays: measures how long this process could not act; all that run in one loop share it.
            register: masks in evidence what it holds; the secrets of each target are added. None:
                one of its own.
        """
        self._delays = delays or LoopDelays()
        self._register = SecretRegister() if register is None else register
        self._masker = EvidenceMasker(self._register)
        self._resource = resource
        self._propagate = propagate
        self._credentials = credentials
        self._resolver = resolver
        self._wall_clock = wall_clock
        self._user_agent = user_agent
        self._clock_tolerance = clock_tolerance
        self._prepared: dict[str, Prepared] = {}
        self._plans = Plans(reader, thread_time)
        self._experiments = Experiments(
            self._plans, self._delays, wall_clock=wall_clock, user_agent=user_agent
        )

    async def attempt(self, target: Target, trace: TraceContext | None = None) -> Evidence:
        """Try `target` once and return all that was seen; `trace` is what it belongs to.

        Only cancellation and bugs of ours raise.
        """
        started = monotonic()
        try:
            prepared = self._prepare(target)
        except ValueError as error:
            at = self._wall_clock()
            return evidence_of_limit(target, error, at, self._clock_tolerance, trace)
        progress = _Progress(at=self._wall_clock(), trace=trace)
        facts = CredentialFacts()
        with self._delays.watch(target.timeout) as own:
            try:
                credentials = self._credentials.get(target)
                facts = self._credentials.facts(target)
                progress.durations["load"] = monotonic() - started
                facts, fault = judge_load(target, credentials, facts)
                if fault is not None:
                    ending = fault
                else:
                    deadline = started + target.timeout
                    ending = await self._reach(prepared, credentials, progress, deadline, own)
            except (OwnLimitError, OSError, MemoryError) as error:
                if not is_own_lack(error):
                    raise
                ending = Ending(
                    stage=_stage_reached(progress), kind="probe_fault", detail=describe_lack(error)
                )
            progress.held_up = own.told
        evidence = Evidence(
            target=prepared.facts,
            at=progress.at,
            ending=ending,
            credentials=facts,
            addresses=progress.addresses,
            connects=progress.connects,
            peer_address=progress.peer_address,
            handshake=progress.handshake,
            recheck=progress.recheck,
            answer=progress.answer,
            first_bytes=progress.first_bytes,
            clock=progress.clock,
            durations=progress.durations,
            canary_trace_id=progress.canary_trace_id,
            trace=progress.trace,
            held_up=progress.held_up,
        )
        return self._masker.mask_evidence(evidence)

    async def experiment(
        self,
        target: Target,
        evidence: Evidence,
        varied: Sequence[Varied],
        budget: float | None = None,
    ) -> tuple[Experiment, ...]:
        """Make the variations `varied` of an attempt that reached the backend.

        All share `budget` seconds, by default one further `timeout`. None are made where the files have changed meanwhile: they
        would not be about that attempt any more.
        """
        deadline = monotonic() + (target.timeout if budget is None else budget)
        credentials = self._credentials.get(target)
        if credentials.facts.generation != evidence.credentials.generation:
            return ()
        made = await self._experiments.round(
            self._prepare(target),
            credentials,
            evidence.peer_address,
            varied,
            deadline,
            asked=evidence.ending.stage == "export",
        )
        return self._masker.mask_experiments(made)

    def forget(self, names: set[str]) -> None:
        """Drop what was prepared for targets that are gone."""
        for name in names & self._prepared.keys():
            del self._prepared[name]
        self._plans.forget(names)

    def _prepare(self, target: Target) -> Prepared:
        known = self._prepared.get(target.name)
        if known is not None and known.target is target:
            return known
        self.forget({target.name})
        register_targets(self._register, (target,))
        prepared = prepare(
            target,
            self._user_agent,
            self._clock_tolerance,
            self._resource,
            propagate=self._propagate,
        )
        self._prepared[target.name] = prepared
        return prepared

    async def _reach(
        self,
        prepared: Prepared,
        credentials: Credentials,
        progress: _Progress,
        deadline: float,
        own: OwnTime,
    ) -> Ending:
        before = monotonic()
        own.act()
        try:
            if prepared.address:
                progress.addresses = (prepared.address,)
            else:
                progress.addresses = await self._resolver.resolve(prepared.dial.host, deadline)
        except ResolutionError as error:
            ending = Ending(stage="resolve", kind="dns", detail=error.code)
            return own.judge(ending, expired=error.late)
        finally:
            progress.durations["resolve"] = monotonic() - before
        before = monotonic()
        try:
            connected = await connect_first(progress.addresses, prepared.dial.port, deadline, own)
        finally:
            progress.durations["connect"] = monotonic() - before
        progress.connects = connected.tries
        progress.peer_address, progress.round_trip = connected.address, connected.round_trip
        sock = connected.outcome
        if isinstance(sock, Ending):
            return sock
        with sock:
            ending = await self._converse(prepared, credentials, progress, sock, deadline, own)
        if is_silent_refusal(ending, progress.handshake):
            tls = TlsClient(self._plans.get(prepared, credentials, CAPPED))
            with self._delays.watch(prepared.target.timeout) as again:
                progress.recheck = await shake_hands_again(
                    prepared, tls, progress.peer_address, deadline, again, at=self._wall_clock()
                )
        return ending

    async def _converse(
        self,
        prepared: Prepared,
        credentials: Credentials,
        progress: _Progress,
        sock: socket.socket,
        deadline: float,
        own: OwnTime,
    ) -> Ending:
        loop = asyncio.get_running_loop()
        before = monotonic()
        stream = await through_proxy(prepared, sock, deadline, own)
        # A tunnel is part of the way.
        progress.durations["connect"] += monotonic() - before
        if isinstance(stream, Ending):
            return stream
        request, progress.canary_trace_id = prepared.request_at(progress.at, progress.trace)
        quiet = min(max(5 * progress.round_trip, SHORTEST_QUIET), LONGEST_QUIET)
        conversation = OtlpConversation(
            None
            if prepared.target.plaintext
            else TlsClient(self._plans.get(prepared, credentials)),
            request,
            purpose=prepared.purpose,
            grpc=prepared.target.protocol == "grpc",
            quiet=quiet,
        )
        pump = Pump(loop, sock, conversation, own.act)
        try:
            await pump.run(deadline, stream.leftover)
        finally:
            progress.handshake = conversation.handshake
            progress.durations |= conversation.durations
            progress.first_bytes = conversation.first_bytes
        say_farewell(sock, conversation)
        ending = conversation.ending
        assert ending is not None
        if ending.kind == "unverified" and credentials.facts.system_roots:
            # OpenSSL opens a folder of roots as it verifies, and passes over what it cannot open.
            lack = lacks_descriptors()
            if lack:
                raise OwnLimitError(f"{lack}: no descriptors are free to read the system's roots")
        received_at = self._wall_clock()
        progress.clock = date_reading(conversation.date_answer, received_at)
        if conversation.answer is not None:
            progress.answer = msgspec.structs.replace(conversation.answer, received_at=received_at)
        return own.judge(ending, expired=pump.expired)


def _stage_reached(progress: _Progress) -> Stage:
    """Return the stage in which an attempt ended that its own process broke off."""
    if progress.handshake is not None:
        return "handshake"
    return "resolve" if "load" in progress.durations else "load"
