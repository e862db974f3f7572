"""A forecast as iCalendar: read back by a library that knows RFC 5545."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import icalendar
import msgspec.structs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnosis.diagnose import diagnose
from probe.forecast.entry import ForecastEntry
from probe.forecast.forecast import SeenTarget, make_forecast
from probe.report.calendar_file import render_calendar
from tests.support.certificate_facts import AT, DAY, exporter, name
from tests.support.evidence import answered_attempt, held_credentials, target
from tests.support.fleets import make_fleet

NOW: Final = datetime.fromtimestamp(AT, UTC)


def read(entries: tuple[ForecastEntry, ...], alarms: tuple[float, ...] = ()) -> Any:
    """Return the calendar of `entries` as the library reads it; it has no error in any line."""
    raw = render_calendar(entries, AT, alarms)
    assert raw.replace(b"\r\n", b"").count(b"\n") == 0
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    calendar = icalendar.Calendar.from_ical(raw)
    assert [one.errors for one in calendar.walk() if one.errors] == []
    return calendar


def test_50_fleets_are_calendars_with_the_moments_of_their_entries() -> None:
    """One event for each, in order, each with a UID of its own."""
    for seed in range(50):
        entries = make_forecast((each.seen for each in make_fleet(seed)), AT, 400 * DAY)
        events = read(entries).events
        assert [one["DTSTART"].dt.timestamp() for one in events] == [
            int(one.at or 0) for one in entries
        ]
        assert len({str(one["UID"]) for one in events}) == len(entries)


def forecast(*names: str, **fields: Any) -> tuple[ForecastEntry, ...]:
    """Return what ends of a target whose client certificate is changed by `fields`."""
    own = msgspec.structs.replace(exporter(ends=10), **fields)
    seen = [
        SeenTarget(evidence, diagnose(evidence))
        for each in names or ("collector-eu",)
        for evidence in [
            answered_attempt(target=target(name=each), credentials=held_credentials(own))
        ]
    ]
    return make_forecast(seen, AT, 20 * DAY)


def test_an_event_says_who_must_act_where_and_how() -> None:
    """At the second at which the certificate ends, and it takes nobody's time."""
    (event,) = read(forecast("a", "b")).events
    assert event["SUMMARY"] == "client certificate ends: CN=checkout"
    assert event["DTSTART"].dt == NOW + timedelta(days=10)
    assert event["DTSTAMP"].dt == NOW
    assert event["LOCATION"] == "/etc/otel/tls.crt"
    assert event["TRANSP"] == "TRANSPARENT"
    text = str(event["DESCRIPTION"])
    assert "who must act: the exporter's side\n" in text
    assert "targets: a, b\n" in text
    assert "1. Renew the exporter's certificate (CN=checkout).\n" in text


def test_what_a_certificate_says_cannot_leave_its_line() -> None:
    """Commas, semicolons, backslashes and letters of several octets come back as they were."""
    hostile = name("a;b,c\\n\\;ä" + "é" * 90)
    (event,) = read(forecast(subject=hostile)).events
    assert event["SUMMARY"] == f"client certificate ends: {hostile.text}"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aé€😀,;\\\\ ", max_size=400))
def test_lines_are_folded_between_characters(text: str) -> None:
    """In octets of UTF-8, whatever the letters; unfolded they are as they were (§3.1)."""
    raw = render_calendar((replace(forecast()[0], subject=text, where=""),), AT)
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    escaped = re.sub(r"[\\;,]", lambda found: f"\\{found[0]}", text)
    summary = f"SUMMARY:client certificate ends: {escaped or ''}".encode()
    assert not text or summary + b"\r\n" in raw.replace(b"\r\n ", b"")


def test_a_calendar_reminds_where_it_is_asked_to() -> None:
    """So long before as was asked, each time."""
    (event,) = read(forecast(), (14 * DAY, 3600.0)).events
    assert [one["TRIGGER"].dt for one in event.walk("VALARM")] == [
        -timedelta(days=14),
        -timedelta(hours=1),
    ]
    (quiet,) = read(forecast()).events
    assert quiet.walk("VALARM") == []


def test_a_reminder_of_less_than_a_minute_is_one() -> None:
    """Down to a second."""
    (event,) = read(forecast(), (90.0, 5.0)).events
    assert [one["TRIGGER"].dt for one in event.walk("VALARM")] == [
        -timedelta(seconds=90),
        -timedelta(seconds=5),
    ]


@pytest.mark.parametrize("year", [1, 987, 1949, 1969, 2049, 2050, 9999])
def test_an_event_is_at_the_moment_whatever_the_year(year: int) -> None:
    """GeneralizedTime has four digits; what lies beyond them is the last moment of all."""
    ends = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    entries = forecast(not_after=ends.timestamp())
    found = read(entries).events if year < 2050 else []
    assert [one["DTSTART"].dt for one in found] == [ends] * len(found)
    assert bool(found) == (year < 2026)
    (late,) = read((replace(forecast()[0], at=1e15),)).events
    assert late["DTSTART"].dt == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_calendar_without_an_event_is_one() -> None:
    """RFC 5545 §3.6 wants a component: clients refuse a file that has none."""
    calendar = read(())
    assert calendar.events == calendar.todos == []
    assert [one.name for one in calendar.subcomponents] == ["VTIMEZONE"]


def test_a_renewed_certificate_moves_its_event() -> None:
    """The UID is of the thing, not of its dates."""
    (before,) = read(forecast()).events
    (after,) = read(forecast(not_after=AT + 15 * DAY, sha256="renewed")).events
    assert before["UID"] == after["UID"]
    assert before["DTSTART"].dt != after["DTSTART"].dt


def test_what_has_no_known_moment_is_a_task() -> None:
    """An event would need one."""
    evidence = answered_attempt(
        target=target(read_once=("cert",), started=AT - 50 * DAY, runs_in="process 7 (java)"),
        credentials=held_credentials(exporter(), cert_modified=AT - DAY),
    )
    calendar = read(make_forecast([SeenTarget(evidence, diagnose(evidence))], AT, DAY), (DAY,))
    (task,) = calendar.todos
    assert task["SUMMARY"].startswith("exporter has old files ends")
    assert "DTSTART" not in task
