"""One attempt, from files to an answer, against real backends on loopback."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hyperframe.frame import RstStreamFrame, SettingsFrame

from probe.credentials.certificate import CertificateReader
from probe.credentials.store import CredentialStore
from probe.demo.answers import Answers
from probe.demo.backend import Backend, Behaviour
from probe.demo.pki import Issued, write_pem
from probe.evidence import ConnectTry, Evidence, from_json, to_json
from probe.handshake.attempt import Prober
from probe.handshake.resolver import Resolver
from probe.target import Depth, Endpoint, Protocol, Secret, Target, TlsSettings
from tests.unit.loopback_client import CLIENT_CA, OTHER_CA, SERVER_CA, Start, backends
from tests.unit.memory_peer import MemoryServer, server_context

AT = 1_800_000_000.0
TOKEN = "s3cr3t-t0ken-of-the-tenant"
GOOD = CLIENT_CA.issue("exporter")
STRANGER = OTHER_CA.issue("stranger")
UNKNOWN_SERVER = OTHER_CA.issue("backend", usages=("serverAuth",))
HEADERS = (("authorization", Secret(f"Bearer {TOKEN}")), ("x-tenant", Secret("tenant-4711")))
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf")


class Names(Resolver):
    """A resolver that knows some names, and asks nobody."""

    def __init__(self, **addresses: Sequence[str]) -> None:
        """Know `addresses`."""
        super().__init__()
        self._addresses = addresses

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Return what is known."""
        return tuple(self._addresses.get(host) or await super().resolve(host))


def prober(resolver: Resolver | None = None, clock: Callable[[], float] = lambda: AT) -> Prober:
    """Return a prober whose clock stands still."""
    return Prober(
        CredentialStore(),
        CertificateReader(),
        resolver or Resolver(),
        wall_clock=clock,
        user_agent="mtls-probe/test",
    )


def target(
    folder: Path,
    port: int,
    client: Issued | None = GOOD,
    *,
    host: str = "127.0.0.1",
    protocol: Protocol = "grpc",
    depth: Depth = "otlp",
    timeout: float = 5.0,
    proxy_url: str | None = None,
    scheme: str = "",
    **tls: Any,
) -> Target:
    """Return a target with the files of `client` in `folder`, and headers that are secret."""
    files = {"ca_file": str(write_pem(folder, "ca.crt", SERVER_CA.pem))}
    if client is not None:
        files["cert_file"] = str(write_pem(folder, "tls.crt", client.pem))
        files["key_file"] = str(write_pem(folder, "tls.key", client.key_pem))
    return Target(
        name="t",
        endpoint=Endpoint(host, port, scheme=scheme),
        protocol=protocol,
        depth=depth,
        timeout=timeout,
        proxy_url=Secret(proxy_url) if proxy_url else None,
        headers=HEADERS,
        tls=TlsSettings(**{**files, **tls}),
    )


def end(evidence: Evidence) -> tuple[str, str]:
    """Return stage and kind of the ending."""
    return evidence.ending.stage, evidence.ending.kind


