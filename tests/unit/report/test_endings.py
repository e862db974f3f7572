"""`check --expiry`: what in use ends too soon, in which file, and what renews it."""

from typing import Final

import msgspec.structs

from probe.report.endings import describe_ending, list_endings
from tests.support.certificate_facts import AT, DAY, EXPORTER, SERVER_CA, authority, backend
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    target,
)

SOON: Final = msgspec.structs.replace(EXPORTER, not_after=AT + 10 * DAY)
LEFT_OVER: Final = authority("Left over", ends=5)


def test_a_client_certificate_that_ends_sooner_is_named_with_its_file_and_what_renews_it() -> None:
    """And not where it lasts long enough."""
    evidence = answered_attempt(credentials=held_credentials(SOON))
    (ending,) = list_endings([evidence], 14 * DAY)
    first, *steps = describe_ending(ending)
    assert first.startswith(
        f"expiry: {evidence.target.name}: the client certificate in {evidence.target.cert_file}: "
    )
    assert "expires in 10 days, on 2026-12-02 10:00:00 UTC" in first
    assert any("Renew the exporter's certificate" in step for step in steps)
    assert list_endings([evidence], 9 * DAY) == []


def test_what_the_backend_sends_counts_too() -> None:
    """The backend's own certificate is renewed at the backend."""
    served = backend(ends=3)
    handshake = complete_handshake(server_chain=(served,))
    evidence = answered_attempt(
        handshake=handshake, credentials=held_credentials(EXPORTER, ca_bundle=(SERVER_CA,))
    )
    (ending,) = list_endings([evidence], 14 * DAY)
    assert ending.what == f"the certificate that {evidence.target.endpoint} sends"
    assert any("backend" in step for step in ending.fix)


def test_a_ca_that_no_path_uses_does_not_count() -> None:
    """A left-over root in ca_file ends without any harm."""
    evidence = answered_attempt(
        credentials=held_credentials(EXPORTER, ca_bundle=(LEFT_OVER, SERVER_CA))
    )
    assert list_endings([evidence], 14 * DAY) == []


def test_one_file_of_many_targets_is_named_once() -> None:
    """With how many use it; what ends first comes first."""
    attempts = [
        answered_attempt(target=target(name=name), credentials=held_credentials(SOON))
        for name in ("a", "b", "c")
    ]
    (ending,) = list_endings(attempts, 14 * DAY)
    assert ending.targets == ("a", "b", "c")
    assert next(describe_ending(ending)).startswith("expiry: a and 2 more: ")
