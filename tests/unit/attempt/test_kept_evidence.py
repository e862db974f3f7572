"""Evidence of an attempt that saw the same again is masked as if it were new, and shares what stayed."""

from random import Random
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.attempt.kept_evidence import KeptEvidence
from probe.attempt.masking import EvidenceMasker
from probe.model.certificate import Name
from probe.model.evidence import Evidence, Handshake, to_json
from probe.text.secret_register import SecretRegister
from tests.stories.all_stories import BY_NAME, STORIES
from tests.support.arbitrary_evidence import evidences
from tests.support.moved_times import move_times

REFUSED: Final = BY_NAME["client_ca_untrusted"].evidence
SECRETS: Final = ("SSL certificate", "CN=x", "example.com", "client CA", "permission denied")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(evidences | st.sampled_from([each.evidence for each in STORIES]), min_size=1,
                max_size=3), st.randoms(use_true_random=False))  # fmt: skip
def test_any_sequence_of_attempts_is_masked_as_each_alone(
    seen: list[Evidence], random: Random
) -> None:
    """To the byte, also where a secret becomes known, or a reload adds one, between two attempts."""
    register = SecretRegister()
    kept, masker, now = KeptEvidence(), EvidenceMasker(register), seen[0]
    for _ in range(12):
        if random.random() < 0.2:
            now = random.choice(seen)
        if random.random() < 0.2:
            register.add(random.choice(SECRETS))
        evidence = move_times(now, random)
        alone = EvidenceMasker(register).mask_evidence(evidence)

        assert to_json(kept.mask_evidence(evidence, masker)) == to_json(alone)


def test_what_stayed_is_the_same_object() -> None:
    """Readers find without a look at it that nothing is new but the times."""
    kept, masker = KeptEvidence(), EvidenceMasker(SecretRegister())
    first = kept.mask_evidence(REFUSED, masker)
    copy = replace(REFUSED, at=REFUSED.at + 1, handshake=replace(_handshake()))
    again = kept.mask_evidence(copy, masker)

    assert copy.handshake is not first.handshake
    assert again.handshake is first.handshake
    assert again.at == REFUSED.at + 1


def test_a_secret_that_becomes_known_is_masked_in_the_next_attempt() -> None:
    """Though that saw nothing new."""
    register = SecretRegister()
    kept, masker = KeptEvidence(), EvidenceMasker(register)
    assert b"client CA" in to_json(kept.mask_evidence(REFUSED, masker))
    register.add("client CA")

    masked = kept.mask_evidence(REFUSED, masker).handshake
    assert masked is not None
    assert all("client CA" not in name.text for name in masked.acceptable_cas)


def test_targets_that_see_the_same_handshake_share_it() -> None:
    """Only as it is masked: where there is a secret in it, it is another one."""
    listed = (Name(text="CN=hidden-token-1", digest="d"),)
    first, second = (
        replace(REFUSED, handshake=replace(_handshake(), acceptable_cas=listed)) for _ in range(2)
    )
    register = SecretRegister()
    masker = EvidenceMasker(register)
    one, other = (KeptEvidence().mask_evidence(each, masker) for each in (first, second))
    assert one.handshake is other.handshake
    assert other.ending is second.ending, "by its identity attempts of one target are compared"

    register.add("hidden-token-1")
    masked = [KeptEvidence().mask_evidence(each, masker) for each in (first, second)]
    assert masked[0].handshake is masked[1].handshake
    assert b"hidden-token-1" not in to_json(masked[0])
    assert b"hidden-token-1" in to_json(one)


def _handshake() -> Handshake:
    assert REFUSED.handshake is not None
    return REFUSED.handshake
