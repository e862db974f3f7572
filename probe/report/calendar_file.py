"""A forecast as a calendar: iCalendar (RFC 5545), one event for each thing that will break.

An event keeps its UID when the certificate is renewed, so that a calendar that reads the file again
moves it. What has no known moment is a task. All text has passed `safe_text`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from probe import __version__
from probe.diagnosis.cause import PARTIES
from probe.forecast.entry import KINDS, SURENESS, ForecastEntry
from probe.report.forecast_words import describe_subject
from probe.text.time_format import rfc3339

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
_LONGEST_LINE: Final = 75
"""Octets of a line, without its break (§3.1)."""
_NOTHING: Final = (
    "BEGIN:VTIMEZONE",
    "TZID:UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
    "END:VTIMEZONE",
)
"""What a calendar without an event has: it must have a component (§3.6), and nobody sees this one."""


def render_calendar(
    entries: Sequence[ForecastEntry], now: float, alarms: Sequence[float] = ()
) -> bytes:
    """Return the calendar of `entries`.

    Args:
        entries: what will break.
        now: when it was foreseen.
        alarms: how many seconds before each event a calendar is to remind of it.
    """
    return b"".join(list_calendar_parts(entries, now, alarms))


def list_calendar_parts(
    entries: Sequence[ForecastEntry], now: float, alarms: Sequence[float] = ()
) -> Iterator[bytes]:
    """Yield the calendar event by event, so that a long one needs not be made in one go."""
    yield _write(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//mtls-probe//mtls-probe {__version__}//EN",
        "X-WR-CALNAME:mtls-probe forecast",
    )
    taken: dict[str, int] = {}
    for one in entries:
        taken[one.uid] = number = taken.get(one.uid, 0) + 1
        uid = f"{one.uid}-{number}" if number > 1 else one.uid
        yield _write(*_event(one, uid, now, alarms))
    yield _write(*(() if entries else _NOTHING), "END:VCALENDAR")


def _event(entry: ForecastEntry, uid: str, now: float, alarms: Sequence[float]) -> Iterator[str]:
    component = "VTODO" if entry.at is None else "VEVENT"
    title = f"{KINDS[entry.kind]} ends: {entry.subject or entry.what}"
    yield f"BEGIN:{component}"
    yield f"UID:{uid}@mtls-probe"
    yield f"DTSTAMP:{_moment(now)}"
    if entry.at is not None:
        yield f"DTSTART:{_moment(entry.at)}"
        # It takes no time of anybody's.
        yield "TRANSP:TRANSPARENT"
    yield f"SUMMARY:{_escape(title)}"
    yield f"DESCRIPTION:{_escape(_describe(entry))}"
    if entry.where:
        yield f"LOCATION:{_escape(entry.where)}"
    yield f"CATEGORIES:{_escape(PARTIES[entry.party])}"
    for seconds in alarms if entry.at is not None else ():
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        minutes, rest = divmod(round(seconds), 60)
        yield f"TRIGGER:-PT{round(seconds)}S" if rest else f"TRIGGER:-PT{minutes}M"
        yield f"DESCRIPTION:{_escape(title)}"
        yield "END:VALARM"
    yield f"END:{component}"


def _describe(entry: ForecastEntry) -> str:
    lines = [
        describe_subject(entry),
        f"who must act: {PARTIES[entry.party]}",
        f"how sure: {SURENESS[entry.sure]} ({entry.why})" if entry.why else "",
        f"targets: {', '.join(entry.targets)}",
        f"issuer: {entry.issuer}" if entry.issuer else "",
        f"serial number: {entry.serial_number}" if entry.serial_number else "",
        *(f"{number}. {step}" for number, step in enumerate(entry.fix, 1)),
    ]
    return "\n".join(filter(None, lines))


def _moment(seconds: float) -> str:
    """Return a date-time in UTC (§3.3.5)."""
    return rfc3339(seconds).replace("-", "").replace(":", "")


def _escape(text: str) -> str:
    """Return `text` as a value of type TEXT (§3.3.11)."""
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def _write(*lines: str) -> bytes:
    return b"".join(map(_fold, lines))


def _fold(line: str) -> bytes:
    """Return `line` in parts of at most 75 octets, none of which breaks a character (§3.1)."""
    raw, parts, start = line.encode(), [], 0
    room = _LONGEST_LINE
    while len(raw) - start > room:
        end = start + room
        while raw[end] & 0xC0 == 0x80:  # within a character of UTF-8
            end -= 1
        parts.append(raw[start:end])
        start, room = end, _LONGEST_LINE - 1  # a part begins with a space
    return b"\r\n ".join((*parts, raw[start:])) + b"\r\n"
