"""One attempt against one target: the order of its stages, and what each leaves as evidence.

Stages in order: load, resolve, connect, handshake, accept, export. Law 2: whatever the peer does
ends as evidence. Law 7: the time of day is passed in, durations come from the monotonic clock
(not the loop's, which may be coarser). One deadline bounds everything, the further handshake at TLS 1.2 included.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Final

import msgspec.structs

from probe.credentials.certificate import CertificateReader, name_from_der
from probe.credentials.context import Credentials, Variant
from probe.credentials.store import CredentialStore
from probe.evidence import (
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    Evidence,
    Handshake,
    Offer,
    Recheck,
)
from probe.handshake.bindings import Scratch
from probe.handshake.connection import Pump
from probe.handshake.conversation import OtlpConversation
from probe.handshake.dial import dial
from probe.handshake.prepared import Prepared, prepare
from probe.handshake.proxy import ProxyTunnel
from probe.handshake.redaction import answer_without, ending_without
from probe.handshake.resolver import ResolutionError, Resolver
from probe.handshake.tls import TlsClient, TlsPlan, sni_of
from probe.safe_text import safe_text
from probe.target import Target

SHORTEST_QUIET: Final = 0.02
LONGEST_QUIET: Final = 1.0
"""Seconds to let a TLS 1.3 backend speak first: five round trips, within these bounds."""

_WITH_FIN: Final = getattr(socket, "MSG_MORE", 0)
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
    durations: dict[str, float] = field(default_factory=dict)
    round_trip: float = 0.0


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
    ) -> None:
        """Take the dependencies; `wall_clock` gives seconds since the epoch."""
        self._credentials = credentials
        self._reader = reader
        self._resolver = resolver
        self._wall_clock = wall_clock
        self._user_agent = user_agent
        self._clock_tolerance = clock_tolerance
        self._prepared: dict[str, Prepared] = {}
        self._scratch = Scratch()
        self._plans: dict[tuple[str, Variant], TlsPlan] = {}
        # A backend names the same authorities each time; a hostile one can't grow this.
        self._read_name = lru_cache(maxsize=1024)(name_from_der)

    async def attempt(self, target: Target) -> Evidence:
        """Try `target` once and return all that was seen.

        Only cancellation and bugs of ours raise.
        """
        started = monotonic()
        prepared = self._prepare(target)
        progress = _Progress(at=self._wall_clock())
        credentials = self._credentials.get(target)
        progress.durations["load"] = monotonic() - started
        if credentials.facts.faults and not target.plaintext:
            ending = Ending(stage="load", kind="credentials")
        else:
            deadline = started + target.timeout
            ending = await self._reach(prepared, credentials, progress, deadline)
        return Evidence(
            target=prepared.facts,
            at=progress.at,
            ending=ending,
            credentials=credentials.facts,
            addresses=progress.addresses,
            connects=tuple(progress.connects),
            peer_address=progress.peer_address,
            handshake=progress.handshake,
            recheck=progress.recheck,
            answer=progress.answer,
            clock=_clock(progress.answer),
            durations=progress.durations,
        )

    def forget(self, names: set[str]) -> None:
        """Drop what was prepared for targets that are gone."""
        for name in names & self._prepared.keys():
            del self._prepared[name]
        for key in [key for key in self._plans if key[0] in names]:
            del self._plans[key]

    def _prepare(self, target: Target) -> Prepared:
        known = self._prepared.get(target.name)
        if known is not None and known.target is target:
            return known
        self.forget({target.name})
        prepared = prepare(target, self._user_agent, self._clock_tolerance)
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
        leftover = b""
        if prepared.target.proxy_url is not None:
            tunnel = ProxyTunnel(prepared.target.proxy_url.reveal(), prepared.target.endpoint)
            await Pump(loop, sock, tunnel).run(deadline)
            assert tunnel.ending is not None
            if not tunnel.open:
                return tunnel.ending
            leftover = tunnel.leftover
        quiet = min(max(5 * progress.round_trip, SHORTEST_QUIET), LONGEST_QUIET)
        conversation = OtlpConversation(
            self._tls_client(prepared, credentials, Variant()),
            prepared.request,
            purpose=prepared.purpose,
            grpc=prepared.target.protocol == "grpc",
            quiet=quiet,
        )
        try:
            await Pump(loop, sock, conversation).run(deadline, leftover)
        finally:
            progress.handshake = conversation.handshake
            progress.durations |= conversation.durations
        _say_farewell(sock, conversation)
        ending, headers = conversation.ending, prepared.target.headers
        assert ending is not None
        if conversation.answer is not None:
            progress.answer = msgspec.structs.replace(
                answer_without(conversation.answer, headers), received_at=self._wall_clock()
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
        if prepared.target.proxy_url is not None:
            return None
        loop = asyncio.get_running_loop()
        tls = self._tls_client(prepared, credentials, _TLS12)
        outcome = await dial(progress.peer_address, prepared.dial.port, deadline)
        if isinstance(outcome, Ending) or tls is None:
            return None
        conversation = OtlpConversation(
            tls, prepared.request, purpose="handshake", grpc=False, quiet=0.0
        )
        with outcome:
            await Pump(loop, outcome, conversation).run(deadline)
            _say_farewell(outcome, conversation)
        assert conversation.ending is not None
        assert conversation.handshake is not None
        return Recheck(handshake=conversation.handshake, ending=conversation.ending)

    def _tls_client(
        self, prepared: Prepared, credentials: Credentials, variant: Variant
    ) -> TlsClient | None:
        target = prepared.target
        if target.plaintext:
            return None
        return TlsClient(self._plan(prepared, credentials, variant))

    def _plan(self, prepared: Prepared, credentials: Credentials, variant: Variant) -> TlsPlan:
        """Return the plan of this generation, made at its first use."""
        key = (prepared.target.name, variant)
        known = self._plans.get(key)
        context = credentials.context(variant)
        if known is not None and known.context is context:
            return known
        target, settings = prepared.target, prepared.target.tls
        plan = self._plans[key] = TlsPlan(
            context=context,
            reference_identifier=target.reference_identifier,
            alpn=prepared.alpn,
            sni=sni_of(prepared.server_name),
            scratch=self._scratch,
            read_certificate=self._reader.read_der,
            read_name=self._read_name,
            skip_verify=settings.insecure_skip_verify,
            sends_certificate=bool(credentials.facts.client_chain) and variant.client_certificate,
            offer=Offer(
                min_version=variant.min_version or settings.min_version or "1.2",
                max_version=variant.max_version or settings.max_version or "1.3",
                ciphers=variant.ciphers or settings.cipher_suites,
                groups=variant.groups or settings.curve_preferences,
                alpn=tuple(name.decode() for name in prepared.alpn),
                server_name=safe_text(prepared.server_name),
            ),
        )
        return plan


def _silent_refusal(ending: Ending, handshake: Handshake | None) -> bool:
    return (
        ending.kind in {"close", "reset"}
        and ending.stage == "accept"
        and handshake is not None
        and handshake.complete
        and handshake.version == "1.3"
        and handshake.client_certificate_sent
    )


def _say_farewell(sock: socket.socket, conversation: OtlpConversation) -> None:
    farewell = conversation.farewell()
    if farewell:
        try:
            # Held back, so that it leaves in one segment with the FIN of the close that follows.
            sock.send(farewell, _WITH_FIN)
        except OSError:
            return  # the peer has gone already, which is no news about it


def _clock(answer: Answer | None) -> tuple[ClockReading, ...]:
    if answer is None or answer.date is None or answer.received_at is None:
        return ()
    # The Date header has whole seconds (RFC 9110 §5.6.7): on average half a second has passed.
    offset = answer.date + 0.5 - answer.received_at
    return (ClockReading(source="http_date", offset=offset, uncertainty=1.0),)