def received(evidence: Evidence) -> list[int]:
    """Return the numbers of the alerts that came."""
    assert evidence.handshake is not None
    return [a.number for a in evidence.handshake.alerts if a.direction == "received"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_healthy_backend(
    start: Start, tmp_path: Path, protocol: Protocol, version: str
) -> None:
    """It answers; the evidence holds every stage's share, and the request was what OTLP asks."""
    backend = await start(protocol=protocol, max_version=version)
    evidence = await prober().attempt(target(tmp_path, backend.port, protocol=protocol))

    assert end(evidence) == ("export", "answered")
    assert evidence.at == AT
    assert evidence.peer_address == "127.0.0.1"
    assert evidence.connects == (ConnectTry(address="127.0.0.1"),)
    assert evidence.answer is not None
    assert evidence.answer.http_status == 200
    assert evidence.answer.received_at == AT
    seen = evidence.handshake
    assert seen is not None
    assert (seen.complete, seen.version, seen.alpn) == (True, version, "h2")
    assert seen.client_certificate_sent
    assert [name.text for name in seen.acceptable_cas] == ["CN=client CA"]
    assert evidence.credentials.client_chain[0].subject.text == "CN=exporter"
    assert evidence.recheck is None
    (request,) = backend.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"].startswith("mtls-probe/test")


async def test_durations_by_stage(start: Start, tmp_path: Path) -> None:
    """Each stage that was reached has one, none is negative, and together they are the attempt."""
    backend = await start()
    before = time.monotonic()
    evidence = await prober().attempt(target(tmp_path, backend.port))
    took = time.monotonic() - before

    assert set(evidence.durations) == {
        "load",
        "resolve",
        "connect",
        "handshake",
        "accept",
        "export",
    }
    assert min(evidence.durations.values()) >= 0
    assert took * 0.5 < sum(evidence.durations.values()) <= took


@pytest.mark.parametrize(
    ("behaviour", "stage", "kind"),
    [
        ("silent", "handshake", "timeout"),
        ("mute", "export", "timeout"),
        ("close", "handshake", "close"),
        ("reset", "handshake", "reset"),
        ("clear", "handshake", "not_tls"),
    ],
)
async def test_a_backend_that_breaks_off(
    start: Start, tmp_path: Path, behaviour: Behaviour, stage: str, kind: str
) -> None:
    """Each behaviour is told from the others, and none is a success."""
    backend = await start(behaviour=behaviour)
    evidence = await prober().attempt(target(tmp_path, backend.port, timeout=0.3))
    assert end(evidence) == (stage, kind)
    assert evidence.answer is None
    assert evidence.recheck is None


@pytest.mark.parametrize("behaviour", ["silent", "mute"])
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_the_deadline_is_kept(
    start: Start, tmp_path: Path, behaviour: Behaviour, depth: Depth
) -> None:
    """A silent peer has `timeout` seconds, whatever the depth."""
    backend = await start(behaviour=behaviour)
    before = time.monotonic()
    evidence = await prober().attempt(target(tmp_path, backend.port, timeout=0.2, depth=depth))
    assert evidence.ending.kind == "timeout"
    assert 0.19 <= time.monotonic() - before < 0.6


@pytest.mark.parametrize(
    ("client", "numbers"),
    [(STRANGER, {"1.2": 48, "1.3": 48}), (None, {"1.2": 40, "1.3": 116})],
    ids=["unknown CA", "none sent"],
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_a_refusal_as_go_refuses(
    start: Start,
    tmp_path: Path,
    client: Issued | None,
    numbers: dict[str, int],
    version: str,
    depth: Depth,
) -> None:
    """The alert is in the evidence, at either depth; the request never reached the backend."""
    backend = await start(max_version=version)
    evidence = await prober().attempt(target(tmp_path, backend.port, client, depth=depth))

    assert end(evidence) == ("handshake" if version == "1.2" else "accept", "alert")
    assert received(evidence) == [numbers[version]]
    assert list(backend.requests) == []
    assert evidence.recheck is None


async def test_the_alert_is_never_lost(start: Start, tmp_path: Path) -> None:
    """Not once in sixty attempts, with the RST right behind it."""
    backend = await start()
    refused, probe = target(tmp_path, backend.port, STRANGER), prober()
    seen = [await probe.attempt(refused) for _ in range(60)]
    assert {(end(each), tuple(received(each))) for each in seen} == {(("accept", "alert"), (48,))}


def test_the_same_on_uvloop(tmp_path: Path) -> None:
    """The loop of the service: a refusal, a success, and a silent peer."""

    async def three() -> list[tuple[str, str]]:
        async with backends() as begin:
            picky, silent = await begin(), await begin(behaviour="silent")
            probe = prober()
            return [
                end(await probe.attempt(target(tmp_path, picky.port, STRANGER))),
                end(await probe.attempt(target(tmp_path, picky.port))),
                end(await probe.attempt(target(tmp_path, silent.port, timeout=0.1))),
            ]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(three()) == [
            ("accept", "alert"),
            ("export", "answered"),
            ("handshake", "timeout"),
        ]


@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_a_refusal_without_a_word_is_asked_again_at_tls12(
    start: Start, tmp_path: Path, depth: Depth
) -> None:
    """grpc-core closes in TLS 1.3; capped at 1.2 the refusal falls inside the handshake."""
    backend = await start(behaviour="grpc_core")
    evidence = await prober().attempt(target(tmp_path, backend.port, STRANGER, depth=depth))

    assert end(evidence) == ("accept", "close")
    assert received(evidence) == []
    assert evidence.recheck is not None
    assert evidence.recheck.handshake.version == "1.2"
    assert not evidence.recheck.handshake.complete
    assert evidence.recheck.handshake.client_certificate_sent
    assert (evidence.recheck.ending.stage, evidence.recheck.ending.kind) == ("handshake", "close")


async def test_the_second_handshake_may_bring_the_alert(start: Start, tmp_path: Path) -> None:
    """A backend that swallows its alert in TLS 1.3 alone says it in TLS 1.2."""
    silent = await start(behaviour="grpc_core")
    talking = await start(max_version="1.2")
    at_first, taken = True, []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_first
        backend, at_first = (silent, False) if at_first else (talking, False)
        taken.append(backend)
        await splice(reader, writer, backend.port)

    async with serving(forward) as port:
        evidence = await prober().attempt(target(tmp_path, port, STRANGER))
    assert taken == [silent, talking]
    assert end(evidence) == ("accept", "close")
    assert evidence.recheck is not None
    assert evidence.recheck.ending.kind == "alert"
    assert [a.number for a in evidence.recheck.handshake.alerts] == [48]


@pytest.mark.parametrize("client", [GOOD, None])
async def test_nobody_is_asked_again_without_need(
    start: Start, tmp_path: Path, client: Issued | None
) -> None:
    """Not after a success, nor where no certificate was sent."""
    backend = await start(behaviour="grpc_core")
    evidence = await prober().attempt(target(tmp_path, backend.port, client))
    assert evidence.recheck is None
    assert evidence.ending.kind == ("answered" if client else "close")


async def test_a_refused_request_is_not_asked_again(tmp_path: Path) -> None:
    """RST_STREAM is a word about the request, not a silent refusal of the certificate."""
    context, taken = server_context(), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = MemoryServer(context)
        taken.append(server)
        while data := await reader.read(65536):
            writer.write(server.receive(data))
            if server.plain:
                refusal = RstStreamFrame(1, error_code=7)
                writer.write(server.say(SettingsFrame().serialize() + refusal.serialize()))
                break
        writer.close()

    async with serving(serve) as port:
        evidence = await prober().attempt(target(tmp_path, port))
    assert end(evidence) == ("export", "close")
    assert evidence.ending.detail == "RST_STREAM, error code 7"
    assert (evidence.recheck, len(taken)) == (None, 1)


async def test_nginx_refuses_above_tls(start: Start, tmp_path: Path) -> None:
    """The handshake is complete and verified; the refusal is an HTTP 400 with its text."""
    backend = await start(behaviour="nginx", protocol="http/protobuf")
    refused = target(tmp_path, backend.port, STRANGER, protocol="http/protobuf")
    evidence = await prober().attempt(refused)

    assert end(evidence) == ("export", "answered")
    assert evidence.answer is not None
    assert (evidence.answer.http_status, evidence.answer.server) == (400, "nginx")
    assert "SSL certificate error" in evidence.answer.message

    at_tls = await prober().attempt(replace(refused, depth="tls"))
    assert end(at_tls) == ("accept", "application_data")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_headers_never_reach_a_server_that_is_not_verified(
    start: Start, tmp_path: Path, protocol: Protocol, depth: Depth
) -> None:
    """Nothing at all of the application does; the chain is recorded all the same."""
    backend = await start(server=UNKNOWN_SERVER, protocol=protocol)
    evidence = await prober().attempt(
        target(tmp_path, backend.port, protocol=protocol, depth=depth)
    )
    assert end(evidence) == ("handshake", "unverified")
    assert list(backend.requests) == []
    assert evidence.handshake is not None
    assert [error.code for error in evidence.handshake.verify_errors] == [20]
    assert evidence.handshake.server_chain[0].subject.text == "CN=backend"


async def test_insecure_skip_verify_lets_the_request_through(start: Start, tmp_path: Path) -> None:
    """The user's word; the errors are recorded."""
    backend = await start(server=UNKNOWN_SERVER)
    evidence = await prober().attempt(target(tmp_path, backend.port, insecure_skip_verify=True))
    assert end(evidence) == ("export", "answered")
    assert backend.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert evidence.handshake is not None
    assert evidence.handshake.verify_errors


async def test_a_wrong_name_is_not_verified(start: Start, tmp_path: Path) -> None:
    """server_name_override is what the certificate must hold, and what is sent as SNI."""
    backend = await start()
    wrong = target(tmp_path, backend.port, server_name_override="collector.example.com")
    evidence = await prober().attempt(wrong)
    assert end(evidence) == ("handshake", "unverified")
    assert evidence.handshake is not None
    assert evidence.handshake.name_check is not None
    assert not evidence.handshake.name_check.matched
    assert evidence.handshake.offer.server_name == "collector.example.com"


async def test_depth_tls_is_confirmed_without_a_request(start: Start, tmp_path: Path) -> None:
    """SETTINGS after our last flight, and no refusal in the quiet time."""
    backend = await start()
    evidence = await prober().attempt(target(tmp_path, backend.port, depth="tls"))
    assert end(evidence) == ("accept", "application_data")
    assert list(backend.requests) == []


async def test_addresses_are_tried_in_order(start: Start, tmp_path: Path) -> None:
    """The first that connects is it; those before it are recorded with their errors."""
    backend = await start()
    resolver = Names(collector=("127.0.0.2", "127.0.0.1", "127.0.0.3"))
    evidence = await prober(resolver).attempt(
        target(tmp_path, backend.port, host="collector", server_name_override="localhost")
    )
    assert end(evidence) == ("export", "answered")
    assert evidence.addresses == ("127.0.0.2", "127.0.0.1", "127.0.0.3")
    assert evidence.connects == (
        ConnectTry(address="127.0.0.2", error="ECONNREFUSED"),
        ConnectTry(address="127.0.0.1"),
    )
    assert evidence.peer_address == "127.0.0.1"


async def test_where_all_addresses_fail_the_last_of_ipv4_decides(tmp_path: Path) -> None:
    """All are recorded; an IPv6 error decides only where there is no other."""
    port = free_port()
    both = await prober(Names(h=("127.0.0.2", "127.0.0.1", "not:an:address"))).attempt(
        target(tmp_path, port, host="h")
    )
    assert both.ending.detail == "ECONNREFUSED"
    assert end(both) == ("connect", "refused")
    assert [each.address for each in both.connects] == ["127.0.0.2", "127.0.0.1", "not:an:address"]
    assert (both.peer_address, both.handshake) == ("", None)

    six = await prober(Names(h=("not:an:address",))).attempt(target(tmp_path, port, host="h"))
    assert end(six) == ("connect", "socket")


async def test_one_address_that_hangs_leaves_time_for_the_next(
    start: Start, tmp_path: Path
) -> None:
    """The time is shared out among the addresses that are left."""
    backend = await start()
    resolver = Names(h=("127.0.0.2", "127.0.0.1"))
    with ExitStack() as stack:
        # A listener whose queue is full drops every SYN.
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.2", backend.port))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        evidence = await prober(resolver).attempt(
            target(tmp_path, backend.port, host="h", server_name_override="localhost", timeout=0.5)
        )
    assert end(evidence) == ("export", "answered")
    assert evidence.connects == (
        ConnectTry(address="127.0.0.2", error="ETIMEDOUT"),
        ConnectTry(address="127.0.0.1"),
    )


async def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    """The resolver's code is the detail; a hanging one is cut at the deadline."""
    missing = await prober().attempt(target(tmp_path, 4317, host="a" * 64 + ".example"))
    assert end(missing) == ("resolve", "dns")
    assert missing.ending.detail == "EAI_NONAME"

    class Hanging(Resolver):
        async def resolve(self, host: str) -> tuple[str, ...]:
            await asyncio.sleep(60)
            return ()

    hanging = await prober(Hanging()).attempt(target(tmp_path, 4317, host="h", timeout=0.1))
    assert (end(hanging), hanging.ending.detail) == (("resolve", "dns"), "no answer in time")


async def test_a_fault_of_the_files_connects_nowhere(start: Start, tmp_path: Path) -> None:
    """The exporter would not start either."""
    backend = await start()
    broken = target(tmp_path, backend.port)
    (tmp_path / "tls.key").unlink()
    evidence = await prober().attempt(broken)
    assert end(evidence) == ("load", "credentials")
    assert evidence.credentials.faults
    assert (evidence.connects, evidence.handshake) == ((), None)


async def test_a_rotation_is_used_by_the_next_attempt(start: Start, tmp_path: Path) -> None:
    """The same target, new files: another context, another verdict."""
    backend, probe = await start(), prober()
    rotating = target(tmp_path, backend.port, STRANGER)
    first = await probe.attempt(rotating)
    write_pem(tmp_path, "tls.crt", GOOD.pem)
    write_pem(tmp_path, "tls.key", GOOD.key_pem)
    second = await probe.attempt(rotating)
    assert (end(first), end(second)) == (("accept", "alert"), ("export", "answered"))


async def test_a_target_that_changes_under_its_name(start: Start, tmp_path: Path) -> None:
    """Nothing of the old one is used; `forget` drops what was prepared."""
    backend, probe = await start(), prober()
    old = target(tmp_path, free_port())
    assert end(await probe.attempt(old)) == ("connect", "refused")
    assert end(await probe.attempt(target(tmp_path, backend.port))) == ("export", "answered")
    probe.forget({"t", "unheard of"})
    assert (probe._prepared, len(probe._plans)) == ({}, 0)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=2), timedelta(hours=-2)])
