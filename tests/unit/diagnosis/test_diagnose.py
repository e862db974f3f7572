"""How ties are broken: the rules by which several matches become one diagnosis."""

import msgspec.structs
import pytest

from probe.diagnosis.cause import Strength
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence, Recheck
from tests.support.certificate_facts import (
    CLIENT_CA,
    EXPORTER,
    ISSUING_CA,
    OTHER_CA,
    authority,
    exporter,
)
from tests.support.evidence import (
    By,
    alert,
    answered_attempt,
    attempt,
    clock_offset,
    complete_handshake,
    held_credentials,
    partial_handshake,
    refused_attempt,
    target,
    unconnected_attempt,
)

SILENCE = {"client_ca_untrusted", "client_san_rejected", "client_cert_revoked"}


def findings(evidence: Evidence) -> list[tuple[str, str]]:
    """Return cause and fact of each finding."""
    return [(finding.cause, finding.fact) for finding in diagnose(evidence).findings]


def test_what_the_alert_names_comes_before_what_the_files_prove() -> None:
    """Expired and of the wrong usage, and the backend says unknown_ca: the CA ended the attempt."""
    worn = exporter(ends=-1, usage=("serverAuth",))

    found = diagnose(refused_attempt(48, worn, listed=(OTHER_CA,)))

    assert found.cause == "client_ca_untrusted"
    assert found.also == ("client_cert_expired", "client_cert_wrong_usage")
    assert found.certain


@pytest.mark.parametrize("by", [46, 49, "close", "http_400"])
def test_expiry_before_usage_before_trust(by: By) -> None:
    """Where no alert names one of several faults, they stand in Go's order."""
    worn = exporter(ends=-1, usage=("serverAuth",))
    unusable = exporter(usage=("serverAuth",))

    first = diagnose(refused_attempt(by, worn, listed=(OTHER_CA,)))
    second = diagnose(refused_attempt(by, unusable, listed=(OTHER_CA,)))

    assert first.cause == "client_cert_expired"
    assert first.also == ("client_cert_wrong_usage", "client_ca_untrusted")
    assert (second.cause, second.also) == ("client_cert_wrong_usage", ("client_ca_untrusted",))


def test_a_cause_that_explains_others_suppresses_them() -> None:
    """An expired certificate explains a rejection without a reason, which then is not named."""
    found = diagnose(refused_attempt("close", exporter(ends=-1), listed=()))

    assert (found.cause, found.certain, found.also) == ("client_cert_expired", True, ())


def test_a_weaker_match_does_not_suppress_a_stronger_one() -> None:
    """An intermediate that leads nowhere does not hide that the CA is not listed either."""
    lone = exporter(ISSUING_CA, ends=-1)

    found = diagnose(refused_attempt(46, lone, at_hand=(ISSUING_CA,), listed=(OTHER_CA,)))

    assert found.cause == "client_cert_expired"
    assert "client_ca_untrusted" in found.also


def test_what_fits_as_well_is_possible_too() -> None:
    """A weak key and a keyUsage that some stacks refuse: the answer decides for neither."""
    odd = exporter(key_type="RSA", key_bits=1024, key_usage=("keyEncipherment",))

    found = diagnose(refused_attempt(46, odd))

    assert found.cause == "client_cert_wrong_usage"
    assert "client_cert_weak" in found.also
    assert not found.certain


@pytest.mark.parametrize("kind", ["close", "reset"])
@pytest.mark.parametrize(
    ("chain", "at_hand", "more"),
    [
        (EXPORTER, (CLIENT_CA,), set()),
        (exporter(ends=6.9), (CLIENT_CA,), {"clock_skew"}),
        (exporter(ends=7.1), (CLIENT_CA,), set()),
        (exporter(begins=-6.9), (CLIENT_CA,), {"clock_skew"}),
        (exporter(begins=-7.1), (CLIENT_CA,), set()),
        (exporter(ISSUING_CA), (), {"client_chain_incomplete"}),
        (exporter(None), (), set()),
    ],
    ids=["plain", "ends soon", "ends later", "begun", "begun before", "lone", "self-signed"],
)
def test_silence_leaves_exactly_what_the_files_leave(
    kind: By, chain: CertificateFacts, at_hand: tuple[CertificateFacts, ...], more: set[str]
) -> None:
    """A close without a list is client_cert_rejected, with the candidates and no others."""
    found = diagnose(refused_attempt(kind, chain, at_hand=at_hand, listed=()))

    assert (found.cause, found.certain) == ("client_cert_rejected", False)
    assert len(found.also) == len(set(found.also))
    assert set(found.also) == SILENCE | more


