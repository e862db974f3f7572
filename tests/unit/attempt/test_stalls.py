"""A backend that stalls now and then: no verdict about versions, ciphers or protocols follows."""

import random
from pathlib import Path
from typing import Literal

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Target
from probe.service.pipeline import Pipeline, PipelineSettings
from tests.support.attempts import target
from tests.support.loopback_client import Start
from tests.support.stalling_relay import stalling

pytestmark = pytest.mark.slow

LIMIT = 0.3
STALL = 0.5
PATTERNS = [
    pytest.param((True, True, False), id="two of three"),
    pytest.param((True, False), id="every other"),
    pytest.param((True, True, False, True), id="three of four"),
    pytest.param((True, False, False), id="one of three"),
    pytest.param((True, True, True, False), id="the fourth goes on"),
]
Stage = Literal["handshake", "accept", "export"]


async def rounds(watched: Target, count: int) -> list[tuple[Evidence, Diagnosis]]:
    """Make `count` attempts, one after the other, with all that a service does of each."""
    pipeline = Pipeline(Ledger([watched]), PipelineSettings(wait_for_slot=True))
    seen = []
    for _ in range(count):
        _, evidence, diagnosis = await pipeline.probe_once(watched)
        seen.append((evidence, diagnosis))
    return seen


def judge(seen: list[tuple[Evidence, Diagnosis]]) -> None:
    """Require that the stall is called a stall, or that nothing is said for certain."""
    for evidence, diagnosis in seen:
        assert diagnosis.cause in {None, "tls_timeout", "probe_fault"}, (evidence, diagnosis)
        blamed = {id_ for id_ in diagnosis.also if CATALOGUE[id_].family == "negotiation"}
        assert not diagnosis.certain or not blamed, diagnosis


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("pattern", PATTERNS)
async def test_a_stall_in_the_handshake_is_no_mismatch(
    start: Start, tmp_path: Path, version: str, pattern: tuple[bool, ...]
) -> None:
    """Whichever handshakes it falls on: the attempt's, the repeated one's, a variation's."""
    backend = await start(min_version=version, max_version=version)
    async with stalling(backend.port, lambda n: STALL * pattern[n % len(pattern)]) as port:
        judge(await rounds(target(tmp_path, port, timeout=LIMIT), 3))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("pattern", PATTERNS)
async def test_a_close_now_and_then_is_no_mismatch_for_certain(
    start: Start, tmp_path: Path, version: str, pattern: tuple[bool, ...]
) -> None:
    """A load balancer that closes some connections at random without an alert."""
    backend = await start(min_version=version, max_version=version)
    async with stalling(backend.port, lambda n: -1.0 * pattern[n % len(pattern)]) as port:
        seen = await rounds(target(tmp_path, port), 6)
    for evidence, diagnosis in seen:
        assert diagnosis.cause in {None, "connection_closed", "connection_reset"}, evidence
        assert diagnosis.cause is None or not diagnosis.certain


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_stall_after_the_first_flight_is_no_mismatch(
    start: Start, tmp_path: Path, version: str, after: int
) -> None:
    """In TLS 1.2 before the Finished, in TLS 1.3 before the tickets or the answer."""
    backend = await start(min_version=version, max_version=version)
    async with stalling(backend.port, lambda n: STALL * (n % 3 < 2), after=after) as port:
        judge(await rounds(target(tmp_path, port, timeout=LIMIT), 3))


@pytest.mark.parametrize("seed", range(6))
async def test_stalls_at_random(start: Start, tmp_path: Path, seed: int) -> None:
    """Any connection, any place in it, either version, at any depth."""
    chance = random.Random(seed)
    version = chance.choice(["1.2", "1.3"])
    backend = await start(min_version=version, max_version=version)
    after = chance.choice([0, 0, 1, 2])
    async with stalling(
        backend.port, lambda _n: STALL * (chance.random() < 0.6), after=after
    ) as port:
        depth = chance.choice(["otlp", "tls"])
        watched = target(tmp_path, port, timeout=LIMIT, depth=depth)  # type: ignore[arg-type]
        judge(await rounds(watched, 4))


async def test_what_never_works_but_capped_stays_uncertain(start: Start, tmp_path: Path) -> None:
    """Stalls on each handshake of TLS 1.3 and on none of TLS 1.2: said, and not proven."""
    backend = await start()
    numbers = iter(range(100))
    # Attempt, unvaried, classic groups, plaintext; the fifth is the one capped at TLS 1.2.
    async with stalling(backend.port, lambda _n: 0.0 if next(numbers) == 4 else STALL) as port:
        ((evidence, diagnosis),) = await rounds(target(tmp_path, port, timeout=LIMIT), 1)
    assert [one.varied for one in evidence.experiments] == [
        "unvaried", "classic_groups", "plaintext", "tls_1.2",
    ]  # fmt: skip
    assert diagnosis.cause in {"tls_timeout", "probe_fault"}
    if diagnosis.cause == "tls_timeout" and diagnosis.also:
        assert (diagnosis.certain, diagnosis.also) == (False, ("protocol_version_mismatch",))
        assert "-tls1_3, ten times each" in diagnosis.would_decide


async def test_a_stall_does_not_stick(start: Start, tmp_path: Path) -> None:
    """Once it is over the target is confirmed, and the next stall is judged anew."""
    backend = await start()
    stalled = [True]
    async with stalling(backend.port, lambda _n: 1.6 * stalled[0]) as port:
        watched = target(tmp_path, port, timeout=1.2)
        pipeline = Pipeline(Ledger([watched]), PipelineSettings(wait_for_slot=True))
        _, _, first = await pipeline.probe_once(watched)
        stalled[0] = False
        _, evidence, second = await pipeline.probe_once(watched)
    assert first.cause in {"tls_timeout", "probe_fault"}
    assert second.outcome == "confirmed"
    assert diagnose(evidence) == second
    assert {one.varied for one in evidence.experiments} == {"unvaried", "no_client_certificate"}
