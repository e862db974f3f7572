"""A server's chain is judged as Go's crypto/tls judges it; the first fault is what Go reports."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.x509.anchors import AnchorPool
from tests.lab.exporters.generators.chain_case import make_case
from tests.lab.exporters.generators.chain_mutations import combine_rules
from tests.lab.exporters.generators.chain_rules import Setting, list_changes
from tests.support.exporter_chains import make_request
from tests.support.pki import Issued, extended_key_usage, issue, subject_alternative_name

NOW = datetime.now(UTC).timestamp()
SAN = subject_alternative_name(["DNS:backend.example", "IP:127.0.0.1"])
ROOT = issue("root", ca=True)
OTHER_ROOT = issue("root", ca=True)
INTERMEDIATE = issue("intermediate", ROOT, ca=True)
LEAF = issue("backend", INTERMEDIATE, extensions=[SAN])


def judge(
    *chain: Issued, anchors: tuple[Issued, ...] = (ROOT,), at: float = NOW, name: str = ""
) -> PathVerdict:
    """Judge a chain for backend.example, now, by ROOT."""
    pool = AnchorPool(one.der for one in anchors)
    reference = name or "backend.example"
    return verify_for_go(PathRequest(tuple(one.der for one in chain), pool, reference, at))


def test_a_path_to_an_anchor_is_trusted() -> None:
    """The verdict names the path and its anchor, and holds until the first certificate ends."""
    verdict = judge(LEAF, INTERMEDIATE)
    assert verdict.faults == ()
    assert [len(path) for path in verdict.paths] == [3]
    assert verdict.anchored == (verdict.paths[0][-1],)
    ends = LEAF.certificate.not_valid_after_utc.timestamp()
    assert verdict.constant_until <= ends
    assert verdict == judge(LEAF, INTERMEDIATE, at=verdict.constant_until)
    assert judge(LEAF, INTERMEDIATE, at=verdict.constant_until + 1).faults


@pytest.mark.parametrize("days", [-400, -100, 0, 300, 1200])
def test_a_verdict_holds_until_it_says(days: int) -> None:
    """Whatever is wrong: at the end of that time the same is."""
    for case in combine_rules(3, 60):
        request = replace(make_request(case), at=case.at + days * 86400.0)
        verdict = verify_for_go(request)
        assert verify_for_go(replace(request, at=verdict.constant_until)) == verdict


@pytest.mark.parametrize(
    ("verdict", "kinds"),
    [
        (judge(LEAF), ["no_anchor"]),
        (judge(LEAF, INTERMEDIATE, anchors=(OTHER_ROOT,)), ["bad_signature"]),
        (judge(LEAF, INTERMEDIATE, name="127.0.0.1"), []),
        (judge(LEAF, INTERMEDIATE, name="127.0.0.2"), ["name_mismatch"]),
        (judge(LEAF, anchors=(LEAF,)), []),
        (judge(LEAF, anchors=(INTERMEDIATE,)), []),
        (judge(LEAF, INTERMEDIATE, at=NOW - 10 * 86400), ["not_yet_valid"] * 3),
        (judge(), ["unreadable"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_each_fault_has_its_kind(verdict: PathVerdict, kinds: list[str]) -> None:
    """The reported one first; each further one would stop the handshake as well."""
    assert [fault.kind for fault in verdict.faults] == kinds


def test_further_faults_are_independent() -> None:
    """An expired certificate for another name, whose issuer is for clients alone."""
    for_clients = issue("clients", ROOT, ca=True, extensions=[extended_key_usage(["clientAuth"])])
    leaf = issue("other", for_clients, extensions=[subject_alternative_name(["DNS:other"])])
    faults = judge(leaf, for_clients).faults
    assert [(one.kind, one.subject, one.position) for one in faults] == [
        ("name_mismatch", "CN=other", 0),
        ("wrong_usage_above", "CN=clients", 1),
    ]
    assert faults[0].value == "DNS:other"
    assert faults[0].limit == "backend.example"
    assert faults[0].says == (
        "tls: failed to verify certificate: x509: certificate is valid for other, "
        "not backend.example"
    )


def test_what_go_does_not_parse_is_unreadable_wherever_it_stands() -> None:
    """Its place is named, and Go's words."""
    pool = AnchorPool([ROOT.der])
    chain = (LEAF.der, INTERMEDIATE.der, b"\x30\x00")
    fault = verify_for_go(PathRequest(chain, pool, "backend.example", NOW)).faults[0]
    assert (fault.kind, fault.position) == ("unreadable", 2)
    assert fault.says.endswith("x509: malformed tbs certificate")


def test_an_issuer_whose_key_go_does_not_know_is_named() -> None:
    """Go passes over it, and finds no authority."""
    changed = Setting().change("intermediate", list_changes()["key-ed448"])
    case = make_case("key", changed.leaf, changed.intermediate, changed.root)
    first, second = verify_for_go(make_request(case)).faults
    assert (first.kind, first.position) == ("no_anchor", 0)
    assert (second.kind, second.position) == ("unreadable", 1)
    assert second.value.endswith("does not know: Ed448")