def test_a_list_that_names_no_issuer_of_ours_ends_the_silence() -> None:
    """The same close, and the list decides."""
    found = diagnose(refused_attempt("close", EXPORTER, listed=(OTHER_CA,)))

    assert (found.cause, found.certain) == ("client_ca_untrusted", True)


def test_the_further_handshake_speaks_for_a_silent_one() -> None:
    """An alert at TLS 1.2 names what a close in TLS 1.3 kept back; a second close names nothing."""
    silent = refused_attempt("close", exporter(ends=-1), listed=())

    def asked_again(by: By) -> Evidence:
        again = refused_attempt(by, exporter(ends=-1), listed=(), version="1.2")
        assert again.handshake is not None
        recheck = Recheck(handshake=again.handshake, ending=again.ending)
        return msgspec.structs.replace(silent, recheck=recheck)

    assert diagnose(asked_again(48)).cause == "client_ca_untrusted"
    assert diagnose(asked_again(48)).also == ("client_cert_expired",)
    assert diagnose(asked_again("close")) == diagnose(silent)


def test_a_lone_end_entity_leaves_the_link_open() -> None:
    """Nothing available shows whether a link or the anchor is missing; an available root does."""
    lone = exporter(ISSUING_CA, aia_issuers=("http://pki.example.com/issuing.crt",))

    open_ = diagnose(refused_attempt(48, lone, at_hand=()))
    known = diagnose(refused_attempt(48, EXPORTER, at_hand=(CLIENT_CA,), listed=(OTHER_CA,)))
    half_known = diagnose(refused_attempt(48, lone, at_hand=(ISSUING_CA,), listed=(OTHER_CA,)))

    assert (open_.cause, open_.certain) == ("client_ca_untrusted", False)
    assert open_.also == ("client_chain_incomplete",)
    assert any("http://pki.example.com/issuing.crt" in fact for fact in open_.facts)
    assert (known.cause, known.certain, known.also) == ("client_ca_untrusted", True, ())
    assert (half_known.certain, half_known.also) == (False, ("client_chain_incomplete",))


def test_a_wrong_signature_leaves_no_link_open() -> None:
    """decrypt_error means that an issuer was found: no intermediate is missing."""
    found = diagnose(refused_attempt(51, exporter(ISSUING_CA), at_hand=(), listed=()))

    assert (found.cause, found.certain, found.also) == ("client_ca_untrusted", True, ())


def test_a_re_keyed_ca_is_said_to_be_one() -> None:
    """Listed and yet unknown means another key; an unlisted CA does not."""
    reissued = diagnose(refused_attempt(48, EXPORTER))
    unlisted = diagnose(refused_attempt(48, EXPORTER, listed=(OTHER_CA,)))

    assert any("another key" in fact for fact in reissued.facts)
    assert not any("another key" in fact for fact in unlisted.facts)
    assert any(OTHER_CA.subject.text in fact for fact in unlisted.facts)


def test_the_connection_is_made_although_the_file_has_expired() -> None:
    """Accepted, it is a finding; where none was demanded, no fact says that it was accepted."""
    expired = held_credentials(exporter(ends=-1))
    unasked = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)

    assert diagnose(answered_attempt(credentials=expired)).outcome == "confirmed"
    [(cause, fact)] = findings(answered_attempt(credentials=expired))
    assert (cause, "accepted it" in fact) == ("client_cert_expired", True)
    [(cause, fact)] = [
        found
        for found in findings(answered_attempt(credentials=expired, handshake=unasked))
        if found[0] != "client_cert_not_requested"
    ]
    assert (cause, "accepted it" in fact) == ("client_cert_expired", False)


@pytest.mark.parametrize(
    ("days", "found"), [(27, True), (29, False), (275, False)], ids=["27", "29", "275"]
)
def test_less_than_28_days_are_a_finding(days: float, found: bool) -> None:
    """A certificate that ends within four weeks is named before it stops anybody."""
    causes = [
        cause
        for cause, _ in findings(
            answered_attempt(credentials=held_credentials(exporter(ends=days)))
        )
    ]

    assert causes == (["client_cert_expired"] if found else [])


