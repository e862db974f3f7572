"""Validity is judged in one place, with both of its ends included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.model.certificate import CertificateFacts, Name
from probe.x509.validity import (
    describe_beginning,
    describe_expired,
    describe_expiry,
    describe_time_left,
    expires_soon,
    find_expired,
    find_first_to_expire,
    find_invalid,
    find_next_boundary,
    find_not_yet_valid,
    is_expired,
    is_not_yet_valid,
    is_older,
    is_valid,
)

DAY = 86400.0


def valid(begins: float, ends: float) -> CertificateFacts:
    """Return a certificate with this validity."""
    return CertificateFacts(
        subject=Name(text="CN=c", digest="1"),
        issuer=Name(text="CN=CA", digest="2"),
        serial_number="01",
        not_before=begins,
        not_after=ends,
        sha256="00",
    )


@pytest.mark.parametrize(
    ("at", "expired", "early"),
    [(99, False, True), (100, False, False), (200, False, False), (201, True, False)],
)
def test_both_ends_belong_to_the_validity(at: float, expired: bool, early: bool) -> None:
    """RFC 5280 §4.1.2.5: from notBefore through notAfter, inclusive."""
    one = valid(100, 200)

    assert is_expired(one, at) is expired
    assert is_not_yet_valid(one, at) is early
    assert is_valid(one, at) is not (expired or early)


def test_the_older_of_two_was_issued_first() -> None:
    """Its notBefore is earlier, whenever it ends."""
    assert is_older(valid(100, 900), valid(200, 300))
    assert not is_older(valid(100, 200), valid(100, 300))


def test_a_tolerance_is_of_the_beginning_alone() -> None:
    """Two clocks may differ by it; a certificate that has expired gets no more time."""
    assert not is_not_yet_valid(valid(100, 200), 40, tolerance=60)
    assert is_not_yet_valid(valid(100, 200), 39, tolerance=60)


@pytest.mark.parametrize(
    ("lifetime", "left", "soon"),
    [(365, 28, False), (365, 27, True), (30, 10, False), (30, 9, True), (30, -1, False)],
)
def test_soon_is_28_days_or_a_third_of_the_lifetime(
    lifetime: float, left: float, soon: bool
) -> None:
    """What has expired is not about to."""
    assert expires_soon(valid(0, lifetime * DAY), (lifetime - left) * DAY) is soon


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1), st.integers(-1, 10))
def test_a_chain_is_judged_as_its_certificates_are(dates: list[tuple[int, int]], at: int) -> None:
    """The first certificate found is one that is judged so by itself, and none means none."""
    chain = [valid(begins, ends) for begins, ends in dates]
    for find, judge in (
        (find_expired, is_expired),
        (find_not_yet_valid, is_not_yet_valid),
        (find_invalid, lambda one, at: not is_valid(one, at)),
    ):
        assert find(chain, at) == next((one for one in chain if judge(one, at)), None)
    assert find_first_to_expire(chain).not_after == min(ends for _, ends in dates)


def test_the_words_name_certificate_time_and_date() -> None:
    """A reader needs no arithmetic."""
    one = valid(10 * DAY, 20 * DAY)

    assert describe_expired(one, 23 * DAY) == "CN=c expired 3 days ago, on 1970-01-21 00:00:00 UTC"
    assert describe_expiry(one, 19 * DAY) == "CN=c expires in 1 day, on 1970-01-21 00:00:00 UTC"
    assert describe_beginning(one, 8 * DAY).startswith(
        "CN=c becomes valid in 2 days, on 1970-01-11"
    )
    assert [describe_time_left(one, day * DAY) for day in (8, 12, 23)] == [
        "not valid for another 2 days",
        "8 days left",
        "expired 3 days ago",
    ]


def test_nothing_begins_or_ends_up_to_the_next_boundary() -> None:
    """The boundary itself is behind it; an unreadable time has none."""
    periods = [(10.0, 20.0), (None, 15.0), (12.0, None)]
    until = find_next_boundary(periods, 5.0, 99.0)
    assert until < 10.0
    assert find_next_boundary(periods, until, 99.0) == until
    assert 11.0 < find_next_boundary(periods, 10.5, 99.0) < 12.0
    assert find_next_boundary(periods, 20.0, 99.0) == 20.0
    assert find_next_boundary(periods, 20.5, 99.0) == 99.0
