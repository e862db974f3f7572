"""Diagnoses where other clocks were read, or an answer tells the backend's time."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import ClockReading
from tests.support.certificate_facts import DAY, authority, backend, exporter
from tests.support.evidence import (
    NGINX_400,
    answered_attempt,
    clock_offset,
    held_credentials,
    refused_attempt,
    unverified_attempt,
)

SECOND = 1 / 86_400
SNTP = "sntp:ntp.example.org"
URL = "http://collector:13133/"
A_YEAR = 365


def clocks(**days: float) -> tuple[ClockReading, ...]:
    """Return readings by their kind (date, sntp, url), each so many days ahead of ours."""
    names = {"date": "http_date", "sntp": SNTP, "url": URL}
    return tuple(ClockReading(source=names[kind], offset=d * DAY) for kind, d in days.items())


def test_a_probe_a_year_behind_finds_its_clock_and_no_fault_of_certificates() -> None:
    """Everything looks not yet valid, our own certificate too; the backend's Date explains it."""
    found = diagnose(
        unverified_attempt(
            backend(begins=300, ends=665),
            authority("Backend CA", begins=290, ends=3000),
            faults=(("not_yet_valid", 1), ("not_yet_valid", 0)),
            credentials=held_credentials(exporter(begins=310, ends=675)),
            clock=clocks(date=A_YEAR),
        )
    )

    assert (found.cause, found.certain, found.also) == ("clock_skew", True, ())
    assert found.findings == ()
    assert any("365 days ahead of the probe's" in fact for fact in found.facts)


def test_a_probe_a_year_ahead_finds_no_expired_server() -> None:
    """The same in the other direction: all has expired here, and nothing by the backend's Date."""
    found = diagnose(
        unverified_attempt(
            backend(begins=-400, ends=-35),
            faults=(("expired", 0),),
            credentials=held_credentials(exporter(begins=-400, ends=-35)),
            clock=clocks(date=-A_YEAR),
        )
    )

    assert (found.cause, found.certain, found.also) == ("clock_skew", True, ())
    assert found.findings == ()
    assert any("365 days behind the probe's" in fact for fact in found.facts)


@pytest.mark.parametrize(
    ("readings", "says", "fix"),
    [
        (clocks(sntp=A_YEAR), "the probe's own clock is 365 days behind", "the probe runs on"),
        (clocks(date=A_YEAR, sntp=A_YEAR), "own clock is 365 days behind", "the probe runs on"),
        (clocks(date=A_YEAR, url=A_YEAR), "the probe's clock is likely", "the probe runs on"),
        (clocks(date=A_YEAR), "365 days ahead of the probe's", "compare both with a good clock"),
    ],
)
def test_who_is_wrong_is_said_where_two_clocks_tell(
    readings: tuple[ClockReading, ...], says: str, fix: str
) -> None:
    """SNTP is taken for right, two that agree outvote one, and one alone tells a difference."""
    found = diagnose(
        unverified_attempt(
            backend(begins=300, ends=665), faults=(("not_yet_valid", 0),), clock=readings
        )
    )

    assert found.cause == "clock_skew"
    assert any(says in fact for fact in found.facts)
    assert fix in found.fix[0]


@pytest.mark.parametrize(
    "readings", [clocks(date=-5, sntp=0), clocks(date=-5, url=0), clocks(sntp=0), clocks(url=0)]
)
def test_clocks_that_agree_with_ours_leave_an_expired_server(
    readings: tuple[ClockReading, ...],
) -> None:
    """The backend's clock is behind, so it serves what has expired; ours is right."""
    found = diagnose(unverified_attempt(backend(ends=-2), faults=(("expired", 0),), clock=readings))

    assert (found.cause, found.certain, found.also) == ("server_cert_expired", True, ())
    behind = any(reading.source == "http_date" for reading in readings)
    assert [finding.cause for finding in found.findings] == (["clock_skew"] if behind else [])


def test_one_certificate_that_has_really_expired_is_no_clock() -> None:
    """The other clock explains the end entity; the CA has expired by both."""
    found = diagnose(
        unverified_attempt(
            backend(ends=-2),
            authority("Backend CA", ends=-30),
            faults=(("expired", 1), ("expired", 0)),
            clock=clocks(date=-5),
        )
    )

    assert found.cause == "server_cert_expired"