def test_short_lived_certificates_are_not_nagged_about() -> None:
    """Of one issued for a day, the last third is what counts."""
    fresh = exporter(begins=-0.1, ends=0.9)
    nearly_over = exporter(begins=-0.8, ends=0.2)

    assert findings(answered_attempt(credentials=held_credentials(fresh))) == []
    assert [
        c for c, _ in findings(answered_attempt(credentials=held_credentials(nearly_over)))
    ] == ["client_cert_expired"]


def test_what_ended_the_attempt_elsewhere_is_not_the_certificate() -> None:
    """A port that is closed stops the exporter first; its expired file is a finding."""
    found = diagnose(
        unconnected_attempt(
            "refused", "ECONNREFUSED", credentials=held_credentials(exporter(ends=-1))
        )
    )

    assert (found.cause, found.stage, found.certain) == ("tcp_refused", "connect", True)
    assert [finding.cause for finding in found.findings] == ["client_cert_expired"]


def test_a_certificate_withheld_for_its_key_is_not_a_missing_one() -> None:
    """certificate_required although one is configured; without one it is client_cert_not_sent."""
    assert diagnose(refused_attempt(116, EXPORTER)).cause == "no_shared_signature_algorithm"
    assert diagnose(refused_attempt(116)).cause == "client_cert_not_sent"


@pytest.mark.parametrize("by", [*range(40, 52), 80, 114, 116, "close", "reset", "http_400"])
def test_any_refusal_without_a_certificate_is_its_absence(by: By) -> None:
    """Asked for and not sent: whatever refuses then, it is that."""
    found = diagnose(refused_attempt(by))

    assert (found.cause, found.certain, found.also) == ("client_cert_not_sent", True, ())


def test_without_a_request_for_a_certificate_none_is_blamed() -> None:
    """The other direction: the backend asks for none, and its close is the network's."""
    unasked = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)

    assert diagnose(attempt("export", "close", handshake=unasked)).cause == "connection_closed"
    assert diagnose(
        attempt("handshake", "alert", handshake=partial_handshake(alert(42)))
    ).cause == ("handshake_rejected")


def test_uncertainty_says_what_would_decide() -> None:
    """The one observation that would decide is the last fact, and only where something is undecided."""
    unsure = diagnose(refused_attempt("close", EXPORTER, listed=()))
    sure = diagnose(refused_attempt(45, exporter(ends=-1)))

    assert unsure.would_decide
    assert unsure.all_facts[-1] == f"not certain; what would decide: {unsure.would_decide}"
    assert not any("not certain" in fact for fact in sure.facts)


def test_an_available_expired_ca_comes_before_clocks() -> None:
    """The alert says expired, what we send is valid, and the CA that it rests on is not."""
    old = authority("Exporter client CA", ends=-1)

    found = diagnose(refused_attempt(45, exporter(old), at_hand=(old,)))

    assert (found.cause, found.also) == ("client_cert_expired", ("clock_skew",))
    assert diagnose(refused_attempt(45, EXPORTER)).cause == "clock_skew"


def test_the_steps_hold_the_readers_own_paths() -> None:
    """Placeholders become the target's settings; a command on a file that is not set is left out."""
    steps = ("openssl x509 -in {cert_file}", "{host}:{port} as {reference}")

    assert fill_steps(steps, target()) == (
        "openssl x509 -in /etc/otel/tls.crt",
        "collector.example.com:4317 as collector.example.com",
    )
    assert fill_steps(steps, target(cert_file="")) == (
        "collector.example.com:4317 as collector.example.com",
    )


def test_a_brace_in_a_path_is_no_placeholder() -> None:
    """What a path holds is text, not a template that is filled again."""
    assert fill_steps(("ls {cert_file}",), target(cert_file="/etc/{key_file}")) == (
        "ls '/etc/{key_file}'",
    )


def test_strengths_stand_in_order() -> None:
    """What names comes first, what merely remains comes last, a finding never is primary."""
    assert sorted(Strength) == [
        Strength.NAMED,
        Strength.PROVEN,
        Strength.FITS,
        Strength.RESIDUAL,
        Strength.FINDING,
    ]


def test_a_measured_clock_does_not_overrule_an_alert_that_names_the_ca() -> None:
    """The certificate is outside its validity by clocks alone, and the backend says unknown_ca."""
    found = diagnose(
        refused_attempt(48, exporter(ends=-1), listed=(OTHER_CA,), clock=clock_offset(-5))
    )

    assert (found.cause, found.also) == ("client_ca_untrusted", ())
    assert [finding.cause for finding in found.findings] == ["clock_skew"]
