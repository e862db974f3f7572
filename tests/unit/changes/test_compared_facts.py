"""What is compared of attempts, and the key by which two are known to be equal."""

from itertools import product

import pytest
from msgspec.structs import fields, replace

from probe.changes.compared_facts import extract_facts, extract_key
from probe.model.evidence import Evidence, Handshake
from tests.stories.all_stories import STORIES

SEEN = [case.evidence for case in STORIES]
OF_ATTEMPTS = ("ending", "addresses", "handshake", "answer", "credentials", "experiments")
"""What differs between attempts of one target; its settings have a version of their own."""


def check_key(one: Evidence, other: Evidence) -> None:
    """Assert that equal keys mean equal facts."""
    if extract_key(one) == extract_key(other):
        assert extract_facts(one) == extract_facts(other)


@pytest.mark.parametrize("name", OF_ATTEMPTS)
def test_attempts_that_differ_in_one_thing_alone(name: str) -> None:
    """Where that makes another fact, the key is another one: the facts of most are never made."""
    for evidence, other in product(SEEN, SEEN):
        check_key(evidence, replace(evidence, **{name: getattr(other, name)}))


@pytest.mark.parametrize("name", [field.name for field in fields(Handshake)])
def test_handshakes_that_differ_in_one_thing_alone(name: str) -> None:
    """One that came as far as another and was complete shows more than that one."""
    values = {getattr(other.handshake, name) for other in SEEN if other.handshake is not None}
    for evidence, value in product(SEEN, values):
        if evidence.handshake is not None:
            changed = replace(evidence.handshake, **{name: value})
            check_key(evidence, replace(evidence, handshake=changed))
