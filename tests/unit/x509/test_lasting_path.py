"""Of several certification paths, the one that lasts longest tells which certificates matter."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.model.certificate import CertificateFacts
from probe.x509.lasting_path import (
    MAX_PATHS,
    choose_lasting,
    list_anchored_paths,
    list_sent_paths,
)
from tests.support.certificate_facts import AT, DAY, authority, backend

ROOT = authority("root")
OLD_ROOT = authority("old root", ends=-1)
INTERMEDIATE = authority("intermediate", ROOT)
LEAF = backend(INTERMEDIATE)


@dataclass(frozen=True)
class Crossed:
    """A root that an older one has signed too, as when a CA is introduced."""

    cross: CertificateFacts
    leaf: CertificateFacts


def crossed(*, ends: float) -> Crossed:
    """Return a cross-certificate of ROOT by OLD_ROOT that ends in `ends` days, and a leaf of ROOT."""
    cross = replace(authority("root", OLD_ROOT, ends=ends), subject_key_id=ROOT.subject_key_id)
    return Crossed(cross, backend(ROOT))


def test_a_path_leads_over_what_is_sent_to_an_anchor() -> None:
    """In any order, and past what belongs to no path."""
    stray = authority("stray")

    assert list_anchored_paths([LEAF, stray, INTERMEDIATE], [stray, ROOT]) == [
        (LEAF, INTERMEDIATE, ROOT)
    ]
    assert list_anchored_paths([LEAF], [ROOT]) == []


def test_every_anchor_ends_a_path() -> None:
    """An intermediate, or the end entity itself, where ca_file holds it."""
    assert list_anchored_paths([LEAF, INTERMEDIATE], [INTERMEDIATE, ROOT]) == [
        (LEAF, INTERMEDIATE),
        (LEAF, INTERMEDIATE),
        (LEAF, INTERMEDIATE, ROOT),
    ]
    assert list_anchored_paths([LEAF], [LEAF]) == [(LEAF,)]


def test_of_two_paths_the_one_that_lasts_counts() -> None:
    """The one over the expired cross-certificate ends earlier; either may come first."""
    sample = crossed(ends=-3)
    both = list_anchored_paths([sample.leaf, sample.cross], [OLD_ROOT, ROOT])

    assert (sample.leaf, sample.cross, OLD_ROOT) in both
    assert choose_lasting(both, AT) == choose_lasting(reversed(both), AT) == (sample.leaf, ROOT)


def test_a_path_that_is_not_valid_yet_does_not_count() -> None:
    """Though it ends later: it is nothing to rest on now."""
    early = authority("root", begins=1, ends=5000)
    leaf = backend(ROOT)

    assert choose_lasting([(leaf, early), (leaf, ROOT)], AT) == (leaf, ROOT)
    assert choose_lasting([(leaf, early), (leaf, ROOT)], AT + 2000 * DAY) == (leaf, early)
    assert choose_lasting([], AT) == ()


def test_what_is_sent_is_followed_as_far_as_it_leads() -> None:
    """Each longest path, and none that is the beginning of another."""
    sample = crossed(ends=5)
    sent = [sample.leaf, sample.cross, ROOT]

    assert list_sent_paths(sent) == [(sample.leaf, sample.cross), (sample.leaf, ROOT)]
    assert list_sent_paths([LEAF]) == [(LEAF,)]


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_a_hostile_chain_has_no_more_than_the_bound(names: list[str]) -> None:
    """Certificates that issue each other make paths without end."""
    chain = [
        replace(
            authority(name, authority(names[place - 1])),
            sha256=f"{place:x}",
            authority_key_id="",
        )
        for place, name in enumerate(names)
    ]

    assert len(list_sent_paths(chain)) <= MAX_PATHS + 1
    assert len(list_anchored_paths(chain, chain)) <= MAX_PATHS