@pytest.mark.parametrize("listed", [True, False])
def test_nginx_ahead_refuses_with_its_date(listed: bool) -> None:
    """Its 400 says how far its clock is ahead, and by that our certificate has expired."""
    seen = refused_attempt(
        "http_400", exporter(ends=30), clock=clocks(date=60), **({} if listed else {"listed": ()})
    )

    found = diagnose(seen)

    assert (found.cause, found.certain) == ("clock_skew", True)
    assert any("60 days ahead of the probe's" in fact for fact in found.facts)
    assert any("by that clock it expired 30 days ago" in fact for fact in found.facts)


def test_nginx_behind_refuses_a_new_certificate() -> None:
    """Issued an hour ago, and not yet valid by a backend that is a day behind."""
    found = diagnose(refused_attempt("http_400", exporter(begins=-1 / 24), clock=clocks(date=-1)))

    assert (found.cause, found.certain) == ("clock_skew", True)
    assert any("by that clock it becomes valid in 23 hours" in fact for fact in found.facts)


def test_a_backend_whose_date_agrees_did_not_refuse_over_clocks() -> None:
    """Near the edge of its validity, but the backend's own Date rules its clock out."""
    near = exporter(begins=-6)

    assert "clock_skew" in diagnose(refused_attempt("http_400", near)).also
    assert (
        "clock_skew" not in diagnose(refused_attempt("http_400", near, clock=clocks(date=0))).also
    )
    assert "clock_skew" in diagnose(refused_attempt(42, near, clock=clocks(sntp=0))).also


def test_our_clock_alone_does_not_make_a_backend_refuse() -> None:
    """By SNTP our certificate is valid: a silent refusal has another reason, and our clock is reported."""
    found = diagnose(
        refused_attempt("close", exporter(begins=200, ends=700), clock=clocks(sntp=A_YEAR))
    )

    assert found.cause == "client_cert_rejected"
    assert [finding.cause for finding in found.findings] == ["clock_skew"]


def test_a_clock_of_ours_that_is_behind_hides_that_ours_has_expired() -> None:
    """The backend is right; the certificate is to be renewed, and our clock to be set."""
    found = diagnose(refused_attempt(45, exporter(ends=30), clock=clocks(sntp=60)))

    assert (found.cause, found.certain) == ("clock_skew", True)
    assert "the probe runs on" in found.fix[0]
    assert "renew" in found.fix[-1]


def test_expired_there_against_a_clock_that_agrees_is_not_certain() -> None:
    """A URL on the backend's side agrees with ours: an expired CA over there says 45 too."""
    found = diagnose(refused_attempt(45, exporter(ends=30), clock=clocks(url=0)))

    assert (found.cause, found.certain, found.also) == (
        "clock_skew",
        False,
        ("client_cert_expired",),
    )


@pytest.mark.parametrize(
    ("seconds", "is_reported"), [(0, False), (59, False), (63, True), (-63, True), (86_400, True)]
)
def test_a_success_reports_clocks_that_differ(seconds: int, is_reported: bool) -> None:
    """Beyond the tolerance, and what the reading itself may be wrong by, it is a finding."""
    found = diagnose(answered_attempt(clock=clock_offset(seconds * SECOND)))

    assert found.outcome == "confirmed"
    assert [finding.cause for finding in found.findings] == (["clock_skew"] if is_reported else [])
    if is_reported:
        word = "ahead of" if seconds > 0 else "behind"
        assert word in found.findings[0].fact


def test_an_uncertain_reading_decides_nothing() -> None:
    """What was read before our clock was set is as good as nothing."""
    vague = (ClockReading(source=SNTP, offset=-5 * DAY, uncertainty=10 * DAY),)
    found = diagnose(unverified_attempt(backend(ends=-2), faults=(("expired", 0),), clock=vague))

    assert (found.cause, found.findings) == ("server_cert_expired", ())


def test_an_answer_of_400_without_words_is_judged_by_the_backends_clock() -> None:
    """No word of certificates, but by its Date ours has expired: that is why."""
    silent = msgspec.structs.replace(NGINX_400, message="Bad Request")
    seen = refused_attempt("http_400", exporter(ends=30), answer=silent)

    assert diagnose(seen).cause == "otlp_rejected"
    dated = msgspec.structs.replace(seen, clock=clocks(date=60))
    assert diagnose(dated).cause == "clock_skew"
