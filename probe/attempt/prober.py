"""One attempt against one target: the order of its stages, and what each leaves as evidence.

Stages in order: load, resolve, connect, handshake, accept, export. Whatever the peer does ends as
evidence. The time of day is passed in; durations come from the monotonic clock (not the loop's,
which may be coarser). One deadline bounds everything, the recheck at TLS 1.2 included.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec.structs
from msgspec import Struct, field

from probe.attempt.connect import connect_first, open_tunnel
from probe.attempt.experiments import ExperimentRound, is_silent_refusal, try_addresses
from probe.attempt.loop_delays import DelayMeter, LoopDelays
from probe.attempt.masking import EvidenceMasker
from probe.attempt.otlp_session import OtlpSession
from probe.attempt.prepared_target import PreparedTarget, ProberSettings, TlsReaders
from probe.attempt.pump import Pump, send_close
from probe.attempt.resolver import Lookup, ResolutionError, Resolver
from probe.attempt.target_facts import add_setting_faults
from probe.attempt.target_network import Network, open_network
from probe.credentials.store import CredentialFiles, CredentialStore
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
    NetworkView,
    OtherAddress,
    Recheck,
    Stage,
    Varied,
)
from probe.model.known_secrets import register_targets
from probe.model.later_judgement import LaterJudgement, RuntimePath
from probe.model.target import Target
from probe.model.trace_context import TraceContext
from probe.otlp.response import compare_date
from probe.surroundings.file_view import ViewError
from probe.surroundings.own_thread import await_thread
from probe.system.own_limits import OwnLimitError, describe_lack, is_own_lack
from probe.text.secret_register import SecretRegister
from probe.tls.client import TlsClient

LONGEST_LOAD: Final = 5.0
"""Seconds for the files of another process, whose file systems may not answer."""
SHORTEST_QUIET: Final = 0.02
LONGEST_QUIET: Final = 1.0
"""Seconds to wait for the refusal of a TLS 1.3 backend: five round trips, within these bounds."""


class _Attempt(Struct):
    """One attempt under way, and what it has seen so far: fields of Evidence by their names."""

    prepared: PreparedTarget
    at: float
    deadline: float
    meter: DelayMeter
    trace: TraceContext | None
    lookup: Lookup | None = None
    round_trip: float = 0.0
    credentials: CredentialFacts = field(default_factory=CredentialFacts)
    addresses: tuple[str, ...] = ()
    connects: tuple[ConnectTry, ...] = ()
    peer_address: str = ""
    network: NetworkView | None = None
    handshake: Handshake | None = None
    other_paths: tuple[RuntimePath, ...] = ()
    later: LaterJudgement | None = None
    recheck: Recheck | None = None
    answer: Answer | None = None
    first_bytes: str = ""
    clock: tuple[ClockReading, ...] = ()
    durations: dict[str, float] = field(default_factory=dict)
    canary_trace_id: str = ""

    def to_evidence(self, ending: Ending) -> Evidence:
        """Return all that was seen, and how it ended."""
        return Evidence(
            target=self.prepared.facts,
            at=self.at,
            ending=ending,
            credentials=self.credentials,
            addresses=self.addresses,
            connects=self.connects,
            peer_address=self.peer_address,
            network=self.network,
            handshake=self.handshake,
            other_paths=self.other_paths,
            later=self.later,
            recheck=self.recheck,
            first_bytes=self.first_bytes,
            answer=self.answer,
            clock=self.clock,
            durations=self.durations,
            canary_trace_id=self.canary_trace_id,
            trace=self.trace,
            held_up=self.meter.reportable,
        )


class Prober:
    """Makes attempts and experiments; it keeps nothing of a target.

    The caller holds the `PreparedTarget`: it has all that is kept between a target's attempts.
    """

    def __init__(
        self,
        credentials: CredentialStore,
        resolver: Resolver,
        settings: ProberSettings,
        *,
        readers: TlsReaders | None = None,
        delays: LoopDelays | None = None,
        register: SecretRegister | None = None,
    ) -> None:
        """Take the dependencies.

        Args:
            credentials: the files of all targets.
            resolver: names to addresses.
            settings: what holds for all attempts.
            readers: read what servers present; all that run in one loop may share them.
            delays: measures how long this process could not act; all that run in one loop share it.
            register: masks secrets in evidence; each target's secrets are added to it. None: the
                prober makes its own.
        """
        self._credentials = credentials
        self._resolver = resolver
        self._settings = settings
        self._delays = delays or LoopDelays()
        self._register = SecretRegister() if register is None else register
        self._masker = EvidenceMasker(self._register)
        self._readers = readers or TlsReaders()

    def prepare(self, target: Target) -> PreparedTarget:
        """Return the data that all attempts of `target` share; keep it until the target changes."""
        register_targets(self._register, (target,))
        files = self._credentials.open(target)
        return PreparedTarget(target, files, self._settings, self._readers)

    async def look_up(self, prepared: PreparedTarget) -> Lookup:
        """Look the target's name up once, for attempts that each stand for one address."""
        limit, began = prepared.target.timeout, monotonic()
        with self._delays.measure(limit) as meter:
            try:
                target = prepared.target
                network = await open_network(target.runs_in, target.exporter)
                found = await self._look_up(prepared, began + limit, network)
            except ResolutionError as error:
                late = Ending(stage="resolve", kind="dns", detail=error.code)
                if meter.judge(late, expired=error.late) is late:
                    return Lookup(error=error, duration=monotonic() - began)
                ours = OwnLimitError(meter.describe())
                return Lookup(error=ours, duration=monotonic() - began)
            except OwnLimitError as error:
                return Lookup(error=error, duration=monotonic() - began)
        left_out = self._resolver.withheld
        return Lookup(found, duration=monotonic() - began, left_out=left_out)

    async def _look_up(
        self, prepared: PreparedTarget, deadline: float, network: Network
    ) -> tuple[str, ...]:
        """Return the addresses of the first of the target's names that has any.

        Raises:
            ResolutionError, NoSlotError, OwnLimitError: as `Resolver.resolve` does for the last one.
        """
        *others, last = prepared.names
        for name in others:
            with suppress(ResolutionError):
                return await self._resolver.resolve(name, deadline, network)
        return await self._resolver.resolve(last, deadline, network)

    async def attempt(
        self,
        prepared: PreparedTarget,
        trace: TraceContext | None = None,
        lookup: Lookup | None = None,
    ) -> Evidence:
        """Try a target once and return all that was seen.

        Only cancellation and bugs of ours raise.

        Args:
            prepared: the target.
            trace: the trace that the attempt belongs to.
            lookup: of its name; None: the attempt looks it up itself.
        """
        target, started = prepared.target, monotonic()
        with self._delays.measure(target.timeout) as meter:
            at, deadline = self._settings.wall_clock(), started + target.timeout
            attempt = _Attempt(prepared, at, deadline, meter, trace, lookup)
            if prepared.limit:
                # A limit of the probe's own, as on the length of headers.
                return attempt.to_evidence(
                    Ending(stage="load", kind="probe_fault", detail=prepared.limit)
                )
            try:
                credentials = await _read_files(prepared.files)
                attempt.credentials = prepared.files.facts()
                attempt.durations["load"] = monotonic() - started
                ending = _judge_load(attempt, credentials)
                if ending is None:
                    ending = await self._reach_backend(attempt, credentials)
            except (OwnLimitError, OSError, MemoryError) as error:
                if not is_own_lack(error):
                    raise
                ending = _describe_own_lack(attempt, error)
            evidence = attempt.to_evidence(ending)
            if lookup is not None and lookup.left_out:
                evidence = msgspec.structs.replace(evidence, addresses_left_out=lookup.left_out)
        return prepared.kept.mask_evidence(evidence, self._masker)

    async def run_experiments(
        self,
        prepared: PreparedTarget,
        evidence: Evidence,
        varied: Sequence[Varied],
        budget: float | None = None,
    ) -> tuple[Experiment, ...]:
        """Make the variations `varied` of an attempt that reached the backend.

        All share `budget` seconds, by default the target's `timeout`. If the files have changed since
        the attempt, none are made: they would not describe that attempt.
        """
        deadline = monotonic() + (prepared.target.timeout if budget is None else budget)
        experiments = await self._open_round(prepared, evidence)
        if experiments is None:
            return ()
        return self._masker.mask_experiments(await experiments.run(varied, deadline))

    async def try_addresses(
        self,
        prepared: PreparedTarget,
        evidence: Evidence,
        addresses: Sequence[str],
        budget: float,
    ) -> tuple[OtherAddress, ...]:
        """Make the attempt's own handshake, without its headers, with other addresses of its name.

        All within `budget` seconds. If the files have changed since the attempt, none are made.
        """
        deadline = monotonic() + budget
        own = await self._open_round(prepared, evidence)
        tried = () if own is None else await try_addresses(own, addresses, deadline)
        return self._masker.mask_addresses(tried)

    async def _open_round(
        self, prepared: PreparedTarget, evidence: Evidence
    ) -> ExperimentRound | None:
        """Return what makes connections as the attempt did; None where none would be like it."""
        target = prepared.target
        try:
            credentials = await _read_files(prepared.files)
            network = await open_network(target.runs_in, target.exporter)
        except ViewError:
            return None  # the process has ended
        if credentials.facts.generation != evidence.credentials.generation:
            return None
        return ExperimentRound(
            prepared,
            credentials,
            evidence.peer_address,
            self._delays,
            network,
            request_sent=evidence.ending.stage == "export",
        )

    async def _reach_backend(self, attempt: _Attempt, credentials: Credentials) -> Ending:
        """Resolve, connect, and have the session; then recheck a silent refusal."""
        prepared, meter, before = attempt.prepared, attempt.meter, monotonic()
        meter.note_action()
        network = await open_network(prepared.target.runs_in, prepared.target.exporter)
        attempt.network = network.seen
        try:
            if attempt.lookup is not None and attempt.lookup.error is not None:
                raise attempt.lookup.error
            attempt.addresses = (
                (prepared.address,)
                if prepared.address
                else await self._look_up(prepared, attempt.deadline, network)
            )
        except ResolutionError as error:
            ending = Ending(stage="resolve", kind="dns", detail=error.code)
            # A look-up of before has been judged where it was made.
            return meter.judge(ending, expired=error.late and attempt.lookup is None)
        finally:
            took = monotonic() - before
            attempt.durations["resolve"] = attempt.lookup.duration if attempt.lookup else took
        if reason := network.refuse_addresses(attempt.addresses):
            return Ending(stage="connect", kind="probe_fault", detail=reason)
        before = monotonic()
        try:
            connected = await connect_first(
                attempt.addresses, prepared.next_hop.port, attempt.deadline, meter, network
            )
        finally:
            attempt.durations["connect"] = monotonic() - before
        attempt.connects = connected.tries
        attempt.peer_address, attempt.round_trip = connected.address, connected.round_trip
        sock = connected.outcome
        if isinstance(sock, Ending):
            return sock
        with sock:
            ending = await self._run_session(attempt, credentials, sock)
        if is_silent_refusal(ending, attempt.handshake):
            at = attempt.peer_address
            again = ExperimentRound(prepared, credentials, at, self._delays, network, False)
            attempt.recheck = await again.recheck(attempt.deadline)
        return ending

    async def _run_session(
        self, attempt: _Attempt, credentials: Credentials, sock: socket.socket
    ) -> Ending:
        prepared, meter, before = attempt.prepared, attempt.meter, monotonic()
        stream = await open_tunnel(prepared, sock, attempt.deadline, meter)
        attempt.durations["connect"] += monotonic() - before
        if isinstance(stream, Ending):
            return stream
        request, attempt.canary_trace_id = prepared.build_request_at(attempt.at, attempt.trace)
        target = prepared.target
        session = OtlpSession(
            None if target.plaintext else TlsClient(prepared.make_tls_settings(credentials)),
            request,
            purpose=prepared.purpose,
            needs_h2=target.protocol == "grpc",
            quiet=min(max(5 * attempt.round_trip, SHORTEST_QUIET), LONGEST_QUIET),
        )
        pump = Pump(sock, session, meter.note_action, self._delays)
        try:
            await pump.run(attempt.deadline, stream.leftover)
        finally:
            attempt.handshake = session.handshake
            attempt.durations |= session.durations
            attempt.first_bytes = session.first_bytes
        send_close(sock, session.close())
        sent, clock = session.server_certificates, self._settings.wall_clock
        attempt.other_paths = await prepared.judge_others(credentials, sent, clock())
        attempt.later = await prepared.judge_later(credentials, sent, attempt.at)
        ending, received_at = session.ending, clock()
        assert ending is not None
        attempt.clock = compare_date(session.dated_answer, received_at)
        answer = session.answer
        if answer is not None:
            attempt.answer = msgspec.structs.replace(answer, received_at=received_at)
        return meter.judge(ending, expired=pump.expired)


