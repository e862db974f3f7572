"""Client chains that each break one rule, against real backends: the cause is the rule that is broken.

The truth is known by construction. Which rules a backend applies shows in whether it accepts.
"""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from probe.model.diagnosis import Diagnosis
from probe.service.run_rounds import run_rounds
from tests.lab.client_chains.case import PLAIN, Case
from tests.lab.client_chains.cases import build_cases
from tests.lab.credentials import LabPki, Pair
from tests.lab.observation import target
from tests.lab.stack import Serving, Stack, TlsVersion
from tests.lab.stacks import STACKS
from tests.support.pki import write_pem
from tests.support.required_tools import missing

CASES: Final = {case.name: case for case in build_cases()}
TAKEN: Final = frozenset(
    {
        "plain",
        "plain below an intermediate",
        "no usages at all",
        "no key identifiers",
        "intermediate: clientAuth",
        "path length: 1 with a CA below",
        "name constraint: permitted",
        "order: reversed issuers",
        "with its root",
        "with a stray",
        "with an expired stray",
        "with an expired cross-certificate",
        "with a renewed intermediate before the expired one",
    }
)
"""Chains that every backend accepts."""
NOT_SHOWN: Final = {
    ("go", "root: not yet valid"): "certificate_expired (45) of a root that is not known here",
}
"""What neither side's evidence shows: whose truth need not be named."""
TRIES: Final = 5
RUN: Final = ("go", "haproxy", "cpython", "grpc-core", "rustls", "jsse", "node-https", "gnutls")


@dataclass(frozen=True)
class Prepared:
    """The files of every case, and of the backends."""

    pki: LabPki
    pairs: dict[str, Pair]
    client_ca_file: Path


@pytest.fixture(scope="module")
def prepared(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Each case in a folder of its own; the backends hold the roots of all."""
    folder = tmp_path_factory.mktemp("client-chains")
    roots = {PLAIN.der: PLAIN} | {root.der: root for case in CASES.values() for root in case.roots}
    pairs = {}
    for number, case in enumerate(CASES.values()):
        own = folder / f"{number}"
        own.mkdir()
        for place, issuer in enumerate(case.beside):
            write_pem(own, f"issuer-{place}.crt", issuer.pem)
        pairs[case.name] = Pair(
            write_pem(own, "tls.crt", *(one.pem for one in case.chain)),
            write_pem(own, "tls.key", case.chain[0].key_pem),
        )
    return Prepared(
        pki, pairs, write_pem(folder, "roots.pem", *(one.pem for one in roots.values()))
    )


Verdicts = dict[str, Diagnosis]


@pytest.fixture(
    scope="module", params=[(name, tls) for name in RUN for tls in ("1.2", "1.3")], ids="-".join
)
def verdicts(
    prepared: Prepared, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Stack, Verdicts]:
    """What the probe says of each case with one backend."""
    name, tls = request.param
    stack = next(one for one in STACKS if one.name == name)
    if absent := stack.missing():
        missing(f"{name}: {absent}")
    return stack, attempt_all(prepared, stack, tls, tmp_path_factory.mktemp(name))


def attempt_all(prepared: Prepared, stack: Stack, tls: TlsVersion, folder: Path) -> Verdicts:
    """Return the diagnosis of each case."""
    serving = Serving(tls, prepared.pki.server, prepared.client_ca_file)
    settings = {"max_version": tls} if stack.speaks_both and tls == "1.2" else {}
    with ExitStack() as running:
        port = running.enter_context(stack.start(folder, serving))
        targets = [
            replace(
                target(
                    prepared.pki,
                    port,
                    prepared.pairs[name],
                    protocol=stack.protocol,
                    depth=stack.depth,
                    **settings,
                ),
                name=name,
                exporter="curl",  # whose OpenSSL loads what Go does not
            )
            for name in CASES
        ]
        found: Verdicts = {}
        for _ in range(TRIES):
            made = asyncio.run(run_rounds(targets, concurrency=4))
            found |= {watched.name: diagnosis for watched, _, diagnosis in made}
            # A machine that gives this process no CPU time says nothing of a backend.
            targets = [one for one in targets if found[one.name].cause == "probe_fault"]
            if not targets:
                break
    return found


def test_what_breaks_no_rule_is_accepted(verdicts: tuple[Stack, Verdicts]) -> None:
    """Strays, old cross-certificates and any order do no harm."""
    stack, found = verdicts
    assert {name for name in TAKEN if found[name].outcome != "confirmed"} == set(), stack.name


def test_a_cause_that_is_certain_is_the_rule_that_is_broken(
    verdicts: tuple[Stack, Verdicts],
) -> None:
    """The one thing that never comes out is a confident wrong answer."""
    _, found = verdicts
    wrong = {
        name: (one.cause, one.facts)
        for name, one in found.items()
        if one.outcome == "failed" and one.certain and one.cause not in CASES[name].truth
    }
    assert wrong == {}


def test_the_rule_that_is_broken_is_among_what_is_possible(
    verdicts: tuple[Stack, Verdicts],
) -> None:
    """Also where the backend says nothing, and where others apply no such rule."""
    stack, found = verdicts
    unnamed = {
        name: (one.cause, one.also, one.facts)
        for name, one in found.items()
        if one.outcome == "failed"
        and not {one.cause, *one.also} & {*CASES[name].truth}
        and (stack.name, name) not in NOT_SHOWN
    }
    assert unnamed == {}


def test_the_facts_name_the_certificate_that_breaks_a_rule(
    verdicts: tuple[Stack, Verdicts],
) -> None:
    """Where a rule is the cause and certain, its certificate is named with its place in cert_file."""
    _, found = verdicts
    unnamed = {
        name: one.facts
        for name, one in found.items()
        if one.cause == "client_cert_rejected"
        and one.certain
        and not any(_names(CASES[name], fact) for fact in one.facts)
    }
    assert unnamed == {}
    assert any(one.cause == "client_cert_rejected" and one.certain for one in found.values())


def _names(case: Case, fact: str) -> bool:
    return (f"CN={case.culprit}" in fact and "(certificate " in fact and "RFC 5280" in fact) or (
        "cannot be read by Go" in fact
    )
