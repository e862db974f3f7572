"""Evidence of an attempt that saw the same again is masked as if it were new, and shares what stayed."""

from random import Random
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.attempt.kept_evidence import KeptEvidence
from probe.attempt.masking import EvidenceMasker
from probe.model.evidence import Evidence, to_json
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
    copy = replace(REFUSED, at=REFUSED.at + 1, handshake=replace(REFUSED.handshake))  # type: ignore[arg-type,type-var]  # it has one
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
