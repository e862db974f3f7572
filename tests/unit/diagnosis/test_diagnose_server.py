"""The backend's own certificate: each way in which it does not verify, and what lets it pass."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence, NameCheck
from tests.support.certificate_facts import (
    BACKEND,
    EXPORTER,
    OTHER_CA,
    SERVER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    HOST,
    alert,
    answered_attempt,
    attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    unverified_attempt,
)

INTERMEDIATE = authority("Backend issuing CA", SERVER_CA)
ELSEWHERE = backend(sans=("DNS:otel-gateway.example.com",))

FAULTS = [
    pytest.param(unverified_attempt(ELSEWHERE), "server_name_mismatch", id="name"),
    pytest.param(
        unverified_attempt(backend(OTHER_CA), OTHER_CA, faults=(("no_anchor", 1),)),
        "server_ca_untrusted",
        id="root",
    ),
    pytest.param(
        unverified_attempt(backend(None), faults=(("no_anchor", 0),)),
        "server_ca_untrusted",
        id="self-signed",
    ),
    pytest.param(
        unverified_attempt(BACKEND, faults=(("bad_signature", 0),)),
        "server_ca_untrusted",
        id="re-keyed",
    ),
    pytest.param(
        unverified_attempt(backend(ends=-1), faults=(("expired", 0),)),
        "server_cert_expired",
        id="expired",
    ),
    pytest.param(
        unverified_attempt(BACKEND, faults=(("expired", 1),)),
        "server_cert_expired",
        id="anchor expired",
    ),
    pytest.param(
        unverified_attempt(backend(usage=("clientAuth",)), faults=(("wrong_usage", 0),)),
        "server_cert_wrong_usage",
        id="usage",
    ),
    pytest.param(unverified_attempt(backend(signature_hash="sha1")), "server_cert_weak", id="sha1"),
    pytest.param(unverified_attempt(backend(signature_hash="md5")), "server_cert_weak", id="md5"),
    pytest.param(
        unverified_attempt(backend(key_type="RSA", key_bits=512)), "server_cert_weak", id="rsa 512"
    ),
    pytest.param(
        unverified_attempt(BACKEND, shake={"stapled_status": "revoked"}),
        "server_cert_revoked",
        id="revoked",
    ),
]


@pytest.mark.parametrize(("evidence", "cause"), FAULTS)
def test_a_server_fault_stops_the_attempt(evidence: Evidence, cause: str) -> None:
    """An exporter would stop at the handshake, and so does the attempt, with one certain cause."""
    found = diagnose(evidence)

    assert (found.outcome, found.stage) == ("failed", "handshake")
    assert (found.cause, found.certain, found.also) == (cause, True, ())


@pytest.mark.parametrize(("evidence", "cause"), FAULTS)
def test_insecure_skip_verify_lets_it_pass(evidence: Evidence, cause: str) -> None:
    """Told not to look, an exporter goes on: no server fault is a cause then."""
    assert evidence.handshake is not None
    skipping = target(insecure_skip_verify=True)
    passed = msgspec.structs.replace(evidence.handshake, server_verified=True)

    found = diagnose(answered_attempt(handshake=passed, target=skipping))

    assert (found.outcome, found.cause) == ("confirmed", None)
    assert {finding.cause for finding in found.findings} <= {cause}


@pytest.mark.parametrize(("evidence", "cause"), FAULTS)
def test_the_servers_fault_comes_before_the_clients(evidence: Evidence, cause: str) -> None:
    """In TLS 1.2 the backend's alert may come first; an exporter meets the server's fault first."""
    assert evidence.handshake is not None
    both = msgspec.structs.replace(evidence.handshake, alerts=(alert(48),))

    found = diagnose(attempt("handshake", "alert", handshake=both))

    assert found.cause == cause
    if cause != "server_ca_untrusted":
        assert "client_ca_untrusted" in found.also


def test_a_verified_server_has_no_fault() -> None:
    """The other direction, for a success and for a refusal."""
    assert diagnose(answered_attempt()).findings == ()
    found = diagnose(refused_attempt(48, EXPORTER))
    assert not [id_ for id_ in (found.cause, *found.also) if id_ and id_.startswith("server_")]


@pytest.mark.parametrize(
    ("held", "cause", "certain", "also"),
    [
        (held_credentials(exporter(INTERMEDIATE), INTERMEDIATE, at_hand=()), "server_chain_incomplete",
         True, ()),
        (held_credentials(exporter(INTERMEDIATE), at_hand=(INTERMEDIATE, SERVER_CA)),
         "server_chain_incomplete", True, ()),
        (held_credentials(EXPORTER), "server_ca_untrusted", False, ("server_chain_incomplete",)),
        (held_credentials(exporter(INTERMEDIATE), INTERMEDIATE, at_hand=(), ca_bundle=(OTHER_CA,)),
         "server_ca_untrusted", False, ("server_chain_incomplete",)),
    ],
    ids=["sent by us", "next to our file", "not available", "available, no anchor"],
)  # fmt: skip
def test_a_missing_intermediate_is_proven_or_possible(
    held: object, cause: str, certain: bool, also: tuple[str, ...]
) -> None:
    """A single server certificate: proven where its issuer is available and chains to ca_file."""
    found = diagnose(
        unverified_attempt(backend(INTERMEDIATE), faults=(("no_anchor", 0),), credentials=held)
    )

    assert (found.cause, found.certain, found.also) == (cause, certain, also)


def test_an_issuer_of_the_same_name_with_another_key_proves_no_missing_link() -> None:
    """The name fits and the authorityKeyIdentifier does not."""
    other_key = msgspec.structs.replace(INTERMEDIATE, subject_key_id="ff" * 20)
    held = held_credentials(exporter(other_key), other_key, at_hand=())

    found = diagnose(
        unverified_attempt(backend(INTERMEDIATE), faults=(("no_anchor", 0),), credentials=held)
    )

    assert found.cause == "server_ca_untrusted"


def test_dates_before_name_before_path() -> None:
    """Several faults stand in the order in which Go looks for them, each proven."""
    worst = backend(OTHER_CA, ends=-1, sans=("DNS:localhost",), usage=("clientAuth",))

    found = diagnose(
        unverified_attempt(
            worst, OTHER_CA, faults=(("no_anchor", 1), ("expired", 0), ("wrong_usage", 0))
        )
    )

    assert found.cause == "server_cert_expired"
    assert found.also == ("server_name_mismatch", "server_ca_untrusted", "server_cert_wrong_usage")
    assert found.certain


@pytest.mark.parametrize(
    ("sans", "common_name", "said"),
    [
        (("DNS:otel-gateway.example.com",), "", "DNS:otel-gateway.example.com"),
        ((), HOST, "only a CN"),
        ((), "", "none"),
        (tuple(f"DNS:n{at}.example.com" for at in range(12)), "", "and 4 more"),
    ],
)
def test_the_names_are_said(sans: tuple[str, ...], common_name: str, said: str) -> None:
    """What was wanted and what was presented; a CN counts for nothing and is named as such."""
    check = NameCheck(reference=HOST, matched=False, presented=sans, common_name=common_name)

    found = diagnose(unverified_attempt(backend(sans=sans), shake={"name_check": check}))

    assert found.cause == "server_name_mismatch"
    assert any(HOST in fact for fact in found.facts)
    assert any(said in fact for fact in found.facts)


def test_an_unreadable_intermediate_is_issued_again_without_a_new_key() -> None:
    """Its CA issues it again; the backend's own certificate and key stay."""
    seen = unverified_attempt(backend(), INTERMEDIATE, faults=(("unreadable", 1),))

    first = diagnose(seen).fix[0]

    assert INTERMEDIATE.subject.text in first
    assert "its key" not in first


