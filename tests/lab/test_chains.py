"""Go's own TLS client judges chains as measured, and as the model does: a sample, and new chance."""

import asyncio
import base64
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest

from probe.exporters.go_certificate import Refusal
from probe.exporters.go_parser import parse_for_go
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target, TlsSettings
from probe.x509.parse import parse_certificate
from tests.lab.compiled import go_server
from tests.lab.exporters.generators.chain_case import ChainCase
from tests.lab.exporters.generators.chain_mutations import combine_rules, mesh_authorities
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measure_chains import encode_case, judge_by_go
from tests.lab.exporters.measured_facts import read_facts
from tests.support.attempts import prober
from tests.support.exporter_chains import KINDS_BY_TEXT, compare_verdict
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

EVERY = 11


@pytest.fixture(autouse=True)
def _needs_go() -> None:
    if shutil.which("go") is None:
        missing("Go is not installed")


def test_go_judges_as_measured() -> None:
    """One chain in eleven, always the same ones."""
    facts = read_facts("chains")["go"]
    cases = [case for case in generate_chains() if zlib.crc32(case.id.encode()) % EVERY == 0]
    versions, answers = judge_by_go(cases)
    differing = {
        one.id: (facts.answers[one.id], one) for one in answers if facts.answers[one.id] != one
    }
    assert not differing, f"measured with {dict(facts.versions)}, here {versions}"


def test_chains_that_nobody_measured_are_judged_alike() -> None:
    """Rules combined and meshes of CAs, of a seed that the facts do not hold."""
    cases = [*combine_rules(2, 150), *mesh_authorities(2, 150)]
    _, answers = judge_by_go(cases)
    compared = map(compare_verdict, cases, answers)
    assert not list(filter(None, compared))


SERVER = Path(__file__).parent / "exporters" / "chains-server" / "main.go"


def test_an_attempt_ends_as_the_exporter_would() -> None:
    """A real server sends one chain in fifty; the attempt ends as Go's client ended.

    Where OpenSSL cannot read what Go reads, the probe says that this is its own limit.
    """
    facts = read_facts("chains")["go"].answers
    cases = [case for case in generate_chains() if _is_attempted(case)]
    assert len(cases) > 100
    wrong = {
        case.id: (facts[case.id].text, evidence.ending, evidence.handshake)
        for case, evidence in asyncio.run(_attempt_all(cases))
        if not _ends_as(facts[case.id].text, evidence)
    }
    assert not wrong


def _is_attempted(case: ChainCase) -> bool:
    """Not where the server itself cannot sign, or the CA file stops the exporter before."""
    number = zlib.crc32(case.id.encode())
    held = [parse_certificate(der) for der in case.anchors]
    refused = [isinstance(parse_for_go(der), Refusal) for der in case.anchors]
    if "key-rsa-512-leaf" in case.id or None in held or any(refused) or not held:
        return False
    return number % 50 == 0 or case.id in _OWN_LIMIT


_OWN_LIMIT = {"rule/time-no-seconds/leaf", "rule/validity-trailing/intermediate"}


def _ends_as(text: str, evidence: Evidence) -> bool:
    handshake = evidence.handshake
    assert handshake is not None
    if not text:
        return evidence.ending.kind in {"answered", "probe_fault"} and not handshake.path_faults
    meant = next(kinds for pattern, kinds in KINDS_BY_TEXT.items() if re.search(pattern, text))
    return evidence.ending.kind == "unverified" and handshake.path_faults[0].kind in meant


async def _attempt_all(cases: Iterable[ChainCase]) -> list[tuple[ChainCase, Evidence]]:
    found = []
    async with _serving(cases) as served:
        async for case, port in served:
            made = prober(clock=lambda: float(case.at))  # noqa: B023 (used within this turn)
            pem = "".join(map(DER_cert_to_PEM_cert, case.anchors))
            target = Target(
                name=case.id,
                endpoint=Endpoint("127.0.0.1", port),
                protocol="http/protobuf",
                tls=TlsSettings(ca_pem=pem, server_name_override=case.name),
            )
            found.append((case, await made.attempt(target)))
    for case, evidence in found:
        if case.id in _OWN_LIMIT:
            assert evidence.ending.kind == "probe_fault"
    return found


@asynccontextmanager
async def _serving(
    cases: Iterable[ChainCase],
) -> AsyncIterator[AsyncIterator[tuple[ChainCase, int]]]:
    """Yield each case with the port of a server that sends its chain."""
    by_id = {case.id: case for case in cases}
    server = await asyncio.create_subprocess_exec(
        str(go_server(SERVER)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None

    async def send() -> None:
        for case in by_id.values():
            asked = {**encode_case(case), "key": base64.b64encode(case.key).decode()}
            server.stdin.write(json.dumps(asked).encode() + b"\n")
            await server.stdin.drain()
        server.stdin.close()

    async def read() -> AsyncIterator[tuple[ChainCase, int]]:
        async for line in server.stdout:
            answered = json.loads(line)
            yield by_id[answered["id"]], answered["port"]

    sending = asyncio.create_task(send())
    try:
        yield read()
        await sending
    finally:
        server.kill()
        await server.wait()