async def test_the_backend_s_clock_is_read_from_its_date(
    start: Start, tmp_path: Path, ahead: timedelta
) -> None:
    """Remote minus local, to the second; a gRPC answer without a Date has no reading."""
    backend = await start(protocol="http/protobuf", clock_offset=ahead, client_ca=None)
    evidence = await prober(clock=time.time).attempt(
        target(tmp_path, backend.port, protocol="http/protobuf")
    )
    (reading,) = evidence.clock
    assert reading.source == "http_date"
    assert reading.offset == pytest.approx(ahead.total_seconds(), abs=reading.uncertainty + 0.5)

    grpc = await start()
    assert (await prober().attempt(target(tmp_path, grpc.port))).clock == ()


async def test_in_clear(start: Start, tmp_path: Path) -> None:
    """An `http://` endpoint is spoken to without TLS; a TLS backend is no HTTP then."""
    plain = await start(behaviour="clear", protocol="http/protobuf")
    arguments: dict[str, Any] = {"protocol": "http/protobuf", "scheme": "http"}
    answered = await prober().attempt(target(tmp_path, plain.port, **arguments))
    assert end(answered) == ("export", "answered")
    assert answered.answer is not None
    assert (answered.answer.http_status, answered.handshake) == (400, None)
    assert "handshake" not in answered.durations

    backend = await start(protocol="http/protobuf")
    garbage = await prober().attempt(target(tmp_path, backend.port, **arguments))
    assert end(garbage) in {("export", "garbage"), ("export", "close")}


