"""Python's HTTP exporter, Node's and curl: one library, other settings, other verdicts."""

from dataclasses import replace

import pytest

from probe.exporters.openssl_path import make_verifier
from probe.exporters.verifiers import PYTHON_3_13_HTTP
from probe.x509.extensions import AUTHORITY_KEY_ID, BASIC_CONSTRAINTS
from tests.lab.exporters.generators.chain_builder import (
    CLIENT_AUTH,
    Spec,
    basic_constraints,
    build,
    extension,
    rsa_key,
    san,
    usages,
)
from tests.lab.exporters.generators.chain_case import (
    INTERMEDIATE,
    LEAF,
    ROOT,
    make_case,
)
from tests.support.exporter_chains import judge_by, list_kinds, make_request

OPENSSL = ("python-http", "node-http", "curl")


@pytest.mark.parametrize("runtime", OPENSSL)
def test_the_usual_chain_is_trusted(runtime: str) -> None:
    """The verdict has the path, and the anchor that it ends in."""
    verdict = judge_by(runtime, make_case("usual"))
    assert not verdict.faults
    assert len(verdict.paths[0]) == 3
    assert verdict.anchored == verdict.paths[0][-1:]


def test_an_intermediate_alone_is_an_anchor_for_curl_alone() -> None:
    """Without X509_V_FLAG_PARTIAL_CHAIN a path has to end in a self-signed certificate."""
    case = replace(make_case("lone"), anchors=(build(INTERMEDIATE, ROOT),))
    assert list_kinds("curl", case) == []
    assert list_kinds("python-http", case)[0] == "no_anchor"
    assert list_kinds("node-http", case)[0] == "no_anchor"


def test_node_reports_the_last_error_and_the_others_the_first() -> None:
    """Node's callback lets each error pass; a path's signatures and dates are judged at the end."""
    expired = LEAF.but(not_after=b"\x17\x0d260601000000Z").adding(usages(CLIENT_AUTH))
    case = make_case("two faults", leaf=expired)
    assert list_kinds("python-http", case)[0] == "wrong_usage"
    assert list_kinds("node-http", case)[0] == "expired"


@pytest.mark.parametrize("runtime", OPENSSL)
def test_an_extension_that_cannot_be_read_is_what_hides_the_issuer(runtime: str) -> None:
    """OpenSSL says `unable to get local issuer certificate`; the anchor is not to blame."""
    broken = INTERMEDIATE.adding(extension(BASIC_CONSTRAINTS, b"\x04\x01\x00", critical=True))
    faults = judge_by(runtime, make_case("broken", intermediate=broken)).faults
    assert "malformed" in [fault.kind for fault in faults]
    assert BASIC_CONSTRAINTS in [fault.value for fault in faults]


def test_a_key_identifier_of_another_key_is_no_missing_anchor() -> None:
    """The issuer is there and its key did sign: the identifier points elsewhere."""
    leaf = LEAF.adding(extension(AUTHORITY_KEY_ID, b"\x30\x05\x80\x03abc"))
    issuer = INTERMEDIATE.adding(extension("2.5.29.14", b"\x04\x03xyz"))
    first = judge_by("python-http", make_case("identifier", leaf=leaf, intermediate=issuer)).faults[
        0
    ]
    assert (first.kind, first.value) == ("malformed", "authorityKeyIdentifier")
    assert first.says == "unable to get local issuer certificate"


def test_a_short_key_is_refused_at_security_level_two() -> None:
    """Python and a distribution's curl ask for 112 bits of security, Node for 80."""
    case = make_case("short", leaf=LEAF.but(key=rsa_key(1024)))
    assert list_kinds("python-http", case)[0] == "weak_key"
    assert list_kinds("curl", case)[0] == "weak_key"
    assert list_kinds("node-http", case) == []


@pytest.mark.parametrize(
    ("presented", "trusting"),
    [
        ("DNS:*.example.com", ("python-http", "node-http", "curl")),
        ("DNS:o*.example.com", ("node-http",)),
        ("DNS:*.com", ()),
        ("IP:7f000001", ()),
    ],
)
def test_each_compares_wildcards_by_its_own_rules(
    presented: str, trusting: tuple[str, ...]
) -> None:
    """Node still takes a `*` that is a part of the first label."""
    case = make_case("wildcard", leaf=LEAF.adding(san(presented)))
    assert tuple(runtime for runtime in OPENSSL if not list_kinds(runtime, case)) == trusting


def test_a_path_length_counts_the_intermediates_below() -> None:
    """The fault has what was found and what is allowed."""
    low = Spec(b"\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04High", INTERMEDIATE.key)
    high = low.adding(basic_constraints(length=0))
    case = make_case("length", intermediate=INTERMEDIATE.but(issuer=high.subject))
    chain = (case.chain[0], build(INTERMEDIATE, high), build(high, ROOT))
    first = judge_by("python-http", replace(case, chain=chain)).faults[0]
    assert (first.kind, first.value, first.limit) == ("path_length", "1", "0")


def test_python_from_3_13_on_wants_what_conforming_cas_write() -> None:
    """The same chain without the issuer's key identifier, which older Pythons do not ask for."""
    verify = make_verifier(PYTHON_3_13_HTTP)
    first = verify(make_request(make_case("no identifiers"))).faults[0]
    assert (first.kind, first.says) == ("malformed", "Missing Authority Key Identifier")
    assert list_kinds("python-http", make_case("no identifiers")) == []
