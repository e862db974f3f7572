"""Each change is one sentence that names what was and what is, and says when."""

from typing import Any, Final

import msgspec.structs
import pytest

from probe.changes.describe_change import describe_change, describe_changes
from probe.model.change import WHATS, Change
from tests.support.certificate_facts import AT
from tests.support.evidence import answered_attempt

SENTENCES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "one CA lost": (
        {"what": "acceptable_cas", "before": ("CN=A", "CN=B"), "after": ("CN=B",)},
        "the backend's list of accepted CAs lost CN=A",
    ),
    "one for another": (
        {"what": "acceptable_cas", "before": ("CN=A",), "after": ("CN=B",)},
        "the backend's list of accepted CAs lost CN=A and gained CN=B",
    ),
    "a list that is empty": (
        {"what": "acceptable_cas", "before": ("CN=A",), "after": ()},
        "the backend's list of accepted CAs is empty: it was CN=A",
    ),
    "a list that was empty": (
        {"what": "acceptable_cas", "before": (), "after": ("CN=A",)},
        "the backend's list of accepted CAs was empty and is CN=A",
    ),
    "a list of the same names": (
        {"what": "acceptable_cas", "before": ("CN=A",), "after": ("CN=A",)},
        "the backend's list of accepted CAs has the same names, encoded in another way",
    ),
    "a ca_file": (
        {"what": "ca_file", "before": ("CN=A", "CN=B"), "after": ("CN=B", "CN=C")},
        "the exporter's ca_file lost CN=A and gained CN=C",
    ),
    "a ca_file in another order": (
        {"what": "ca_file", "before": ("CN=A", "CN=B"), "after": ("CN=A", "CN=B")},
        "the exporter's ca_file holds the same in another order",
    ),
    "a chain": (
        {
            "what": "server_chain",
            "before": ("CN=old",),
            "after": ("CN=new",),
            "parts": ("end_entity", "issuer"),
        },
        "the backend's chain has another certificate and issuer: was CN=old; is CN=new",
    ),
    "no address": (
        {"what": "addresses", "before": ("192.0.2.1",), "after": ()},
        "the addresses of the backend's name: was 192.0.2.1, is none",
    ),
    "many addresses": (
        {"what": "addresses", "before": ("a", "b", "c", "d", "e"), "after": ("f",)},
        "the addresses of the backend's name: was a, b, c, d and 1 more, is f",
    ),
    "a reload": (
        {"what": "configuration", "before": (), "after": ("endpoint", "tls.ca_file")},
        "the configuration of the target was loaded anew with another endpoint, tls.ca_file",
    ),
    "a restart": (
        {"what": "exporter_start", "before": ("x",), "after": ("2026-11-22 10:00:00 UTC",)},
        "the exporter was restarted at 2026-11-22 10:00:00 UTC",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_change_is_a_sentence(case: str) -> None:
    """Names are listed, a few of them."""
    fields, sentence = SENTENCES[case]
    assert describe_change(Change(at=AT, last_before=AT - 30, **fields)) == sentence


@pytest.mark.parametrize("what", WHATS)
def test_everything_that_is_compared_has_words(what: Any) -> None:
    """Whatever changed can be said."""
    assert describe_change(Change(what=what, before=("a",), after=("b",), at=AT, last_before=0.0))


def test_a_change_says_when() -> None:
    """When it was seen, how long before the attempt, and since when it may have been so."""
    change = Change(what="alpn", before=("h2",), after=("",), at=AT - 29, last_before=AT - 59)
    (said,) = describe_changes(msgspec.structs.replace(answered_attempt(), changed=(change,)))
    assert said.endswith(
        "seen at 2026-11-22 09:59:31 UTC, 29 seconds before this attempt; "
        "30 seconds earlier it was as before"
    )
