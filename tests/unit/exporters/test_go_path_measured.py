"""The model of Go says of every generated chain what Go's own TLS client said of it."""

import pytest

from probe.exporters.go_parser import GO_VERSION
from tests.lab.exporters.generators.chain_case import make_case
from tests.lab.exporters.generators.chain_rules import LEVELS, Setting, list_changes
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measured_facts import read_facts
from tests.support.exporter_chains import compare_verdict

MEASURED = read_facts("chains")["go"]
FACTS = MEASURED.answers


def test_the_model_is_of_the_version_that_was_measured() -> None:
    """Another version of Go may judge otherwise: then the model has to be read again."""
    assert MEASURED.versions["go"].startswith(f"{GO_VERSION}.")


def test_each_rule_is_judged_as_go_judges_it() -> None:
    """One rule bent or broken in one certificate: outcome, cause and words are Go's."""
    differing = []
    for key, change in list_changes().items():
        for level in LEVELS:
            changed = Setting().change(level, change)
            label = f"rule/{key}/{level}"
            case = make_case(label, changed.leaf, changed.intermediate, changed.root)
            differing.append(compare_verdict(case, FACTS[label]))
    assert len(differing) > 900
    assert not list(filter(None, differing))


@pytest.mark.slow
def test_every_chain_is_judged_as_go_judges_it() -> None:
    """Pairs, names, constraints, policies, several paths, damage and chance as well."""
    cases = list(generate_chains())
    assert [case.id for case in cases] == list(FACTS), "`make exporters` measures anew"
    differing = [compare_verdict(case, FACTS[case.id]) for case in cases]
    assert not list(filter(None, differing))
