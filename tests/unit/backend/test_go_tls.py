"""A client certificate is judged as Go judges it, and the alert says so (alert_map, section 1)."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.bindings._rust import _openssl

from probe.backend.go_tls import REQUIRED
from tests.support.loopback_client import (
    CLIENT_CA,
    OTHER_CA,
    Start,
    client_context,
    grpc_request,
    headers_of,
    meet,
)
from tests.support.pki import Authority

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


UPPER = CLIENT_CA.intermediate("upper")
STALE = CLIENT_CA.intermediate("stale", not_after=NOW - DAY)
BARE_CA = Authority.root("client CA without key identifiers", key_ids=False)

REFUSED = {
    "unknown CA": (OTHER_CA.issue("e"), (), 48),
    "self-signed": (OTHER_CA.issued, (), 48),
    "re-keyed CA": (CLIENT_CA.rekeyed().issue("e"), (), 48),
    "missing intermediate": (UPPER.issue("e"), (), 48),
    "expired": (CLIENT_CA.issue("e", not_after=NOW - DAY), (), 45),
    "not yet valid": (CLIENT_CA.issue("e", not_before=NOW + DAY), (), 45),
    "expired and unknown CA": (OTHER_CA.issue("e", not_after=NOW - DAY), (), 45),
    "expired intermediate": (STALE.issue("e"), STALE.intermediates, 45),
    "wrong usage": (CLIENT_CA.issue("e", usages=("serverAuth",)), (), 42),
    "SHA-1": (CLIENT_CA.issue("e", signature_hash="sha1"), (), 48),
}
ACCEPTED = {
    "plain": (CLIENT_CA.issue("e"), ()),
    "with intermediate": (UPPER.issue("e"), UPPER.intermediates),
    "no extendedKeyUsage": (CLIENT_CA.issue("e", usages=None), ()),
    "any usage": (CLIENT_CA.issue("e", usages=("anyExtendedKeyUsage",)), ()),
    "keyUsage without digitalSignature": (CLIENT_CA.issue("e", key_usage=("keyAgreement",)), ()),
    "RSA-1024": (CLIENT_CA.issue("e", key_type="rsa1024"), ()),
    "Ed25519": (CLIENT_CA.issue("e", key_type="ed25519"), ()),
}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("fault", REFUSED)
async def test_client_certificate_is_refused_as_go_refuses_it(
    start: Start, fault: str, version: str
) -> None:
    """Each fault brings Go's alert, then RST; only in TLS 1.3 is the handshake complete before."""
    issued, intermediates, alert = REFUSED[fault]
    backend = await start()
    seen = await meet(backend, client_context(issued, version, *intermediates))
    assert seen.alerts == [alert]
    assert seen.complete is (version == "1.3")
    assert seen.ended == "reset"
    assert not backend.requests


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("case", ACCEPTED)
async def test_client_certificate_that_go_takes_is_accepted(
    start: Start, case: str, version: str
) -> None:
    """What Go accepts gets gRPC status 0, also where OpenSSL itself would refuse it."""
    issued, intermediates = ACCEPTED[case]
    backend = await start()
    context = client_context(issued, version, *intermediates)
    seen = await meet(backend, context, payload=grpc_request())
    assert seen.alerts == []
    assert headers_of(seen.data)["grpc-status"] == "0"


async def test_rekeyed_ca_without_key_identifiers_is_unknown_ca(start: Start) -> None:
    """Go says unknown_ca where OpenSSL, finding the name, would say decrypt_error."""
    backend = await start(client_ca=BARE_CA)
    context = client_context(BARE_CA.rekeyed().issue("e", key_ids=False), "1.3")
    assert (await meet(backend, context)).alerts == [48]


@pytest.mark.parametrize(("version", "alert"), [("1.2", 40), ("1.3", 116)])
async def test_missing_client_certificate(start: Start, version: str, alert: int) -> None:
    """No certificate: handshake_failure in TLS 1.2, certificate_required in 1.3, then FIN."""
    seen = await meet(await start(), client_context(None, version))
    assert seen.alerts == [alert]
    assert seen.ended == "close"


async def test_certificate_need_not_be_required_or_asked_for(start: Start) -> None:
    """A backend that verifies only certificates that are sent, or has no client CA, accepts every client."""
    context = client_context(None, "1.3")
    for arguments in ({"require_client_certificate": False}, {"client_ca": None}):
        backend = await start(**arguments)
        seen = await meet(backend, context, payload=grpc_request())
        assert headers_of(seen.data)["grpc-status"] == "0"
        named = [CLIENT_CA.certificate.subject.public_bytes()] if backend.client_ca else []
        assert seen.acceptable == named


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_acceptable_ca_list_names_the_client_ca(start: Start, version: str) -> None:
    """The CertificateRequest names the subject of the client CA, as Go's ClientCAs do."""
    seen = await meet(await start(), client_context(CLIENT_CA.issue("e"), version), patience=0.2)
    assert seen.acceptable == [CLIENT_CA.certificate.subject.public_bytes()]


@pytest.mark.parametrize(("ahead", "alerts"), [(20, []), (40, [45]), (-40, [45])])
async def test_clock_offset_moves_the_judgement_of_dates(
    start: Start, ahead: int, alerts: list[int]
) -> None:
    """A clock 40 days off refuses a certificate with 30 days left, or one issued just now."""
    client_ca = Authority.root("client CA", not_before=NOW - 90 * DAY)
    days = {"not_before": NOW - 10 * DAY, "not_after": NOW + 30 * DAY}
    backend = await start(client_ca=client_ca, clock_offset=ahead * DAY)
    seen = await meet(backend, client_context(client_ca.issue("e", **days), "1.3"), patience=0.3)
    assert seen.alerts == alerts


def test_bindings_offer_what_client_verification_needs() -> None:
    """A new release of the bindings that takes a function away is noticed here."""
    assert [name for name in REQUIRED if not hasattr(_openssl.lib, name)] == []
