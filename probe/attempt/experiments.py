"""Further connections that each vary one thing, to decide what the first handshake left open.

They never send the target's headers, and all of one round share one time budget. A round begins
with the attempt's own handshake, unvaried: what a round shows is about the attempt only where that
ends as the attempt did. Whatever comes back is evidence. When rounds are made is not decided here.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

import msgspec.structs

from probe.attempt.connect import open_stream
from probe.attempt.loop_delays import DelayMeter, LoopDelays
from probe.attempt.otlp_session import OtlpSession, Purpose
from probe.attempt.prepared_target import PreparedTarget, encode_alpn
from probe.attempt.pump import Pump, send_close
from probe.attempt.session import PlaintextSession
from probe.attempt.target_network import Network
from probe.attempt.variant import UNVARIED, VARIANTS
from probe.credentials.tls_context import Credentials
from probe.model.evidence import Ending, Experiment, Handshake, OtherAddress, Recheck, Varied
from probe.model.runtime import find_sibling
from probe.model.target import Protocol
from probe.otlp.request import Request, build_request
from probe.surroundings.file_view import ViewError
from probe.system.own_limits import OwnLimitError
from probe.text.safe_text import safe_text
from probe.tls.client import TlsClient

OTHERS_AT_ONCE: Final = 4
"""Other addresses of a name with which a handshake is made at a time."""
QUIET_TIME: Final = 0.2
"""Seconds to wait for the refusal of a TLS 1.3 backend."""

_PURPOSES: Final[dict[Varied, Purpose]] = {
    "unvaried": "tls",
    "no_client_certificate": "tls",
    "other_protocol": "export",
}


_AS_THE_ATTEMPT: Final = frozenset({"unvaried", "no_client_certificate"})
"""Variations that send a request where the attempt has sent one."""


def is_silent_refusal(ending: Ending, handshake: Handshake | None) -> bool:
    """Return whether a certificate may have been refused in TLS 1.3 without an alert."""
    return (
        ending.kind in {"close", "reset"}
        and ending.stage == "accept"
        and handshake is not None
        and handshake.complete
        and handshake.version == "1.3"
        and handshake.client_certificate_sent
    )


@dataclass(frozen=True, slots=True)
class ExperimentRound:
    """Further connections after an attempt that reached a backend."""

    prepared: PreparedTarget
    credentials: Credentials
    """Those of the attempt."""
    address: str
    """Of the backend, or of its proxy."""
    delays: LoopDelays
    network: Network
    """That of the attempt."""
    request_sent: bool
    """Whether the attempt ended at its request: then the unvaried repetition sends one, too, and so
    does the connection without a certificate, which some backends refuse above TLS only."""

    async def run(self, varied: Sequence[Varied], deadline: float) -> tuple[Experiment, ...]:
        """Repeat the attempt unvaried, then make each variation of `varied`.

        All of it until `deadline` (monotonic seconds). Where this process was held up meanwhile,
        the unvaried handshake is recorded as ended by that, so that the round shows nothing.
        """
        kinds: tuple[Varied, ...] = ("unvaried", *varied)
        done: list[Experiment] = []
        with self.delays.measure(deadline - monotonic()) as meter:
            for index, kind in enumerate(kinds):
                began = monotonic()
                left = deadline - began
                if left <= 0:
                    break
                made = await self._run_one(kind, began + left / (len(kinds) - index))
                done.append(msgspec.structs.replace(made, duration=monotonic() - began))
            if done and meter.is_noticeable:
                ours = Ending(stage="handshake", kind="probe_fault", detail=meter.describe())
                done[0] = msgspec.structs.replace(done[0], ending=ours)
        return tuple(done)

    async def recheck(self, deadline: float) -> Recheck | None:
        """Make one handshake capped at TLS 1.2, after a silent refusal in TLS 1.3.

        In TLS 1.2 the backend judges the client certificate within the handshake (RFC 5246 §7.3),
        so that the close cannot overtake its alert.

        Returns:
            None where the handshake showed nothing, or this process was held up.
        """
        at, began = self.prepared.settings.wall_clock(), monotonic()
        with self.delays.measure(self.prepared.target.timeout) as meter:
            try:
                made = await self._connect("tls_1.2", at, deadline, meter, orderly=True)
            except ViewError:
                return None  # the process whose network it is has ended
            held_up = meter.is_noticeable and made.ending.kind != "alert"
        if made.handshake is None or held_up:
            return None
        duration = monotonic() - began
        return Recheck(handshake=made.handshake, ending=made.ending, at=at, duration=duration)

    async def _run_one(self, varied: Varied, deadline: float) -> Experiment:
        at = self.prepared.settings.wall_clock()
        with self.delays.measure(deadline - monotonic()) as meter:
            try:
                return await self._connect(varied, at, deadline, meter)
            except OwnLimitError as error:
                ours = Ending(stage="handshake", kind="probe_fault", detail=error.detail)
                return Experiment(varied=varied, at=at, ending=ours)

    async def _connect(
        self,
        varied: Varied,
        now: float,
        deadline: float,
        meter: DelayMeter,
        *,
        orderly: bool = False,
    ) -> Experiment:
        """Make one connection; an `orderly` one ends with close_notify, which is recorded."""
        stream = await open_stream(self.prepared, self.address, deadline, meter, self.network)
        if isinstance(stream, Ending):
            return Experiment(varied=varied, at=now, ending=stream)
        with stream.sock:
            session: OtlpSession | PlaintextSession
            try:
                session = PlaintextSession() if varied == "plaintext" else self._session(varied)
            except ValueError as error:
                # A target without TLS may have TLS settings that nobody has looked at yet.
                fault = Ending(stage="load", kind="probe_fault", detail=safe_text(str(error)))
                return Experiment(varied=varied, at=now, ending=fault)
            pump = Pump(stream.sock, session, delays=self.delays)
            await pump.run(deadline, stream.leftover)
            if orderly:
                send_close(stream.sock, session.close())
        assert session.ending is not None
        if isinstance(session, PlaintextSession):
            first = session.first_bytes.hex()
            return Experiment(varied=varied, at=now, ending=session.ending, first_bytes=first)
        return Experiment(
            varied=varied,
            at=now,
            ending=session.ending,
            handshake=session.handshake,
            answer=session.answer,
        )

    def _session(self, varied: Varied) -> OtlpSession:
        prepared = self.prepared
        protocol, alpn = prepared.target.protocol, prepared.alpn
        request, purpose = prepared.request, _PURPOSES.get(varied, "handshake")
        if varied == "no_alpn":
            alpn = ()
        elif varied == "other_protocol":
            protocol = "http/protobuf" if protocol == "grpc" else "grpc"
            sibling = find_sibling(prepared.target.exporter, protocol)
            alpn, request = encode_alpn(sibling, protocol), self._bare_request(protocol)
        elif varied in _AS_THE_ATTEMPT and self.request_sent:
            request, purpose = self._bare_request(protocol), "export"
        tls = None
        if varied == "tls" or not prepared.target.plaintext:
            variant = VARIANTS.get(varied, UNVARIED)
            tls = TlsClient(prepared.make_tls_settings(self.credentials, variant, alpn))
        return OtlpSession(
            tls,
            request,
            # A refusal for want of a certificate may come only after the handshake: purpose tls
            # waits for it, and writes no more than the protocol's opening.
            purpose=purpose,
            needs_h2=protocol == "grpc"
            and (varied != "no_client_certificate" or purpose == "export"),
            quiet=QUIET_TIME,
        )

    def _bare_request(self, protocol: Protocol) -> Request:
        """Return the target's request in `protocol`, without the target's headers."""
        bare = replace(self.prepared.target, protocol=protocol, headers=())
        return build_request(bare, self.prepared.settings.user_agent)


async def try_addresses(
    own: ExperimentRound, addresses: Sequence[str], deadline: float
) -> tuple[OtherAddress, ...]:
    """Make the handshake of `own` with other addresses, some at a time, until `deadline`.

    It asks for nothing: a bare opening follows, and none of the target's headers.
    """
    turns = -(-len(addresses) // OTHERS_AT_ONCE)
    made: list[OtherAddress] = []
    for turn in range(turns):
        now = monotonic()
        until = now + (deadline - now) / (turns - turn)
        batch = addresses[turn * OTHERS_AT_ONCE : (turn + 1) * OTHERS_AT_ONCE]
        rounds = (replace(own, address=one, request_sent=False) for one in batch)
        seen = await asyncio.gather(*(each.run((), until) for each in rounds))
        made += [
            OtherAddress(address=address, seen=experiments[0])
            for address, experiments in zip(batch, seen, strict=True)
            if experiments
        ]
    return tuple(made)