@asynccontextmanager
async def serving(
    client_connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    """Serve on loopback; yield the port."""
    server = await asyncio.start_server(client_connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def splice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Carry bytes to and from `port` of loopback until one side ends."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))


@asynccontextmanager
async def proxy(
    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n",
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve as a proxy that opens tunnels where `answer` says so; yield port and requests."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        writer.write(answer)
        if b" 200 " in answer:
            await splice(reader, writer, int(head.split()[1].rpartition(b":")[2]))
        writer.close()

    async with serving(serve) as port:
        yield port, asked


async def test_through_a_proxy(start: Start, tmp_path: Path) -> None:
    """The backend's name goes to the proxy and the certificate's check; credentials to it alone."""
    backend = await start()
    async with proxy() as (port, asked):
        evidence = await prober().attempt(
            target(
                tmp_path,
                backend.port,
                host="localhost",
                proxy_url=f"http://user:p4ssword@127.0.0.1:{port}",
            )
        )
    assert end(evidence) == ("export", "answered")
    (head,) = asked
    assert head.startswith(f"CONNECT localhost:{backend.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic " in head
    assert TOKEN.encode() not in head
    assert evidence.target.proxy == f"127.0.0.1:{port}"
    assert "proxy-authorization" not in backend.requests[0].headers
    assert "p4ssword" not in to_json(evidence).decode()


async def test_a_proxy_that_refuses(tmp_path: Path) -> None:
    """Its status line is the detail; nothing was said to any backend."""
    async with proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as (port, asked):
        evidence = await prober().attempt(
            target(tmp_path, 4317, host="h.example", proxy_url=f"http://127.0.0.1:{port}")
        )
    assert end(evidence) == ("connect", "proxy")
    assert "407" in evidence.ending.detail
    assert len(asked) == 1
    assert evidence.handshake is None


async def test_a_refusal_through_a_proxy(start: Start, tmp_path: Path) -> None:
    """The alert comes through; a silent refusal is asked again, through a tunnel of its own."""
    backend, silent = await start(), await start(behaviour="grpc_core")
    async with proxy() as (port, asked):
        url = f"http://127.0.0.1:{port}"
        alert = await prober().attempt(target(tmp_path, backend.port, STRANGER, proxy_url=url))
        close = await prober().attempt(target(tmp_path, silent.port, STRANGER, proxy_url=url))
    assert (end(alert), received(alert)) == (("accept", "alert"), [48])
    assert (end(close), len(asked)) == (("accept", "close"), 3)
    assert close.recheck is not None
    assert close.recheck.handshake.version == "1.2"


@pytest.mark.parametrize("client", [GOOD, STRANGER, None])
@pytest.mark.parametrize("behaviour", ["collector", "grpc_core", "nginx", "close", "clear"])
async def test_evidence_survives_json_and_holds_no_secret(
    start: Start, tmp_path: Path, behaviour: Behaviour, client: Issued | None
) -> None:
    """Nor does it hold a header's value, or a line of the key."""
    backend = await start(behaviour=behaviour)
    evidence = await prober().attempt(target(tmp_path, backend.port, client))
    raw = to_json(evidence)

    assert from_json(raw) == evidence
    assert evidence.target.header_names == ("authorization", "x-tenant")
    secrets = [TOKEN, "tenant-4711", "PRIVATE KEY"]
    if client is not None:
        secrets += client.key_pem.decode().splitlines()[1:-1]
    assert [secret for secret in secrets if secret in raw.decode()] == []


@pytest.mark.parametrize(
    "said",
    [
        f"token {TOKEN} has expired",
        f"bad credentials: Bearer {TOKEN}",
        "tenant-4711: " + "x" * 220 + TOKEN,
    ],
)
async def test_a_backend_that_repeats_a_header_tells_it_nobody(
    start: Start, tmp_path: Path, said: str
) -> None:
    """The value is taken out of its message, also where the message was cut within it (law 11)."""
    backend = await start(answers=Answers(grpc_status=(16, said)))
    evidence = await prober().attempt(target(tmp_path, backend.port))
    assert evidence.answer is not None
    assert evidence.answer.grpc_status == 16
    assert "(header value)" in evidence.answer.message
    assert TOKEN[:6] not in to_json(evidence).decode()
    # Four digits alone stand in a fingerprint now and then.
    assert "nant-4711" not in to_json(evidence).decode()


async def test_a_redirect_that_repeats_a_header_tells_it_nobody(
    start: Start, tmp_path: Path
) -> None:
    """Nor does its Location."""
    location = ("location", f"https://login.example.com/?token={TOKEN}")
    backend = await start(
        protocol="http/protobuf", answers=Answers(http_status=302, headers=(location,))
    )
    evidence = await prober().attempt(target(tmp_path, backend.port, protocol="http/protobuf"))
    assert evidence.answer is not None
    assert evidence.answer.location == "https://login.example.com/?token=(header value)"
    assert TOKEN not in to_json(evidence).decode()


async def test_cancellation_goes_through(start: Start, tmp_path: Path) -> None:
    """An attempt that is cancelled closes its socket and raises nothing else."""
    backend = await start(behaviour="silent")
    running = asyncio.create_task(prober().attempt(target(tmp_path, backend.port)))
    await asyncio.sleep(0.05)
    assert len(backend._connections) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0.02)
    assert len(backend._connections) == 0


async def test_no_attempt_leaves_a_descriptor_open(start: Start, tmp_path: Path) -> None:
    """Whatever its end, also after a second handshake."""
    good, silent = await start(), await start(behaviour="grpc_core")
    probe = prober()

    async def each() -> None:
        for port, client in ((good.port, GOOD), (silent.port, STRANGER), (free_port(), None)):
            await probe.attempt(target(tmp_path, port, client))
        await asyncio.sleep(0.02)

    await each()
    before = descriptors()
    for _ in range(5):
        await each()
    assert descriptors() <= before


def descriptors() -> int:
    """Return how many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_backend_is_what_the_tests_start() -> None:
    """All behaviours that a demo backend has are tried in this file."""
    tried = {"collector", "grpc_core", "nginx", "silent", "mute", "close", "reset", "clear"}
    assert set(Behaviour.__args__) == tried  # type: ignore[attr-defined]  # a Literal has them
    assert Backend.behaviour == "collector"
