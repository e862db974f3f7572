"""Times are read however they are written; the calendar is that of `datetime`."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.x509.der import GENERALIZED_TIME, UTC_TIME, UTF8_STRING
from probe.x509.raw_certificate import WrittenTime
from probe.x509.times import read_time, to_epoch


@given(st.datetimes())
def test_the_calendar_is_that_of_datetime(moment: datetime) -> None:
    """Every second from year 1 to 9999."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert to_epoch(*moment.timetuple()[:6]) == moment.timestamp()


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (UTC_TIME, "700101000000Z", 0.0),
        (UTC_TIME, "7001010000Z", 0.0),
        (UTC_TIME, "700101010000+0100", 0.0),
        (UTC_TIME, "691231233000-0030", 0.0),
        (GENERALIZED_TIME, "19700101000000Z", 0.0),
        (GENERALIZED_TIME, "19700101000000.5Z", 0.0),
        (UTC_TIME, "491231235959Z", 2524607999.0),
        (UTC_TIME, "500101000000Z", -631152000.0),
        (GENERALIZED_TIME, "00000101000000Z", -62167219200.0),
        (UTC_TIME, "19700101000000Z", None),
        (UTC_TIME, "700230000000Z", None),
        (UTC_TIME, "", None),
        (UTF8_STRING, "700101000000Z", None),
    ],
)
def test_each_form_is_read(tag: int, text: str, expected: float | None) -> None:
    """UTCTime means 1950 to 2049 (RFC 5280 §4.1.2.5.1)."""
    assert read_time(WrittenTime(tag, text.encode())) == expected
