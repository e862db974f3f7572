"""Further connections that each vary one thing, to settle what the first handshake left open.

causes.md, "How ties are broken": they never send the target's headers, and all of one round share
one time budget. A round begins with the attempt's own handshake, unvaried: what a round shows is
about the attempt only where that ends as the attempt did. Whatever comes back is evidence.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final

import msgspec.structs

from probe.attempt.open_stream import Stream, open_stream
from probe.attempt.own_time import LoopDelays, OwnTime
from probe.attempt.prepared import Prepared
from probe.attempt.pump import Pump
from probe.attempt.session import OtlpConversation, Purpose
from probe.attempt.tls_setup import Plans
from probe.credentials.tls_context import Credentials, Variant
from probe.model.evidence import Ending, Experiment, Varied
from probe.model.target import Protocol, Target
from probe.otlp.plaintext_preface import Greeting
from probe.otlp.request import Request, build_request
from probe.system.own_limits import OwnLimitError
from probe.text.safe_text import safe_text
from probe.tls.client import TlsClient

QUIET: Final = 0.2
"""Seconds to let a TLS 1.3 backend speak first."""

EVERY_CIPHER: Final = ("ALL", "COMPLEMENTOFALL")
# "?" makes OpenSSL pass over what it does not have.
EVERY_GROUP: Final = (
    "X25519MLKEM768", "X25519", "P-256", "P-384", "P-521", "X448", "ffdhe2048", "ffdhe3072",
    "?ffdhe4096", "?brainpoolP256r1", "?brainpoolP384r1", "?brainpoolP512r1",
    "?brainpoolP256r1tls13", "?brainpoolP384r1tls13", "?brainpoolP512r1tls13",
    "?SecP256r1MLKEM768", "?SecP384r1MLKEM1024",
)  # fmt: skip

_VARIANTS: Final[dict[Varied, Variant]] = {
    "unvaried": Variant(),
    "no_client_certificate": Variant(client_certificate=False),
    "tls_1.2": Variant(max_version="1.2"),
    "tls_1.3": Variant(min_version="1.3", max_version="1.3"),
    "every_version": Variant(min_version="1.0", max_version="1.3"),
    "every_cipher": Variant(ciphers=EVERY_CIPHER),
    "every_group": Variant(groups=EVERY_GROUP),
    "no_alpn": Variant(),
    "other_protocol": Variant(),
    "tls": Variant(client_certificate=False),
}

_PURPOSES: Final[dict[Varied, Purpose]] = {
    "unvaried": "tls",
    "no_client_certificate": "tls",
    "other_protocol": "export",
}


class Experiments:
    """Runs rounds of experiments on the plans that the attempts use."""

    def __init__(
        self,
        plans: Plans,
        delays: LoopDelays,
        *,
        wall_clock: Callable[[], float],
        user_agent: str,
    ) -> None:
        """Take the dependencies; `wall_clock` gives seconds since the epoch."""
        self._plans = plans
        self._delays = delays
        self._wall_clock = wall_clock
        self._user_agent = user_agent

    async def round(
        self,
        prepared: Prepared,
        credentials: Credentials,
        address: str,
        varied: Sequence[Varied],
        deadline: float,
        *,
        asked: bool = False,
    ) -> tuple[Experiment, ...]:
        """Repeat the attempt unvaried, then make each variation of `varied` at `address`.

        All of it until `deadline` (monotonic seconds). Where this process was held up meanwhile,
        the unvaried handshake is recorded as ended by that, so that the round shows nothing.
        `asked` says that the attempt ended at its request: then the repetition makes it, too.
        """
        kinds: tuple[Varied, ...] = ("unvaried", *varied)
        done: list[Experiment] = []
        with self._delays.watch(deadline - monotonic()) as own:
            for index, one in enumerate(kinds):
                left = deadline - monotonic()
                if left <= 0:
                    break
                began = monotonic()
                share = left / (len(kinds) - index)
                made = await self._one(
                    prepared, credentials, address, one, began + share, asked=asked
                )
                done.append(msgspec.structs.replace(made, duration=monotonic() - began))
            if done and own.noticeable:
                ours = Ending(stage="handshake", kind="probe_fault", detail=own.describe())
                done[0] = msgspec.structs.replace(done[0], ending=ours)
        return tuple(done)

    async def _one(
        self,
        prepared: Prepared,
        credentials: Credentials,
        address: str,
        varied: Varied,
        deadline: float,
        *,
        asked: bool,
    ) -> Experiment:
        at = self._wall_clock()
        with self._delays.watch(deadline - monotonic()) as own:
            try:
                return await self._made(
                    prepared, credentials, address, varied, at, deadline, own, asked=asked
                )
            except OwnLimitError as error:
                ours = Ending(stage="handshake", kind="probe_fault", detail=error.detail)
                return Experiment(varied=varied, at=at, ending=ours)

    async def _made(
        self,
        prepared: Prepared,
        credentials: Credentials,
        address: str,
        varied: Varied,
        at: float,
        deadline: float,
        own: OwnTime,
        *,
        asked: bool,
    ) -> Experiment:
        stream = await open_stream(prepared, address, deadline, own)
        if isinstance(stream, Ending):
            return Experiment(varied=varied, at=at, ending=stream)
        with stream.sock:
            if varied == "plaintext":
                return await _greet(stream, at, deadline)
            try:
                conversation = self._conversation(prepared, credentials, varied, asked=asked)
            except ValueError as error:
                # A target without TLS may have TLS settings that nobody has looked at yet.
                fault = Ending(stage="load", kind="probe_fault", detail=safe_text(str(error)))
                return Experiment(varied=varied, at=at, ending=fault)
            loop = asyncio.get_running_loop()
            await Pump(loop, stream.sock, conversation).run(deadline, stream.leftover)
        assert conversation.ending is not None
        return Experiment(
            varied=varied,
            at=at,
            ending=conversation.ending,
            handshake=conversation.handshake,
            answer=conversation.answer,
        )

    def _conversation(
        self, prepared: Prepared, credentials: Credentials, varied: Varied, *, asked: bool
    ) -> OtlpConversation:
        protocol, alpn = prepared.target.protocol, prepared.alpn
        request, purpose = prepared.request, _PURPOSES.get(varied, "handshake")
        if varied == "no_alpn":
            alpn = ()
        elif varied == "other_protocol":
            protocol, alpn, request = _other(prepared.target, self._user_agent)
        elif varied == "unvaried" and asked:
            request, purpose = _bare(prepared.target, self._user_agent), "export"
        return OtlpConversation(
            None
            if prepared.target.plaintext and varied != "tls"
            else TlsClient(self._plans.get(prepared, credentials, _VARIANTS[varied], alpn)),
            request,
            # A refusal for want of a certificate may come only after the handshake: purpose tls
            # waits for it, and writes no more than the protocol's opening.
            purpose=purpose,
            grpc=protocol == "grpc" and varied != "no_client_certificate",
            quiet=QUIET,
        )


async def _greet(stream: Stream, at: float, deadline: float) -> Experiment:
    greeting = Greeting()
    await Pump(asyncio.get_running_loop(), stream.sock, greeting).run(deadline, stream.leftover)
    assert greeting.ending is not None
    return Experiment(
        varied="plaintext", at=at, ending=greeting.ending, first_bytes=greeting.first.hex()
    )


def _bare(target: Target, user_agent: str) -> Request:
    """Return the target's request without any header of its own."""
    return build_request(replace(target, headers=()), user_agent)


def _other(target: Target, user_agent: str) -> tuple[Protocol, tuple[bytes, ...], Request]:
    """Return the other OTLP protocol, what it offers, and its request without any header."""
    protocol: Protocol = "http/protobuf" if target.protocol == "grpc" else "grpc"
    alpn = (b"h2",) if protocol == "grpc" else (b"h2", b"http/1.1")
    return protocol, alpn, _bare(replace(target, protocol=protocol), user_agent)
