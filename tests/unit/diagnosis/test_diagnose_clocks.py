"""Clocks that disagree: when a date is the reason, and whose clock is meant."""

import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.path_fault import PathFaultKind
from tests.support.certificate_facts import BACKEND, DAY, EXPORTER, authority, backend, exporter
from tests.support.evidence import (
    By,
    clock_offset,
    held_credentials,
    refused_attempt,
    target,
    unverified_attempt,
)

SECOND = 1 / 86_400


@pytest.mark.parametrize(
    ("days", "bound"), [(30, "30 days"), (400, "400 days"), (1.5, "1 day"), (0.25, "6 hours")]
)
def test_expired_there_and_valid_here_bounds_the_backends_clock(days: float, bound: str) -> None:
    """Alert 45 on a valid certificate: ahead by at least notAfter - now, in words and seconds."""
    found = diagnose(refused_attempt(45, exporter(begins=-800, ends=days)))

    assert (found.cause, found.documented_cause) == ("clock_skew", 6)
    # It may as well be a CA certificate of the backend's own that has expired.
    assert (found.certain, found.also) == (False, ("client_cert_expired",))
    assert any(f"ahead by at least {bound} ({days * 86_400:.0f} s)" in fact for fact in found.facts)


def test_the_first_certificate_to_end_gives_the_bound() -> None:
    """An intermediate with less time left than the end entity is what the backend calls expired."""
    shorter = authority("Exporter issuing CA", authority("Exporter client CA"), ends=10)

    found = diagnose(refused_attempt(45, exporter(shorter, ends=20), shorter))

    assert any("ahead by at least 10 days" in fact for fact in found.facts)


def test_a_measured_offset_is_named_with_the_bound() -> None:
    """Where another clock was read, its offset stands among the facts."""
    found = diagnose(refused_attempt(45, exporter(ends=30), clock=clock_offset(60)))

    assert any("60 days ahead of" in fact for fact in found.facts)


def test_expired_here_too_is_no_matter_of_clocks() -> None:
    """Both sides call it expired: they agree."""
    found = diagnose(refused_attempt(45, exporter(ends=-1)))

    assert (found.cause, found.also) == ("client_cert_expired", ())


@pytest.mark.parametrize("number", [42, 43, 44, 46, 48, 49, 51])
def test_other_alerts_on_a_valid_certificate_say_nothing_of_clocks(number: int) -> None:
    """Far from either edge of its validity, no other alert makes a clock a candidate."""
    found = diagnose(refused_attempt(number, EXPORTER))

    assert "clock_skew" not in (found.cause, *found.also)


@pytest.mark.parametrize(
    ("seconds", "cause"),
    [
        (30, "clock_skew"),
        (60, "clock_skew"),
        (61, "client_cert_not_yet_valid"),
        (7200, "client_cert_not_yet_valid"),
    ],
)
@pytest.mark.parametrize("by", [45, 42, 46, "close"])
def test_not_before_within_the_tolerance_is_a_clock(by: By, seconds: int, cause: str) -> None:
    """A certificate that begins within the tolerance of two clocks; beyond it, it is early."""
    found = diagnose(refused_attempt(by, exporter(begins=seconds * SECOND)))

    assert (found.cause, found.certain, found.also) == (cause, True, ())


def test_the_tolerance_is_the_targets() -> None:
    """With five minutes allowed, four are a clock's."""
    early = exporter(begins=240 * SECOND)

    assert diagnose(refused_attempt(45, early)).cause == "client_cert_not_yet_valid"
    assert (
        diagnose(refused_attempt(45, early, target=target(clock_tolerance=300.0))).cause
        == "clock_skew"
    )


