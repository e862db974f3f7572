"""`/probe` makes an attempt as the schedule does: experiments, our own failures, and its hostname."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probe.ledger.ledger import Ledger
from probe.model.evidence import Evidence
from probe.model.module import AllowEntry, AllowList, Module
from probe.model.target import Endpoint, Protocol, Secret, Target, TlsSettings
from probe.service.on_demand import OnDemand, Reply
from probe.service.pipeline import Pipeline, PipelineSettings
from probe.service.run_rounds import run_rounds
from probe.text.secret_register import MASK, SecretRegister
from tests.support.backends import Backend
from tests.support.demo_pki import PKI
from tests.support.loopback_client import CLIENT_CA, SERVER_CA, Start
from tests.support.pki import write_pem

RSA_ONLY = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)
EC_SERVER = "ECDHE-ECDSA-AES128-GCM-SHA256"


def settings(folder: Path, **more: Any) -> TlsSettings:
    """Return the files of a client that the backends of `start` accept."""
    issued = CLIENT_CA.issue("exporter")
    return TlsSettings(
        ca_file=str(write_pem(folder, "ca.crt", SERVER_CA.pem)),
        cert_file=str(write_pem(folder, "tls.crt", issued.pem)),
        key_file=str(write_pem(folder, "tls.key", issued.key_pem)),
        **more,
    )


def module(
    tls: TlsSettings,
    *allow: str,
    protocol: Protocol = "grpc",
    headers: tuple[tuple[str, Secret], ...] = (),
) -> Module:
    """Return a module with these files and this allow-list."""
    template = Target(
        name="m",
        endpoint=Endpoint("module.invalid", 4317),
        protocol=protocol,
        tls=tls,
        headers=headers,
    )
    return Module(
        "m", {("", protocol): template}, protocol, AllowList(tuple(map(AllowEntry.parse, allow)))
    )


def on_demand(one: Module, pipeline: Pipeline | None = None) -> OnDemand:
    """Return what makes attempts for the module."""
    return OnDemand(pipeline or Pipeline(Ledger()), lambda: {one.name: one}, concurrency=4)


def cause(reply: Reply) -> str:
    """Return the labels of the cause, as `/metrics` has them."""
    text = reply.body.decode()
    return next((line for line in text.splitlines() if line.startswith("mtls_probe_cause{")), "")


@pytest.mark.parametrize(
    ("served", "asked"),
    [
        ({"max_version": "1.2", "ciphers": EC_SERVER}, {"cipher_suites": RSA_ONLY, "max_version": "1.2"}),
        ({"max_version": "1.2", "behaviour": "grpc_core"}, {"min_version": "1.3"}),
        ({"max_version": "1.2"}, {"min_version": "1.3"}),
        ({"behaviour": "plaintext"}, {}),
        ({}, {}),
    ],
    ids=["cipher", "version, silent", "version", "plaintext", "well"],
)  # fmt: skip
async def test_its_verdict_is_that_of_a_scheduled_attempt(
    start: Start, tmp_path: Path, served: dict[str, Any], asked: dict[str, Any]
) -> None:
    """The same backend, the same settings: cause and certainty agree, experiments included."""
    backend = await start(**served)
    tls = settings(tmp_path, **asked)
    scheduled = Target(name="t", endpoint=Endpoint("127.0.0.1", backend.port), tls=tls)
    ((_, _, diagnosis),) = await run_rounds([scheduled], concurrency=1)

    pipeline = Pipeline(Ledger())
    probing = on_demand(module(tls, "127.0.0.0/8"), pipeline)
    reply = await probing.answer({"target": f"127.0.0.1:{backend.port}"}, {})

    assert reply.status == 200
    if diagnosis.cause is None:
        assert cause(reply) == ""
        assert b"\nprobe_success 1\n" in reply.body
    else:
        assert f'cause="{diagnosis.cause}"' in cause(reply)
        assert f'certain="{str(diagnosis.certain).lower()}"' in cause(reply)
    assert len(pipeline.ledger) == 0


async def test_without_experiments_none_is_made(start: Start, tmp_path: Path) -> None:
    """`experiments: {enabled: false}` holds here too: what they would prove stays open."""
    backend = await start(max_version="1.2", behaviour="grpc_core")
    one = module(settings(tmp_path, min_version="1.3"), "127.0.0.0/8")
    query = {"target": f"127.0.0.1:{backend.port}"}
    never = Pipeline(Ledger(), PipelineSettings(experiments=False))

    assert 'certain="true"' in cause(await on_demand(one).answer(query, {}))
    assert 'certain="false"' in cause(await on_demand(one, never).answer(query, {}))


async def test_what_is_kept_of_names_that_are_asked_for_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten thousand names of whoever asks leave the last few."""
    monkeypatch.setattr("probe.service.on_demand.MOST_KEPT_ENDPOINTS", 8)
    probing = on_demand(module(TlsSettings(insecure=True), "127.0.0.0/8"))
    for number in range(24):
        reply = await probing.answer({"target": f"127.0.0.{number + 1}:1"}, {})
        assert reply.status == 200
    assert len(probing._runtimes) == 8
    assert "127.0.0.24" in next(reversed(probing._runtimes.values())).target.name


