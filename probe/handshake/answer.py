"""From the parts of an HTTP response to one `Answer`: sans-I/O, and total on whatever came.

Law 2: nothing here raises for what a peer sent. Law 10: every text of the answer is safe and
short. What the answer means is not decided here.
"""

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from probe.evidence import Answer, ClockReading
from probe.handshake.otlp_message import read_grpc_response, read_response, read_status
from probe.safe_text import safe_text
from probe.target import Protocol, Signal

MAX_BODY: Final = 65_535
"""The most that is kept of a body; also HTTP/2's initial window, so no WINDOW_UPDATE is due."""

GRPC_UNKNOWN: Final = 2
"""What a client makes of a grpc-status that is no number (gRPC status codes)."""

_MAX_TEXT: Final = 4096
_MAX_DATE: Final = 64
_MAX_STATUS_DIGITS: Final = 10
_TRAILERS: Final = frozenset({b"grpc-status", b"grpc-message"})
_KEPT: Final = _TRAILERS | {
    b"content-type",
    b"content-encoding",
    b"date",
    b"server",
    b"location",
}
_UNSEEN: Final = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")


@dataclass(slots=True)
class Response:
    """An HTTP response as it grows: what the two receivers fill and `to_answer` reads."""

    over: Literal["h2", "http/1.1"]
    protocol: Protocol
    signal: Signal
    status: int = 0
    fields: dict[bytes, bytes] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def add_fields(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep the head's fields of interest; of a repeated one the first."""
        for name, value in pairs:
            if name in _KEPT:
                self.fields.setdefault(name, value)

    def add_trailers(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep gRPC's fields, which are the only ones that trailers may bring."""
        for name, value in pairs:
            if name in _TRAILERS:
                self.fields[name] = value

    def add_body(self, data: bytes) -> bool:
        """Keep `data` up to MAX_BODY; say whether the body is full."""
        self.body += data[: MAX_BODY - len(self.body)]
        return len(self.body) >= MAX_BODY

    @property
    def is_grpc(self) -> bool:
        """Whether it is a gRPC response: 200 and application/grpc (gRPC over HTTP/2)."""
        content_type = self.fields.get(b"content-type", b"").lower()
        return (
            self.protocol == "grpc"
            and self.status == 200
            and content_type.startswith(b"application/grpc")
        )

    @property
    def has_grpc_status(self) -> bool:
        """Whether a grpc-status came, in the head (trailers-only) or the trailers."""
        return b"grpc-status" in self.fields

    def to_answer(self, *, cut: bool = False) -> Answer:
        """Return what came as an Answer; `cut` says that the body lacks its end."""
        fields, body = self.fields, bytes(self.body)
        content_type = safe_text(fields.get(b"content-type", b""))
        media_type = content_type.partition(";")[0].strip().lower()
        parses: bool | None = None
        rejected, partial, message = 0, "", ""
        protobuf = media_type == "application/x-protobuf" and 200 <= self.status < 300
        if body and (self.is_grpc or protobuf):
            read = read_grpc_response if self.is_grpc else read_response
            facts = read(self.signal, body)
            parses = facts.parses and not cut
            rejected, partial = facts.rejected_items, facts.message
        elif body and b"content-encoding" not in fields:
            message = _body_text(media_type, body)
        if raw_message := fields.get(b"grpc-message"):
            message = safe_text(unquote_to_bytes(raw_message))
        return Answer(
            over=self.over,
            http_status=self.status,
            content_type=content_type,
            grpc_status=_grpc_status(fields.get(b"grpc-status")),
            message=message,
            body_parses=parses,
            body_empty=not body,
            rejected_items=rejected,
            partial_message=partial,
            server=safe_text(fields.get(b"server", b"")),
            date=http_date(fields.get(b"date", b"")),
            location=safe_text(fields.get(b"location", b"")),
        )


def _grpc_status(raw: bytes | None) -> int | None:
    if raw is None:
        return None
    if not raw.isdigit() or len(raw) > _MAX_STATUS_DIGITS:
        return GRPC_UNKNOWN
    return int(raw)


def date_reading(answer: Answer | None, received_at: float) -> tuple[ClockReading, ...]:
    """Compare the Date of the backend's own answer with `received_at`, when it came by our clock."""
    if answer is None or answer.date is None:
        return ()
    # The Date has whole seconds (RFC 9110 §5.6.7): on average half a second has passed.
    offset = answer.date + 0.5 - received_at
    return (ClockReading(source="http_date", offset=offset, uncertainty=1.0),)


def http_date(raw: bytes) -> float | None:
    """Read an HTTP date (RFC 9110 §5.6.7) as seconds since the epoch; None where it is none."""
    if not raw:
        return None
    try:
        moment = parsedate_to_datetime(raw[:_MAX_DATE].decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body_text(media_type: str, body: bytes) -> str:
    """Return what a body says to people: a Status message, JSON's message, or its visible text."""
    if media_type == "application/x-protobuf":
        status = read_status(body)
        return status.message if status is not None else ""
    if media_type.endswith("json"):
        return _json_message(body)
    if media_type.startswith("text/") or media_type.endswith("xml"):
        return _visible(body)
    if not media_type and body[:_MAX_TEXT].isascii():
        return _visible(body)
    return ""


def _json_message(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        return safe_text(found["message"])
    return _collapsed(body[:_MAX_TEXT].decode("utf-8", "backslashreplace"))


def _visible(body: bytes) -> str:
    text = body[:_MAX_TEXT].decode("utf-8", "backslashreplace")
    return _collapsed(html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text))))


def _collapsed(text: str) -> str:
    return safe_text(" ".join(text.split()))
