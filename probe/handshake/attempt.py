"""One attempt against one target: the order of its stages, and what each leaves as evidence.

Stages in order: load, resolve, connect, handshake, accept, export. Law 2: whatever the peer does
ends as evidence. Law 7: the time of day is passed in, durations come from the monotonic clock
(not the loop's, which may be coarser). One deadline bounds everything, the further handshake at TLS 1.2 included.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import Final

import msgspec.structs

from probe.credentials.certificate import CertificateReader
from probe.credentials.context import Credentials, Variant
from probe.credentials.store import CredentialStore
from probe.evidence import (
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    Recheck,
    Varied,
)
from probe.handshake.answer import date_reading
from probe.handshake.connection import Pump, say_farewell
from probe.handshake.conversation import OtlpConversation
from probe.handshake.dial import dial
from probe.handshake.experiments import Experiments
from probe.handshake.load_stage import evidence_of_limit, judge_load
from probe.handshake.opening import open_stream, through_proxy
from probe.handshake.plans import Plans
from probe.handshake.prepared import Prepared, prepare
from probe.handshake.redaction import answer_without, ending_without
from probe.handshake.resolver import ResolutionError, Resolver
from probe.handshake.tls import TlsClient
from probe.target import Target
from probe.trace_context import TraceContext

SHORTEST_QUIET: Final = 0.02
LONGEST_QUIET: Final = 1.0
"""Seconds to let a TLS 1.3 backend speak first: five round trips, within these bounds."""

_TLS12: Final = Variant(max_version="1.2")


@dataclass(slots=True)
class _Progress:
    """What one attempt has gathered so far."""

    at: float
    addresses: tuple[str, ...] = ()
    connects: list[ConnectTry] = field(default_factory=list)
    peer_address: str = ""
    handshake: Handshake | None = None
    recheck: Recheck | None = None
    answer: Answer | None = None
    clock: tuple[ClockReading, ...] = ()
    durations: dict[str, float] = field(default_factory=dict)
    round_trip: float = 0.0
    canary_trace_id: str = ""
    trace: TraceContext | None = None


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
        """
        self._resource = resource
        self._propagate = propagate
        self._credentials = credentials
        self._resolver = resolver
        self._wall_clock = wall_clock
        self._user_agent = user_agent
        self._clock_tolerance = clock_tolerance
        self._prepared: dict[str, Prepared] = {}
        self._plans = Plans(reader)
        self._experiments = Experiments(self._plans, wall_clock=wall_clock, user_agent=user_agent)

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
        credentials = self._credentials.get(target)
        progress.durations["load"] = monotonic() - started
        found, ending = judge_load(target, credentials)
        if ending is None:
            deadline = started + target.timeout
            ending = await self._reach(prepared, credentials, progress, deadline)
        return Evidence(
            target=prepared.facts,
            at=progress.at,
            ending=ending,
            credentials=found,
            addresses=progress.addresses,
            connects=tuple(progress.connects),
            peer_address=progress.peer_address,
            handshake=progress.handshake,
            recheck=progress.recheck,
            answer=progress.answer,
            clock=progress.clock,
            durations=progress.durations,
            canary_trace_id=progress.canary_trace_id,
            trace=progress.trace,
        )

    async def experiment(
        self, target: Target, evidence: Evidence, varied: Sequence[Varied]
    ) -> tuple[Experiment, ...]:
        """Make the variations `varied` of an attempt that reached the backend.

        All share one further `timeout`. None are made where the files have changed meanwhile:
        they would not be about that attempt any more.
        """
        deadline = monotonic() + target.timeout
        credentials = self._credentials.get(target)
        if credentials.facts.generation != evidence.credentials.generation:
            return ()
        return await self._experiments.round(
            self._prepare(target), credentials, evidence.peer_address, varied, deadline
        )

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
    ) -> Ending:
        before = monotonic()
        try:
            if prepared.address:
                progress.addresses = (prepared.address,)
            else:
                async with asyncio.timeout_at(deadline):
                    progress.addresses = await self._resolver.resolve(prepared.dial.host)
        except ResolutionError as error:
            return Ending(stage="resolve", kind="dns", detail=error.code)
        except TimeoutError:
            return Ending(stage="resolve", kind="dns", detail="no answer in time")
        finally:
            progress.durations["resolve"] = monotonic() - before
        sock = await self._connect(prepared, progress, deadline)
        if isinstance(sock, Ending):
            return sock
        with sock:
            ending = await self._converse(prepared, credentials, progress, sock, deadline)
        if _silent_refusal(ending, progress.handshake):
            progress.recheck = await self._recheck(prepared, credentials, progress, deadline)
        return ending

    async def _connect(
        self, prepared: Prepared, progress: _Progress, deadline: float
    ) -> socket.socket | Ending:
        before = monotonic()
        failures: list[tuple[str, Ending]] = []
        try:
            for index, address in enumerate(progress.addresses):
                share = (deadline - monotonic()) / (len(progress.addresses) - index)
                began = monotonic()
                outcome = await dial(address, prepared.dial.port, began + share)
                if isinstance(outcome, socket.socket):
                    progress.round_trip = monotonic() - began
                    progress.connects.append(ConnectTry(address=address))
                    progress.peer_address = address
                    return outcome
                progress.connects.append(ConnectTry(address=address, error=outcome.detail))
                failures.append((address, outcome))
        finally:
            progress.durations["connect"] = monotonic() - before
        over_ipv4 = [ending for address, ending in failures if ":" not in address]
        return over_ipv4[-1] if over_ipv4 else failures[-1][1]

    async def _converse(
        self,
        prepared: Prepared,
        credentials: Credentials,
        progress: _Progress,
        sock: socket.socket,
        deadline: float,
    ) -> Ending:
        loop = asyncio.get_running_loop()
        before = monotonic()
        stream = await through_proxy(prepared, sock, deadline)
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
        try:
            await Pump(loop, sock, conversation).run(deadline, stream.leftover)
        finally:
            progress.handshake = conversation.handshake
            progress.durations |= conversation.durations
        say_farewell(sock, conversation)
        ending, headers = conversation.ending, prepared.target.headers
        assert ending is not None
        heard_at = self._wall_clock()
        progress.clock = date_reading(conversation.date_answer, heard_at)
        if conversation.answer is not None:
            progress.answer = msgspec.structs.replace(
                answer_without(conversation.answer, headers), received_at=heard_at
            )
        return ending_without(ending, headers)

    async def _recheck(
        self,
        prepared: Prepared,
        credentials: Credentials,
        progress: _Progress,
        deadline: float,
    ) -> Recheck | None:
        """Shake hands once more, capped at TLS 1.2, where a refusal falls inside the handshake."""
        at, began = self._wall_clock(), monotonic()
        stream = await open_stream(prepared, progress.peer_address, deadline)
        if isinstance(stream, Ending):
            return None
        conversation = OtlpConversation(
            TlsClient(self._plans.get(prepared, credentials, _TLS12)),
            prepared.request,
            purpose="handshake",
            grpc=False,
            quiet=0.0,
        )
        with stream.sock:
            loop = asyncio.get_running_loop()
            await Pump(loop, stream.sock, conversation).run(deadline, stream.leftover)
            say_farewell(stream.sock, conversation)
        assert conversation.ending is not None
        assert conversation.handshake is not None
        return Recheck(
            handshake=conversation.handshake,
            ending=conversation.ending,
            at=at,
            duration=monotonic() - began,
        )


def _silent_refusal(ending: Ending, handshake: Handshake | None) -> bool:
    return (
        ending.kind in {"close", "reset"}
        and ending.stage == "accept"
        and handshake is not None
        and handshake.complete
        and handshake.version == "1.3"
        and handshake.client_certificate_sent
    )
