"""Experiments against real backends: one thing varied, no header sent, what it shows is named."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec.structs
import pytest

from probe.attempt.session import PlaintextSession
from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Varied
from probe.model.target import Endpoint, Protocol, Secret, Target, TlsSettings
from probe.service.pipeline import PipelineSettings
from probe.service.run_rounds import run_rounds
from tests.support.attempts import prober
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER, SERVER_CA, Start
from tests.support.pki import Issued, write_pem

GOOD = CLIENT_CA.issue("exporter")
STRANGER = OTHER_CA.issue("stranger")
EC_ONLY = "ECDHE-ECDSA-AES128-GCM-SHA256"
RSA_SUITES = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)


def target(
    folder: Path,
    port: int,
    client: Issued = GOOD,
    *,
    protocol: Protocol = "grpc",
    timeout: float = 5.0,
    **tls: Any,
) -> Target:
    """Return a target with the files of `client` and a header that is secret."""
    return Target(
        name="t",
        endpoint=Endpoint("127.0.0.1", port),
        protocol=protocol,
        timeout=timeout,
        headers=(("authorization", Secret("Bearer s3cr3t")),),
        tls=TlsSettings(
            ca_file=str(write_pem(folder, "ca.crt", SERVER_CA.pem)),
            cert_file=str(write_pem(folder, "tls.crt", client.pem)),
            key_file=str(write_pem(folder, "tls.key", client.key_pem)),
            **tls,
        ),
    )


async def observe(watched: Target, **options: Any) -> tuple[Evidence, Diagnosis]:
    """Make one attempt."""
    ((_, evidence, diagnosis),) = await run_rounds([watched], PipelineSettings(**options))
    return evidence, diagnosis


def varied(evidence: Evidence) -> list[Varied]:
    """Return what was varied, in order."""
    return [one.varied for one in evidence.experiments]


@pytest.mark.parametrize("behaviour", ["collector", "grpc_core"])
async def test_a_cipher_that_is_missing_is_named(
    start: Start, tmp_path: Path, behaviour: str
) -> None:
    """With every cipher offered the backend goes on; the fix names the suite in Go's words."""
    backend = await start(max_version="1.2", ciphers=EC_ONLY, behaviour=behaviour)
    watched = target(tmp_path, backend.port, cipher_suites=RSA_SUITES, max_version="1.2")
    _, diagnosis = await observe(watched)
    assert (diagnosis.cause, diagnosis.certain) == ("no_shared_cipher", True), diagnosis
    assert "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" in diagnosis.fix[0]
    assert any("with every group offered" in fact for fact in diagnosis.facts)


@pytest.mark.parametrize("behaviour", ["collector", "grpc_core"])
async def test_a_version_that_is_missing_is_named(
    start: Start, tmp_path: Path, behaviour: str
) -> None:
    """A min_version above the backend's, whether it sends an alert or just closes."""
    backend = await start(max_version="1.2", behaviour=behaviour)
    _, diagnosis = await observe(target(tmp_path, backend.port, min_version="1.3"))
    assert (diagnosis.cause, diagnosis.certain) == ("protocol_version_mismatch", True), diagnosis
    assert "TLS 1.2" in diagnosis.fix[0]


async def test_a_port_of_the_other_protocol_is_named_with_alpn(
    start: Start, tmp_path: Path
) -> None:
    """GRPC to a port that serves HTTP/1.1 alone: asked over OTLP/HTTP it answers, without headers."""
    async with http1_only(tmp_path) as (port, asked):
        evidence, diagnosis = await observe(target(tmp_path, port))
    assert diagnosis.cause == "alpn_mismatch"
    assert diagnosis.also == ("otlp_protocol_mismatch",)
    assert varied(evidence)[-1] == "other_protocol"
    assert asked
    assert b"POST /v1/traces" in asked[0]
    assert b"s3cr3t" not in b"".join(asked)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 502, 503])
async def test_a_proxy_without_h2_is_no_port_of_the_other_protocol(
    start: Start, tmp_path: Path, status: int
) -> None:
    """An error page in HTTP/1.1 does not say that OTLP/HTTP is served: the proxy lacks h2."""
    page = b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nbad" % status
    async with http1_only(tmp_path, page) as (port, _):
        _, diagnosis = await observe(target(tmp_path, port))
    assert (diagnosis.cause, diagnosis.also) == ("alpn_mismatch", ())
    assert diagnosis.party == "backend"
    assert not any("rules out otlp_protocol_mismatch" in fact for fact in diagnosis.facts)


TAKEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def http1_only(folder: Path, reply: bytes = TAKEN) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer `reply` over HTTP/1.1 and TLS; yield the port and what is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        write_pem(folder, "server.crt", SERVER.pem), write_pem(folder, "server.key", SERVER.key_pem)
    )
    context.set_alpn_protocols(["http/1.1"])
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if head := await reader.read(65536):
            asked.append(head)
            writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def test_a_silent_server_without_tls_is_unmasked_in_plaintext(tmp_path: Path) -> None:
    """It closes on a ClientHello without an alert, and answers an HTTP/2 preface with SETTINGS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.read(24)).startswith(b"PRI * HTTP/2.0"):
            writer.write(bytes.fromhex("000000040000000000"))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, diagnosis = await observe(target(tmp_path, port))
    assert (diagnosis.cause, diagnosis.certain) == ("not_tls", True), diagnosis
    assert "SETTINGS" in diagnosis.facts[0]


async def test_what_stays_silent_stays_uncertain(start: Start, tmp_path: Path) -> None:
    """A port that closes on everything: each experiment is reported, and nothing is claimed."""
    backend = await start(behaviour="close")
    evidence, diagnosis = await observe(target(tmp_path, backend.port))
    assert (diagnosis.cause, diagnosis.certain) == ("connection_closed", False)
    assert "protocol_version_mismatch" not in diagnosis.also
    assert "no_shared_group" not in diagnosis.also
    # Suites of the backend's own may not fit its key, which no offer of ours changes.
    assert "no_shared_cipher" in diagnosis.also
    assert "not_tls" in diagnosis.also
    tried = [fact for fact in diagnosis.facts if fact.startswith("tried ")]
    assert len(tried) == len(evidence.experiments) == 9


async def test_a_mute_port_costs_one_further_timeout_and_no_more(
    start: Start, tmp_path: Path
) -> None:
    """All experiments of a round share one time budget."""
    backend = await start(behaviour="silent")
    before = monotonic()
    evidence, diagnosis = await observe(target(tmp_path, backend.port, timeout=0.6))
    assert monotonic() - before < 2.0
    assert diagnosis.cause == "tls_timeout"
    assert varied(evidence) == ["unvaried", "classic_groups", "plaintext", "tls_1.2"]


async def test_a_silent_refusal_is_asked_again_without_a_certificate(
    start: Start, tmp_path: Path
) -> None:
    """The true cause stays among the candidates, and `certain` stays false."""
    backend = await start(behaviour="grpc_core")
    evidence, diagnosis = await observe(target(tmp_path, backend.port, STRANGER))
    again, one = evidence.experiments
    assert (again.varied, again.ending.stage) == ("unvaried", "accept")
    assert again.ending.kind in {"close", "reset"}
    assert one.varied == "no_client_certificate"
    assert one.handshake is not None
    assert not one.handshake.client_certificate_sent
    assert "client_ca_untrusted" in {diagnosis.cause, *diagnosis.also}


@pytest.mark.parametrize(
    ("client", "backend_options"),
    [(STRANGER, {}), (GOOD, {"behaviour": "mute"})],
    ids=["refused by a naming alert", "unanswered"],
)
async def test_what_is_decided_is_not_experimented_with(
    start: Start, tmp_path: Path, client: Issued, backend_options: dict[str, Any]
) -> None:
    """No further handshake where nothing is open."""
    backend = await start(**backend_options)
    evidence, _ = await observe(target(tmp_path, backend.port, client, timeout=0.5))
    assert evidence.experiments == ()


@pytest.mark.parametrize(
    ("required", "found"), [(True, set()), (False, {"client_cert_not_requested"})]
)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_an_accepted_client_shows_whether_others_need_a_certificate(
    start: Start, tmp_path: Path, protocol: Protocol, required: bool, found: set[str]
) -> None:
    """Once more, and once without the certificate, with a request and without the target's headers."""
    backend = await start(protocol=protocol, require_client_certificate=required)
    watched = target(tmp_path, backend.port, protocol=protocol)
    evidence, diagnosis = await observe(watched)
    assert [one.varied for one in evidence.experiments] == ["unvaried", "no_client_certificate"]
    assert diagnosis.outcome == "confirmed"
    assert {finding.cause for finding in diagnosis.findings} == found


async def test_a_token_is_not_shown_to_find_out(start: Start, tmp_path: Path) -> None:
    """Only the attempt itself sends the target's headers."""
    backend = await start(require_client_certificate=False)
    await observe(target(tmp_path, backend.port))
    shown = ["authorization" in dict(each.headers) for each in backend.requests]
    assert shown == [True, False, False]


async def test_experiments_can_be_switched_off(start: Start, tmp_path: Path) -> None:
    """One setting, and the probe makes no further handshake; it says what would decide."""
    backend = await start(behaviour="close")
    evidence, diagnosis = await observe(target(tmp_path, backend.port), experiments=False)
    assert evidence.experiments == ()
    assert "a request in plaintext" in diagnosis.would_decide


async def test_files_that_changed_meanwhile_are_not_experimented_with(
    start: Start, tmp_path: Path
) -> None:
    """Experiments on other files would not be about that attempt any more."""
    backend = await start(behaviour="grpc_core")
    probe = prober()
    watched = target(tmp_path, backend.port, STRANGER)
    evidence = await probe.attempt(watched)
    write_pem(tmp_path, "tls.crt", GOOD.pem)
    write_pem(tmp_path, "tls.key", GOOD.key_pem)
    assert await probe.run_experiments(watched, evidence, ("no_client_certificate",)) == ()


async def test_a_backend_that_is_gone_by_then_is_evidence(start: Start, tmp_path: Path) -> None:
    """The experiment could not connect: it says so, and rules nothing out."""
    backend = await start(behaviour="close")
    probe = prober()
    watched = target(tmp_path, backend.port)
    evidence = await probe.attempt(watched)
    await backend.stop()
    made = await probe.run_experiments(watched, evidence, ("every_cipher",))
    assert [one.ending.kind for one in made] == ["refused", "refused"]
    seen = msgspec.structs.replace(evidence, experiments=made)
    assert "no_shared_cipher" in diagnose(seen).also


@pytest.mark.parametrize(
    ("received", "kind"),
    [
        (b"HTTP/1.1 404 Not Found\r\n", "not_tls"),
        (bytes.fromhex("000000040000000000"), "not_tls"),
        (bytes.fromhex("15030100020246"), "alert"),
    ],
)
def test_first_bytes_in_plaintext_show_whether_it_is_tls(received: bytes, kind: str) -> None:
    """By the first two bytes; one alone says nothing yet."""
    session = PlaintextSession()
    assert session.take_output().startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    session.receive(received[:1], 0.0)
    assert session.ending is None
    session.receive(received[1:], 0.0)
    assert session.ending is not None
    assert session.ending.kind == kind
    assert session.first_bytes == received[:64]