@pytest.mark.parametrize(
    ("begins", "ends", "clock", "cause"),
    [
        (2, 200, 3, "clock_skew"),
        (2, 200, 1, "client_cert_not_yet_valid"),
        (2, 200, -3, "client_cert_not_yet_valid"),
        (-90, -2, -3, "clock_skew"),
        (-90, -2, -1, "client_cert_expired"),
        (-90, -2, 3, "client_cert_expired"),
    ],
)
def test_a_measured_offset_explains_or_it_does_not(
    begins: float, ends: float, clock: float, cause: str
) -> None:
    """The certificate is outside its validity here, and within it by the other clock, or not."""
    found = diagnose(
        refused_attempt(45, exporter(begins=begins, ends=ends), clock=clock_offset(clock))
    )

    assert (found.cause, found.also) == (cause, ())


@pytest.mark.parametrize(
    ("begins", "ends", "kind", "clock", "cause"),
    [
        (-90, -2, "expired", -3, "clock_skew"),
        (-90, -2, "expired", None, "server_cert_expired"),
        (-90, -2, "expired", 3, "server_cert_expired"),
        (2, 200, "not_yet_valid", 3, "clock_skew"),
        (2, 200, "not_yet_valid", 0, "server_cert_not_yet_valid"),
        (30 * SECOND, 200, "not_yet_valid", None, "clock_skew"),
    ],
)
def test_the_backends_certificate_and_the_two_clocks(
    begins: float, ends: float, kind: PathFaultKind, clock: float | None, cause: str
) -> None:
    """The same for the server's certificate, where nobody but our own clock objects."""
    reading = () if clock is None else clock_offset(clock)

    found = diagnose(
        unverified_attempt(backend(begins=begins, ends=ends), faults=((kind, 0),), clock=reading)
    )

    assert (found.cause, found.certain) == (cause, True)


def test_without_another_clock_a_future_server_certificate_stays_open() -> None:
    """Our own clock may be behind: said, until some clock has been read."""
    early = backend(begins=2)

    unread = diagnose(unverified_attempt(early, faults=(("not_yet_valid", 0),)))
    read = diagnose(
        unverified_attempt(early, faults=(("not_yet_valid", 0),), clock=clock_offset(0))
    )

    assert (unread.cause, unread.certain, unread.also) == (
        "server_cert_not_yet_valid",
        False,
        ("clock_skew",),
    )
    assert (read.cause, read.certain) == ("server_cert_not_yet_valid", True)


def test_an_anchor_of_ours_may_be_early_too() -> None:
    """The CA in ca_file begins in two days, and the backend does not send it."""
    found = diagnose(unverified_attempt(BACKEND, faults=(("not_yet_valid", 1),)))

    assert found.cause == "server_cert_not_yet_valid"


def test_without_another_clock_both_sides_from_the_future_bound_ours() -> None:
    """The backend's certificate and our own begin later: our clock is behind, as far as is seen."""
    found = diagnose(
        unverified_attempt(
            backend(begins=300, ends=665),
            faults=(("not_yet_valid", 0),),
            credentials=held_credentials(exporter(begins=310, ends=675)),
        )
    )

    assert (found.cause, found.certain) == ("clock_skew", False)
    assert "server_cert_not_yet_valid" in found.also
    assert any(f"behind by at least 310 days ({310 * DAY:.0f} s)" in fact for fact in found.facts)


def test_without_another_clock_both_sides_expired_leave_ours_in_doubt() -> None:
    """Two certificates of one age expire together, or our clock is ahead; a third clock tells."""
    found = diagnose(
        unverified_attempt(
            backend(ends=-35),
            faults=(("expired", 0),),
            credentials=held_credentials(exporter(ends=-35)),
        )
    )

    assert (found.cause, found.certain, found.also) == (
        "server_cert_expired",
        False,
        ("clock_skew",),
    )
    assert "clock.sources" in found.would_decide


def test_a_future_server_certificate_bounds_our_clock() -> None:
    """It is in use, so unless it was made for later, our clock is behind by its notBefore."""
    found = diagnose(unverified_attempt(backend(begins=2), faults=(("not_yet_valid", 0),)))

    assert any(f"behind by at least 2 days ({2 * DAY:.0f} s)" in fact for fact in found.facts)
