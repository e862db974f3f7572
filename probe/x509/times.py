"""Times of certificates (RFC 5280 §4.1.2.5) as seconds since the epoch, however they are written.

RFC 5280 wants `YYMMDDHHMMSSZ` and `YYYYMMDDHHMMSSZ`; older encodings leave out seconds or give an
offset (X.680 §46, §47), and a runtime's model decides which of those it takes.
"""

import re
from typing import Final

from probe.x509 import der as asn1
from probe.x509.raw_certificate import WrittenTime

_TIME: Final = re.compile(
    rb"(?P<year>\d{2}|\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)"
    rb"(?P<second>\d\d)?(?:[.,]\d{1,9})?(?P<zone>Z|[+-]\d{4})?"
)
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_time(written: WrittenTime) -> float | None:
    """Return the epoch seconds of a time, or None where it is not one."""
    digits = {asn1.UTC_TIME: 2, asn1.GENERALIZED_TIME: 4}.get(written.tag)
    found = _TIME.fullmatch(written.content)
    if digits is None or found is None or len(found["year"]) != digits:
        return None
    year = int(found["year"])
    if digits == 2:
        year += 1900 if year >= 50 else 2000
    second = int(found["second"] or b"0")
    clock = int(found["hour"]), int(found["minute"]), second
    moment = to_epoch(year, int(found["month"]), int(found["day"]), *clock)
    zone = found["zone"] or b"Z"
    if moment is None or zone == b"Z":
        return moment
    offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return moment - offset if zone.startswith(b"+") else moment + offset


def to_epoch(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float | None:
    """Return the epoch seconds of a moment in UTC; None where the calendar has it not.

    The years 0000 to 9999 that certificates can name; `datetime` has no year 0.
    """
    if not (1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return None
    if not 1 <= day <= get_days(year, month):
        return None
    # Days since 0000-03-01 in the proleptic Gregorian calendar.
    from_march = year - (month <= 2)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = from_march * 365 + from_march // 4 - from_march // 100 + from_march // 400 + day_of_year
    return float((days - 719468) * 86400 + hour * 3600 + minute * 60 + second)


def get_days(year: int, month: int) -> int:
    """Return how many days a month has."""
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else _DAYS[month - 1]
