"""Which rules a client's own chain breaks, for every verifier and for some."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.exporters.client_chain import BrokenRules, find_broken_rules
from tests.lab.client_chains.case import PLAIN, Case, below, between
from tests.lab.client_chains.cases import build_cases
from tests.lab.client_chains.writing import make, unknown

CASES = {case.name: case for case in build_cases()}


def judge(case: Case) -> BrokenRules:
    """Judge what a case sends, with what lies next to it."""
    return find_broken_rules([one.der for one in case.chain], [one.der for one in case.beside])


@pytest.mark.parametrize(
    ("name", "kind", "subject", "position", "value"),
    [
        ("leaf: unknown critical extension", "critical_extension", "CN=checkout", 0, "1.3.6.1.4.1.55555.1.1"),
        ("intermediate: CA:FALSE", "not_a_ca", "CN=Lab issuing", 1, "basicConstraints CA:FALSE"),
        ("intermediate: version 1", "not_a_ca", "CN=Lab issuing", 1, "it has no basicConstraints"),
        ("path length: 0 with a CA below", "path_length", "CN=Lab issuing", 2, "1"),
        ("name constraint: another domain", "name_constraint", "CN=Lab issuing", 1, "DNS name checkout.example.com"),
        ("name constraint: another network", "name_constraint", "CN=Lab issuing", 1, "IP address 192.0.2.1"),
    ],
)  # fmt: skip
def test_a_rule_of_every_verifier(
    name: str, kind: str, subject: str, position: int, value: str
) -> None:
    """The fault names the certificate, its place in what is sent, and what was found."""
    found = judge(CASES[name]).by_all[0]

    assert (found.kind, found.subject, found.position, found.value) == (
        kind,
        subject,
        position,
        value,
    )
    assert found.rule.startswith("RFC 5280")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("leaf: any purpose", "wrong_usage"),
        ("leaf: negative serial number", "unreadable"),
        ("leaf: version 1", "malformed"),
        ("intermediate: without keyCertSign", "not_a_ca"),
        ("intermediate: serverAuth only", "wrong_usage_above"),
        ("intermediate: requires a policy", "policy"),
        ("intermediate: inhibits any policy", "critical_extension"),
        ("intermediate: another key", "bad_signature"),
        ("name constraint: another organisation", "name_constraint"),
        ("name constraint: the trust domain", "critical_extension"),
        ("root: path length 0, known here", "path_length"),
    ],
)
def test_a_rule_of_some_verifiers(name: str, kind: str) -> None:
    """Those that a real backend was seen to leave out, and those of a backend's own copy."""
    found = judge(CASES[name])

    assert found.by_all == ()
    assert found.by_some[0].kind == kind


def test_what_is_allowed_instead_is_said() -> None:
    """A name outside the permitted subtrees comes with these."""
    [fault] = judge(CASES["name constraint: another domain"]).by_all
    assert fault.limit == "permitted other.example"
    [fault] = judge(CASES["name constraint: excluded"]).by_all
    assert fault.limit == "excluded example.com"


@pytest.mark.parametrize(
    "name",
    [name for name, case in CASES.items() if not case.truth and not name.startswith("root:")],
)
def test_a_chain_without_a_fault_breaks_no_rule(name: str) -> None:
    """Strays, copies, cross-certificates and any order included."""
    assert judge(CASES[name]) == BrokenRules()


def test_of_several_paths_the_best_counts() -> None:
    """A second certificate of the same CA, without the fault, is the one that verifiers take."""
    good = between()
    bad = make("Lab issuing", PLAIN, ca=True, key=good.key, extensions=[unknown(critical=True)])
    leaf = make("checkout", good)

    assert find_broken_rules([leaf.der, bad.der, good.der]) == BrokenRules()
    assert find_broken_rules([leaf.der, bad.der]).by_all


WHOLE = [one.der for one in below(between())]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=60), max_size=5), st.floats(0, 1))
def test_whatever_is_in_the_file_is_judged(strange: list[bytes], kept: float) -> None:
    """Never an error: only certificates are part of a path."""
    cut = [der[: int(kept * len(der))] for der in WHOLE]

    assert find_broken_rules([*WHOLE, *strange]) == BrokenRules()
    find_broken_rules([*strange, *WHOLE])
    find_broken_rules(cut, strange)