@pytest.mark.parametrize(
    ("certificate", "cause"),
    [
        (backend(ends=10), "server_cert_expired"),
        (backend(key_type="RSA", key_bits=1024), "server_cert_weak"),
        (backend(ends=29), None),
        (backend(key_type="RSA", key_bits=2048), None),
    ],
    ids=["ends soon", "rsa 1024", "ends later", "rsa 2048"],
)
def test_what_does_not_stop_the_exporter_is_a_finding(
    certificate: CertificateFacts, cause: str | None
) -> None:
    """A success stays one; what will stop it later, or elsewhere, is named."""
    found = diagnose(answered_attempt(handshake=complete_handshake(server_chain=(certificate,))))

    assert found.outcome == "confirmed"
    assert [finding.cause for finding in found.findings] == ([cause] if cause else [])


def test_a_stapled_revocation_that_nobody_reads_is_a_finding() -> None:
    """Only where the handshake stopped over the certificate is it a cause."""
    stapled = {"stapled_status": "revoked"}

    read = diagnose(unverified_attempt(BACKEND, shake=stapled))
    unread = diagnose(answered_attempt(handshake=complete_handshake(**stapled)))
    good = diagnose(answered_attempt(handshake=complete_handshake(stapled_status="good")))

    assert read.cause == "server_cert_revoked"
    assert unread.outcome == "confirmed"
    assert [finding.cause for finding in unread.findings] == ["server_cert_revoked"]
    assert good.findings == ()
