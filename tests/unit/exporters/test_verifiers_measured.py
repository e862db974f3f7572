"""The models say of generated chains what real clients of those runtimes did in a handshake."""

import zlib
from functools import cache

import pytest

from probe.exporters.verifiers import VERIFIERS
from tests.lab.exporters.generators.chain_case import ChainCase
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measured_facts import read_facts
from tests.support.exporter_chains import make_request

FACTS = read_facts("handshakes")


@cache
def list_cases() -> tuple[ChainCase, ...]:
    """Return the generated chains that a runtime was measured with."""
    measured = {case for facts in FACTS.values() for case in facts.answers}
    return tuple(case for case in generate_chains() if case.id in measured)


def list_differences(runtime: str, every: int) -> tuple[int, list[str]]:
    """Return how many chains were compared, and which the model judges otherwise."""
    answers = FACTS[runtime].answers
    compared, differing = 0, []
    for case in list_cases():
        answer = answers.get(case.id)
        if answer is None or zlib.crc32(case.id.encode()) % every:
            continue
        compared += 1
        faults = VERIFIERS[runtime](make_request(case)).faults
        if bool(faults) != (answer.outcome != "ok"):
            said = f"{faults[0].kind}: {faults[0].says}" if faults else "trusted"
            differing.append(f"{case.id}: {said}; {runtime}: {answer.text or 'trusts it'}")
    return compared, differing


@pytest.mark.parametrize("runtime", FACTS)
def test_a_sample_of_chains_ends_as_measured(runtime: str) -> None:
    """One chain in eight, always the same ones."""
    compared, differing = list_differences(runtime, 8)
    assert compared > 250
    assert len(differing) <= compared * 0.01, "\n".join(differing)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", FACTS)
def test_all_chains_end_as_measured(runtime: str) -> None:
    """Ninety-nine in a hundred of all that were measured."""
    compared, differing = list_differences(runtime, 1)
    assert compared > 2500
    assert len(differing) <= compared * 0.01, "\n".join(differing)
