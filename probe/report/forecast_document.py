"""The JSON of a forecast: `docs/json.md` describes each field."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from probe.forecast.entry import ForecastEntry, Kind, Sureness
from probe.model.diagnosis import Party
from probe.report.result import SCHEMA
from probe.text.time_format import rfc3339


class ForecastItem(Struct, frozen=True, kw_only=True):
    """One thing that will break by itself."""

    id: str
    """Stays the same when the certificate is renewed."""
    kind: Kind
    at: str | None
    """RFC 3339; null where it is not known, and may be any time."""
    seconds_left: float | None
    """From `as_of` on, negative where it has ended; null where `at` is."""
    targets: tuple[str, ...]
    party: Party
    """Who must act."""
    what: str
    where: str
    """The file, or the backend."""
    runs_in: str
    """The process or container whose file it is; empty where not known."""
    position: int | None
    subject: str
    issuer: str
    serial_number: str
    sha256: str
    sure: Sureness
    why: str
    fix: tuple[str, ...]


class UnseenTarget(Struct, frozen=True):
    """A target whose certificates were not all seen: the forecast knows nothing of the others."""

    target: str
    why: str


class ForecastDocument(Struct, frozen=True):
    """What will break by itself, in order of time."""

    schema: str
    as_of: str
    within_seconds: float
    forecast: tuple[ForecastItem, ...]
    unseen: tuple[UnseenTarget, ...]


def build_forecast(
    entries: Sequence[ForecastEntry], unseen: Iterable[tuple[str, str]], now: float, within: float
) -> ForecastDocument:
    """Return the document of `entries`, and of the targets that were not all seen."""
    return ForecastDocument(
        schema=SCHEMA,
        as_of=rfc3339(now),
        within_seconds=within,
        forecast=tuple(_build_item(one, now) for one in entries),
        unseen=tuple(UnseenTarget(*one) for one in unseen),
    )


def encode_forecast(document: ForecastDocument) -> bytes:
    """Return `document` as JSON, ending in a line break."""
    return msgspec.json.encode(document) + b"\n"


def _build_item(entry: ForecastEntry, now: float) -> ForecastItem:
    return ForecastItem(
        id=entry.uid,
        kind=entry.kind,
        at=None if entry.at is None else rfc3339(entry.at),
        seconds_left=None if entry.at is None else round(entry.at - now, 3),
        targets=entry.targets,
        party=entry.party,
        what=entry.what,
        where=entry.where,
        runs_in=entry.runs_in,
        position=entry.position,
        subject=entry.subject,
        issuer=entry.issuer,
        serial_number=entry.serial_number,
        sha256=entry.sha256,
        sure=entry.sure,
        why=entry.why,
        fix=entry.fix,
    )
