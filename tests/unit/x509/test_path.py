"""Which certificate issued which: by signature where it is parsed, by name and key ids in facts."""

from cryptography import x509
from msgspec.structs import replace

from probe.model.certificate import CertificateFacts
from probe.x509.parse import read_facts
from probe.x509.path import (
    MAX_LENGTH,
    Located,
    extend_path,
    find_anchor,
    find_issuers,
    find_without_root,
    find_wrong_link,
    has_issuer,
    is_anchored,
    names_issuer,
)
from tests.support.pki import Issued, issue

ROOT = issue("root", ca=True)
INTERMEDIATE = issue("intermediate", ROOT, ca=True)
LEAF = issue("client", INTERMEDIATE)
REISSUED = issue("intermediate", ROOT, ca=True)
"""The name of INTERMEDIATE, and another key."""


def facts(*issued: Issued) -> list[CertificateFacts]:
    """Return the facts of these certificates."""
    return [read_facts(one.certificate) for one in issued]


def parsed(*issued: Issued) -> list[x509.Certificate]:
    """Return these certificates."""
    return [one.certificate for one in issued]


def test_a_wrong_order_has_a_place() -> None:
    """The place is that of the certificate whose issuer does not follow."""
    assert find_wrong_link(parsed(LEAF, INTERMEDIATE, ROOT)) == 0
    assert find_wrong_link(parsed(LEAF, ROOT, INTERMEDIATE)) == 1
    assert find_wrong_link(parsed(LEAF, INTERMEDIATE, LEAF)) == 2


def test_whatever_stands_among_the_anchors_is_one() -> None:
    """As in Go: a root, an intermediate, the certificate itself; a namesake with another key is not."""
    chain = parsed(LEAF, INTERMEDIATE)
    for anchor in (ROOT, INTERMEDIATE, LEAF):
        assert is_anchored(chain, parsed(anchor))
    assert not is_anchored(parsed(LEAF), parsed(REISSUED))


def test_a_path_is_extended_to_a_root_and_no_further() -> None:
    """Others are read only where the anchors lack an issuer, and once."""
    reads = []

    def read_others() -> list[Located]:
        reads.append(1)
        return [("other", ROOT.certificate)]

    in_ca_file = [("ca", INTERMEDIATE.certificate)]
    found = extend_path(parsed(LEAF), in_ca_file, read_others)
    assert [path for path, _ in found] == ["ca", "other"]
    assert extend_path(parsed(LEAF, INTERMEDIATE, ROOT), [], read_others) == ()
    assert extend_path([], in_ca_file, read_others) == ()
    assert reads == [1]


def test_a_path_is_bounded() -> None:
    """A row of CAs longer than any real one ends."""
    row = [issue("ca 0", ca=True)]
    for at in range(1, MAX_LENGTH + 5):
        row.append(issue(f"ca {at}", row[-1], ca=True))
    pool = [(str(at), one.certificate) for at, one in enumerate(row[:-1])]

    assert len(extend_path(parsed(row[-1]), pool, list)) == MAX_LENGTH - 1


def with_key_ids(one: CertificateFacts, own: str, issuer: str) -> CertificateFacts:
    """Return `one` with these key identifiers."""
    return replace(one, subject_key_id=own, authority_key_id=issuer)


def test_key_identifiers_tell_namesakes_apart() -> None:
    """RFC 5280 §4.2.1.1: where both have one, they must be equal; else the name decides."""
    (leaf, intermediate) = facts(LEAF, INTERMEDIATE)
    for wanted, held, fits in (
        ("a", "a", True),
        ("a", "b", False),
        ("", "b", True),
        ("a", "", True),
    ):
        below = with_key_ids(leaf, "x", wanted)
        above = with_key_ids(intermediate, held, "")
        assert names_issuer(below, above)
        assert has_issuer(below, above) is fits
        assert (find_issuers(below, [above]) == [above]) is fits
        assert (find_anchor([below], [above]) == above) is fits


def test_an_anchor_may_be_a_certificate_of_the_chain() -> None:
    """Go takes whatever stands in ca_file."""
    leaf, intermediate, root = facts(LEAF, INTERMEDIATE, ROOT)

    assert find_anchor([leaf], [root, leaf]) == leaf
    assert find_anchor([leaf, intermediate], [root]) == root
    assert find_anchor([leaf], [root]) is None


def test_an_intermediate_without_its_root_is_found() -> None:
    """It may lead to the root over others; what is not a CA is not asked."""
    leaf, intermediate, root = facts(LEAF, INTERMEDIATE, ROOT)

    assert find_without_root([intermediate, leaf]) == [intermediate]
    assert find_without_root([leaf, intermediate, root]) == []
    (low,) = facts(issue("low", INTERMEDIATE, ca=True))
    assert find_without_root([low, root, intermediate]) == []
    assert find_without_root([low, root]) == [low]
