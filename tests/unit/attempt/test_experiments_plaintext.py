"""What is asked of a port that closes upon plaintext: a TLS handshake, and the other protocol."""

import asyncio
from contextlib import suppress

import pytest

from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Protocol, Secret, Target, TlsSettings
from probe.service.pipeline import PipelineSettings
from probe.service.run_rounds import run_rounds
from tests.support.attempts import serving

TOKEN = "s3cr3t-t0ken-of-the-tenant"
CLIENT_HELLO = b"\x16\x03\x01"
PREFACE = b"PRI * HTTP/2.0\r\n"


def target(port: int, protocol: Protocol, tls: TlsSettings | None = None) -> Target:
    """Return a target without TLS, whose headers are secret."""
    return Target(
        name="t",
        endpoint=Endpoint("127.0.0.1", port, scheme="http"),
        protocol=protocol,
        timeout=3.0,
        tls=tls or TlsSettings(insecure=True),
        headers=(("authorization", Secret(f"Bearer {TOKEN}")),),
    )


async def closed_upon(
    protocol: Protocol, *, experiments: bool = True, tls: TlsSettings | None = None
) -> tuple[Evidence, Diagnosis, list[bytes]]:
    """Return what becomes of a port that closes upon anything, and what it was sent."""
    sent: list[bytes] = []

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent.append(await reader.read(65536))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with serving(close) as port:
        ((_, evidence, diagnosis),) = await run_rounds(
            [target(port, protocol, tls)], PipelineSettings(experiments=experiments)
        )
    return evidence, diagnosis, sent


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_further_connections_have_no_header_of_the_target(protocol: Protocol) -> None:
    """The attempt has them; the TLS handshake and the other protocol's request do not."""
    evidence, _, sent = await closed_upon(protocol)
    varied = {one.varied for one in evidence.experiments}
    others = [data for data in sent[1:] if data.startswith(CLIENT_HELLO)]
    other_protocol = b"POST /v1/traces HTTP/1.1" if protocol == "grpc" else PREFACE

    assert {"tls", "other_protocol"} <= varied
    assert others
    assert any(data.startswith(other_protocol) for data in sent[1:])
    assert not any(TOKEN.encode() in data for data in sent[1:])


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_without_experiments_what_remains_possible_is_said(protocol: Protocol) -> None:
    """One connection, and three causes."""
    _, diagnosis, sent = await closed_upon(protocol, experiments=False)

    assert len(sent) == 1
    assert diagnosis.cause in {"connection_closed", "connection_reset"}
    assert not diagnosis.certain
    assert {"tls_off", "otlp_protocol_mismatch"} <= set(diagnosis.also)


async def test_settings_of_tls_that_nobody_needed_are_no_fault_of_the_probes() -> None:
    """A target without TLS may name suites that do not exist: the handshake is left out."""
    settings = TlsSettings(insecure=True, cipher_suites=("NO_SUCH_SUITE",))
    evidence, diagnosis, _ = await closed_upon("grpc", tls=settings)

    assert diagnosis.cause in {"connection_closed", "connection_reset"}
    assert "tls_off" in diagnosis.also
    assert [one.ending.kind for one in evidence.experiments if one.varied == "tls"] == [
        "probe_fault"
    ]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_backends_of_two_kinds_behind_one_port_prove_nothing(protocol: Protocol) -> None:
    """Every second handshake is answered with an alert: a load balancer, and not a TLS port."""
    hellos = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal hellos
        asked = await reader.read(65536)
        if asked.startswith(CLIENT_HELLO):
            hellos += 1
            if hellos % 2:
                writer.write(bytes.fromhex("15030300020228"))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with serving(answer) as port:
        ((_, evidence, diagnosis),) = await run_rounds([target(port, protocol)], concurrency=1)
    assert [one.varied for one in evidence.experiments].count("tls") == 2
    assert (diagnosis.cause, diagnosis.certain) == ("connection_closed", False)
    assert "tls_off" in diagnosis.also


async def test_every_handshake_of_a_tls_port_is_answered() -> None:
    """The reverse: what answers each handshake with an alert is a TLS port, and certain."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.read(65536)).startswith(CLIENT_HELLO):
            writer.write(bytes.fromhex("15030300020228"))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with serving(answer) as port:
        ((_, _, diagnosis),) = await run_rounds([target(port, "grpc")], concurrency=1)
    assert (diagnosis.cause, diagnosis.certain) == ("tls_off", True)
