"""A conversation with a TLS server in memory, step by step, with its own clock."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hyperframe.frame import SettingsFrame
from OpenSSL import SSL

from probe.attempt.otlp_session import OtlpSession, Purpose
from probe.backend.answers import Request, answer_request
from probe.backend.http1_server import Http1Server
from probe.backend.http2_server import Http2Server
from probe.model.evidence import Stage
from probe.model.target import Depth, Endpoint, Protocol, Secret, Target
from probe.otlp.request import build_request
from probe.tls.client import TlsClient
from probe.tls.settings import ClientSettings
from tests.support.loopback_client import OTHER_CA
from tests.support.memory_peer import MemoryServer, server_context, settings_of
from tests.support.pki import Issued

NOW = datetime(2026, 11, 22, tzinfo=UTC)
QUIET = 0.05
TOKEN = "s3cr3t-t0ken"
STRANGER = OTHER_CA.issue("stranger")
SETTINGS = SettingsFrame().serialize()


class Unticketed(TlsClient):
    """A client that takes no note of session tickets, as if the server sent none."""

    has_judged = False


@dataclass
class Talk:
    """A conversation, the server at its other end, and the time."""

    conversation: OtlpSession
    server: MemoryServer
    now: float = 100.0

    def start(self) -> "Talk":
        """Begin, and go on until both are silent."""
        self.conversation.start(self.now)
        return self.step()

    def step(self) -> "Talk":
        """Carry bytes to and fro until both are silent."""
        while output := self.conversation.take_output():
            if back := self.server.receive(output):
                self.conversation.receive(back, self.now)
        return self

    def receive(self, *parts: bytes) -> "Talk":
        """Let the server say `parts` inside TLS, in one segment."""
        self.conversation.receive(b"".join(map(self.server.say, parts)), self.now)
        return self.step()

    def wake(self) -> "Talk":
        """Let time pass until the conversation's timer is due."""
        assert self.conversation.wake_at is not None
        self.now = self.conversation.wake_at
        self.conversation.wake(self.now)
        return self.step()

    def later(self, seconds: float) -> "Talk":
        """Let time pass."""
        self.now += seconds
        return self

    @property
    def end(self) -> tuple[str, Stage] | None:
        """How and where it ended, if it did."""
        ending = self.conversation.ending
        return (ending.kind, ending.stage) if ending else None


def target(protocol: Protocol = "grpc", depth: Depth = "otlp") -> Target:
    """Return a target with a token in its headers."""
    return Target(
        name="t",
        endpoint=Endpoint("localhost", 4317),
        protocol=protocol,
        depth=depth,
        headers=(("authorization", Secret(f"Bearer {TOKEN}")),),
    )


def talk(
    context: SSL.Context | None = None,
    settings: ClientSettings | None = None,
    *,
    protocol: Protocol = "grpc",
    purpose: Purpose = "export",
    client: type[TlsClient] = Unticketed,
) -> Talk:
    """Return a conversation with a server of `context`, both silent after the handshake."""
    conversation = OtlpSession(
        client(settings or settings_of()),
        build_request(target(protocol), "mtls-probe/test"),
        purpose=purpose,
        needs_h2=protocol == "grpc",
        quiet=QUIET,
    )
    return Talk(conversation, MemoryServer(context or server_context())).start()


def answer(talk: Talk, protocol: Protocol = "grpc", over: str = "h2") -> Talk:
    """Let a real OTLP server answer what has arrived."""
    received: list[Request] = []

    def respond(request: Request) -> object:
        received.append(request)
        return answer_request(request, protocol, NOW)

    http = Http2Server(respond) if over == "h2" else Http1Server(respond)  # type: ignore[arg-type]  # as respond() answers
    return talk.receive(http.opening() + http.receive(talk.server.plain))


def unstarted(client: Issued, purpose: Purpose = "export") -> Talk:
    """Return a conversation with a server of TLS 1.3 that has not begun."""
    request = build_request(target(), "mtls-probe/test")
    conversation = OtlpSession(
        Unticketed(settings_of(client)), request, purpose=purpose, needs_h2=True, quiet=QUIET
    )
    return Talk(conversation, MemoryServer(server_context()))