async def _read_files(files: CredentialFiles) -> Credentials:
    """Return the credentials as the files are now; the loop does not wait for large ones."""
    if files.may_block:
        return await await_thread(files.read, "the exporter's files", LONGEST_LOAD)
    credentials = files.read_unless_costly()
    if credentials is not None:
        return credentials
    try:
        return await asyncio.to_thread(files.read)
    except RuntimeError:  # no further thread can be started
        return files.read()


def _judge_load(attempt: _Attempt, credentials: Credentials) -> Ending | None:
    """Return the ending of an attempt that must not send anything; None where it goes on.

    There are three such endings: settings that no exporter can work with, files that stop an
    exporter from starting, and limits of this probe that an exporter may not have.
    """
    target = attempt.prepared.target
    if target.faults:
        # No attempt: an exporter would not send anything with these settings either.
        attempt.credentials = add_setting_faults(attempt.credentials, target)
        return Ending(stage="load", kind="credentials")
    if target.plaintext:
        return None
    if attempt.credentials.faults:
        return Ending(stage="load", kind="credentials")
    if lacking := attempt.prepared.find_library_limit(credentials):
        return Ending(stage="load", kind="probe_fault", detail=lacking)
    return None


def _describe_own_lack(attempt: _Attempt, error: BaseException) -> Ending:
    """Return the ending of an attempt that this process itself had to give up."""
    stage: Stage = "resolve" if "load" in attempt.durations else "load"
    if attempt.handshake is not None:
        stage = "handshake"
    return Ending(stage=stage, kind="probe_fault", detail=describe_lack(error))