async def test_a_failure_of_ours_is_probe_fault_and_no_error_page(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug on the way is not blamed on the target, and the scrape gets its metrics."""
    backend = await start()

    def broken(_: Evidence) -> Evidence:
        raise RuntimeError("can't start new thread")

    pipeline = Pipeline(Ledger())
    monkeypatch.setattr(pipeline.clocks, "add_readings", broken)
    probing = on_demand(module(settings(tmp_path), "127.0.0.0/8"), pipeline)
    for query in ({}, {"debug": "true"}):
        reply = await probing.answer({"target": f"127.0.0.1:{backend.port}", **query}, {})
        assert reply.status == 200
        assert b'cause="probe_fault"' in reply.body
        assert b"\nprobe_success 0\n" in reply.body


@asynccontextmanager
async def recording() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Take plaintext connections, keep what is asked, and answer as an OTLP/HTTP backend."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if head := await reader.read(65536):
            asked.append(head)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def test_the_hostname_is_the_host_of_an_http_request() -> None:
    """As blackbox_exporter's http prober has it; without one the address stands there."""
    one = module(TlsSettings(insecure=True), "127.0.0.0/8", protocol="http/protobuf")
    async with recording() as (port, asked):
        query = {"target": f"127.0.0.1:{port}"}
        await on_demand(one).answer({**query, "hostname": "collector.example.com"}, {})
        await on_demand(one).answer(query, {})
    assert b"host: collector.example.com\r\n" in asked[0].lower()
    assert b"host: 127.0.0.1:%d\r\n" % port in asked[1].lower()


async def test_what_somebody_asks_for_is_masked_nowhere_else() -> None:
    """Else whoever asks has words masked in the evidence of other targets, and in the log."""
    one = module(TlsSettings(insecure=True), "127.0.0.0/8", protocol="http/protobuf")
    register = SecretRegister()
    register.add("s3cret-of-another")
    words = "No%20required%20SSL%20certificate%20was%20sent"
    async with recording() as (port, asked):
        query = {"target": f"127.0.0.1:{port}/s3cret-of-another?w={words}", "debug": "true"}
        reply = await on_demand(one, Pipeline(Ledger(), register=register)).answer(query, {})
    assert reply.status == 200
    assert words.encode() in asked[0]
    assert register.mask("400: No required SSL certificate was sent").startswith("400: No required")
    assert register.mask("no s3cret-of-another") == f"no {MASK}"
    assert len(register) == 1


@pytest.mark.parametrize(
    ("hostname", "override", "success"),
    [
        ("localhost", "", 1),
        ("LOCALHOST", "", 1),
        ("elsewhere.example", "", 0),
        ("elsewhere.example", "localhost", 1),
    ],
)
async def test_the_hostname_is_the_name_in_tls_unless_the_module_has_one(
    backend: Backend, tmp_path: Path, hostname: str, override: str, success: int
) -> None:
    """The certificate must hold it, as with blackbox_exporter's tcp prober."""
    tls = replace(PKI.settings(tmp_path, PKI.exporter()), server_name_override=override)
    probing = on_demand(module(tls, "127.0.0.0/8"))
    query = {"target": f"127.0.0.1:{backend.port}", "hostname": hostname}
    reply = await probing.answer(query, {})
    assert f"\nprobe_success {success}\n".encode() in reply.body
    if not success:
        assert 'cause="server_name_mismatch"' in cause(reply)


@pytest.mark.parametrize(
    "hostname", ["a b", "a:1", "http://a", "x" * 300, "a\r\nX: y", "[::1]", "é"]
)
async def test_a_hostname_that_is_none_is_refused(hostname: str) -> None:
    """400 with the reason, before anything is looked up."""
    probing = on_demand(module(TlsSettings(), "*"))
    reply = await probing.answer({"target": "a:1", "hostname": hostname}, {})
    assert reply.status == 400
    assert b"not a valid host name" in reply.body
    assert b"\r" not in reply.body


async def test_a_host_of_the_modules_own_stands_against_another(tmp_path: Path) -> None:
    """As in blackbox_exporter: the same one is fine, another one an error."""
    headers = (("Host", Secret("a.example")),)
    tls = TlsSettings(insecure=True)
    one = module(tls, "127.0.0.0/8", protocol="http/protobuf", headers=headers)
    async with recording() as (port, asked):
        query = {"target": f"127.0.0.1:{port}"}
        reply = await on_demand(one).answer({**query, "hostname": "b.example"}, {})
        assert (reply.status, asked) == (400, [])
        assert b"a.example" not in reply.body
        assert (await on_demand(one).answer({**query, "hostname": "a.example"}, {})).status == 200
        assert asked


async def test_a_module_with_secret_headers_is_called_by_allowed_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever asks could have a token sent to a server that proves a name of his own."""
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *one: connected.append(one) or 111)
    headers = (("authorization", Secret("Bearer t0ken-of-the-module")),)
    tls = PKI.settings(tmp_path, PKI.exporter())
    query = {"target": "10.1.2.3:4317", "hostname": "collector.example.com"}

    reply = await on_demand(module(tls, "10.0.0.0/8", headers=headers)).answer(query, {})
    assert (reply.status, connected) == (403, [])
    assert b"add the hostname" in reply.body

    for one in (
        module(tls, "10.0.0.0/8", "*.example.com", headers=headers),
        module(tls, "10.0.0.0/8"),
    ):
        assert (await on_demand(one).answer(query, {})).status == 200
    assert connected
