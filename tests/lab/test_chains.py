"""Go's own TLS client judges chains as measured, and as the model does: a sample, and new chance."""

import shutil
import zlib

import pytest

from tests.lab.exporters.generators.chain_mutations import combine_rules, mesh_authorities
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measure_chains import judge_by_go
from tests.lab.exporters.measured_facts import read_facts
from tests.support.exporter_chains import compare_verdict
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
