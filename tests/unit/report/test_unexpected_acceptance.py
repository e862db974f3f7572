"""A target that was accepted where `expect` wanted a refusal: what happened, what it means, what to do."""

from typing import Any

import msgspec.structs
import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.model.evidence import Evidence, Handshake
from probe.report.unexpected_acceptance import explain_unexpected_acceptance
from tests.support.evidence import answered_attempt, complete_handshake, target
from tests.support.printed_tables import CONFIRMED, REFUSED, printed, row
from tests.support.web_fleet import Fleet


def got_in(expect: str, handshake: Handshake | None = None, **fields: Any) -> Evidence:
    """Return evidence of a success of a target that should have been refused."""
    return msgspec.structs.replace(
        answered_attempt(), handshake=handshake, target=target(expect_cause=expect, **fields)
    )


@pytest.mark.parametrize(
    ("shown", "seen", "step"),
    [
        (
            {"client_certificate_requested": False, "client_certificate_sent": False},
            "asked for no client certificate",
            "require a client certificate",
        ),
        (
            {"client_certificate_requested": True, "client_certificate_sent": False},
            "received none, and accepted the exporter",
            "require a client certificate",
        ),
        (
            {"client_certificate_requested": True, "client_certificate_sent": True},
            "received this one, and accepted it",
            "take the CA of this certificate out",
        ),
    ],
)
def test_mtls_is_not_enforced(shown: dict[str, bool], seen: str, step: str) -> None:
    """Why it was accepted decides what the backend's side has to set."""
    evidence = got_in("client_ca_untrusted", complete_handshake(**shown))
    reported = printed((evidence, CONFIRMED))
    assert "where client_ca_untrusted was expected" in reported
    assert seen in reported
    assert "mTLS is not enforced there" in reported
    assert "who must act: the backend's side" in reported
    assert f"1. On the backend of {evidence.target.endpoint}, {step}" in reported
    assert "remove expect of this target" in reported


def test_without_tls_nobody_is_identified() -> None:
    """A plaintext port that takes everything."""
    found = explain_unexpected_acceptance(got_in("client_cert_not_sent", plaintext=True), CONFIRMED)
    assert found is not None
    assert "no TLS" in found.seen


@pytest.mark.parametrize("cause", sorted(CATALOGUE))
def test_every_expectation_has_its_words(cause: str) -> None:
    """Steps without holes, whatever was expected; what no backend refuses blames nobody."""
    found = explain_unexpected_acceptance(got_in(cause, complete_handshake()), CONFIRMED)
    assert found is not None
    assert found.fix
    assert all("{" not in step and step[0].isupper() for step in found.fix)
    assert ("mTLS is not enforced" in found.meaning) == (found.party == "backend")
    if cause in {"tcp_refused", "server_cert_expired", "otlp_throttled", "client_file_missing"}:
        assert found.party == "either"


def test_other_outcomes_have_their_own_words() -> None:
    """As expected, without `expect`, or failed in another way: nothing is added."""
    assert explain_unexpected_acceptance(*row(CONFIRMED)) is None
    assert explain_unexpected_acceptance(*row(REFUSED, expect="tcp_refused")) is None
    assert "not enforced" not in printed(row(REFUSED, expect="tcp_refused"))
    assert "not enforced" not in printed(row(CONFIRMED))


async def test_the_pages_say_who_must_act_and_what_to_do() -> None:
    """The target's own page, the status page, and its filter."""
    fleet = Fleet("guard", expect="client_cert_not_sent")
    fleet.record("guard", CONFIRMED)
    async with fleet.serve() as client:
        page = await (await client.get("/targets/guard")).text()
        status = await (await client.get("/?party=backend")).text()
        others = await (await client.get("/?party=exporter")).text()
    assert "the backend&#39;s side must act" in page
    assert "mTLS is not enforced there" in page
    assert "require a client certificate" in page
    assert "require a client certificate" in status
    assert "guard" not in others
