"""From the parts of an HTTP response to one `Answer`: sans-I/O, and total on whatever came.

Every text of the answer is safe and short. What the answer means is not decided here.
"""

import html
import json
import re
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from msgspec import Struct, field
from msgspec.structs import replace

from probe.model.evidence import Answer, BodyEnd, ClockReading
from probe.model.media_types import is_grpc_media, is_protobuf_media
from probe.model.target import Protocol, Signal
from probe.otlp.export_message import (
    BrokenBodyError,
    ResponseFacts,
    read_grpc_response,
    read_json_response,
    read_response,
    read_status_message,
    unfold_gzip,
)
from probe.text.safe_text import safe_text

MAX_BODY: Final = 65_535
"""The most that is kept of a body; also HTTP/2's initial window, so no WINDOW_UPDATE is due."""

MAX_STEPS: Final = 512
"""The most frames, or pieces of HTTP/1.1, that one answer may come in.

The Collector, grpc-core, nginx, HAProxy and Node use 3 to 8 frames, or 2 pieces; a body of MAX_BODY
bytes in pieces of 128 would fit.
"""

GRPC_UNKNOWN: Final = 2
"""How a client reads a grpc-status that is not a number (gRPC status codes)."""

REMEMBERED: Final = 1024
"""Bytes of an answer's fields and body up to which what it means is remembered."""
_MAX_TEXT: Final = 4096
_MAX_DATE: Final = 64
USUAL_DATE: Final = re.compile(
    rb"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([12][0-9]{3}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_MAX_STATUS_DIGITS: Final = 10
_TRAILERS: Final = frozenset({b"grpc-status", b"grpc-message"})
_HEAD: Final = frozenset({
    b"content-type", b"content-encoding", b"content-length", b"grpc-encoding", b"date", b"server",
    b"location",
})  # fmt: skip
_HIDDEN: Final = re.compile(r"<!--|<script\b|<style\b")
_HIDDEN_ENDS: Final = {"<!--": "-->", "<script": "</script", "<style": "</style"}
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_TAG: Final = re.compile(r"<[^<>]*>")


class Response(Struct):
    """An HTTP response as it grows: what the two receivers fill and `to_answer` reads."""

    over: Literal["h2", "http/1.1"]
    protocol: Protocol
    signal: Signal
    status: int = 0
    fields: dict[bytes, bytes] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def add_fields(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep the head's fields of interest; of a repeated one the first.

        gRPC's status is in the trailers: clients ignore it in a head that does not end the stream.
        """
        for name, value in pairs:
            if name in _HEAD:
                self.fields.setdefault(name, value)

    def add_trailers(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep gRPC's status, of a repeated one the last, as grpc-go and grpc-core do.

        It is only in trailers, or in a head that ends the stream (gRPC over HTTP/2, Trailers-Only).
        """
        for name, value in pairs:
            if name in _TRAILERS:
                self.fields[name] = value

    def add_body(self, data: bytes) -> bool:
        """Keep `data` up to MAX_BODY; return whether more came."""
        room = MAX_BODY - len(self.body)
        self.body += data[:room]
        return len(data) > room

    @property
    def is_grpc(self) -> bool:
        """Whether it is a gRPC response: 200 and application/grpc (gRPC over HTTP/2)."""
        return self.protocol == "grpc" and self.status == 200 and is_grpc_media(self.content_type)

    @property
    def content_type(self) -> str:
        """The Content-Type, safe to show."""
        return safe_text(self.fields.get(b"content-type", b""))

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_success_so_far(self) -> bool:
        """Whether the answer would be a success if its body were complete."""
        if self.protocol == "grpc":
            return self.is_grpc and self.fields.get(b"grpc-status", b"0") == b"0"
        if not 200 <= self.status < 300:
            return False
        return is_protobuf_media(self.content_type) or not self.body

    def to_answer(self, end: BodyEnd = "whole") -> tuple[Answer, str]:
        """Return the Answer, and the fault of its body if it is broken.

        `end` says how far the body was read. A backend repeats itself but for the Date: what small
        answers mean is remembered.
        """
        date = parse_http_date(self.fields.get(b"date", b""))
        fields = tuple([pair for pair in self.fields.items() if pair[0] != b"date"])
        if len(self.body) + sum([len(value) for _, value in fields]) > REMEMBERED:
            answer, fault = self.make_undated(end)
        else:
            answer, fault = _remember_undated(
                self.over, self.protocol, self.signal, self.status, fields, bytes(self.body), end
            )
        return (answer if date is None else replace(answer, date=date)), fault

    def make_undated(self, end: BodyEnd) -> tuple[Answer, str]:
        """Return the same without the Date."""
        fields, body = self.fields, bytes(self.body)
        parses: bool | None = None
        rejected, partial, message, fault = 0, "", "", ""
        success = 200 <= self.status < 300
        if body and (self.is_grpc or (success and is_protobuf_media(self.content_type))):
            try:
                facts = self._read_message(body, whole=end == "whole")
                parses = facts.parses and end == "whole"
                rejected, partial = facts.rejected_items, facts.message
            except BrokenBodyError as error:
                parses, end, fault = False, "broken", str(error)
        elif success and end == "whole" and (said := self._read_json(body)) is not None:
            parses, rejected, partial = True, said.rejected_items, said.message
        elif body and b"content-encoding" not in fields:
            message = _extract_text(self.media_type, body)
        if raw_message := fields.get(b"grpc-message"):
            message = safe_text(unquote_to_bytes(raw_message))
        return Answer(
            over=self.over,
            http_status=self.status,
            content_type=self.content_type,
            grpc_status=_read_grpc_status(fields.get(b"grpc-status")),
            message=message,
            body_parses=parses,
            body_end=end,
            body_empty=not body,
            rejected_items=rejected,
            partial_message=partial,
            server=safe_text(fields.get(b"server", b"")),
            location=safe_text(fields.get(b"location", b"")),
        ), fault

    def _read_message(self, body: bytes, *, whole: bool) -> ResponseFacts:
        """Read the response message, as far as the body is whole.

        Go's transport offers gzip by itself and unfolds it, so some servers send it to everybody.
        """
        if not whole:
            return ResponseFacts(parses=False)
        if self.is_grpc:
            encoding = self.fields.get(b"grpc-encoding", b"")
            return read_grpc_response(self.signal, body, encoding=encoding, limit=MAX_BODY)
        return read_response(self.signal, self._unfold(body))

    def _read_json(self, body: bytes) -> ResponseFacts | None:
        """Read the response message in JSON, by which some backends answer Protobuf."""
        if self.protocol == "grpc" or not self.media_type.endswith("json"):
            return None
        try:
            return read_json_response(self._unfold(body))
        except BrokenBodyError:
            return None

    def _unfold(self, body: bytes) -> bytes:
        gzip = self.fields.get(b"content-encoding", b"").strip().lower() == b"gzip"
        return unfold_gzip(body, MAX_BODY) if gzip else body


@lru_cache(maxsize=256)
def _remember_undated(
    over: Literal["h2", "http/1.1"],
    protocol: Protocol,
    signal: Signal,
    status: int,
    fields: tuple[tuple[bytes, bytes], ...],
    body: bytes,
    end: BodyEnd,
) -> tuple[Answer, str]:
    return Response(over, protocol, signal, status, dict(fields), bytearray(body)).make_undated(end)


def _read_grpc_status(raw: bytes | None) -> int | None:
    if raw is None:
        return None
    if not raw.isdigit() or len(raw) > _MAX_STATUS_DIGITS:
        return GRPC_UNKNOWN
    return int(raw)


def compare_date(answer: Answer | None, received_at: float) -> tuple[ClockReading, ...]:
    """Compare the Date of the backend's own answer with `received_at`, when it came by our clock."""
    if answer is None or answer.date is None:
        return ()
    # The Date has whole seconds (RFC 9110 §5.6.7): on average half a second has passed.
    offset = answer.date + 0.5 - received_at
    return (ClockReading(source="http_date", offset=offset, uncertainty=1.0),)


@lru_cache(maxsize=16)
def parse_http_date(raw: bytes) -> float | None:
    """Read an HTTP date (RFC 9110 §5.6.7) as seconds since the epoch; None where it is not one."""
    if not raw:
        return None
    usual = USUAL_DATE.fullmatch(raw)
    try:
        if usual is not None and (month := _MONTHS.get(usual[2])):
            day, _, *rest = usual.groups()
            year, hour, minute, second = map(int, rest)
            return datetime(year, month, int(day), hour, minute, second, tzinfo=UTC).timestamp()
        moment = parsedate_to_datetime(raw[:_MAX_DATE].decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _extract_text(media_type: str, body: bytes) -> str:
    """Return the text for people in a body: a Status message, JSON's message, or visible text."""
    if is_protobuf_media(media_type):
        return read_status_message(body)
    if media_type.endswith("json"):
        return _extract_json_message(body)
    if media_type.startswith("text/") or media_type.endswith("xml"):
        return _extract_visible_text(body)
    if not media_type and body[:_MAX_TEXT].isascii():
        return _extract_visible_text(body)
    return ""


def _extract_json_message(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        return safe_text(found["message"])
    return _collapse_spaces(body[:_MAX_TEXT].decode("utf-8", "backslashreplace"))


def _extract_visible_text(body: bytes) -> str:
    text = body[:_MAX_TEXT].decode("utf-8", "backslashreplace")
    return _collapse_spaces(html.unescape(_TAG.sub(" ", _strip_hidden(text))))


def _strip_hidden(text: str) -> str:
    """Return markup without comments, scripts and styles, in one pass.

    A beginning without its end stays, and no other of its kind is searched for: a thousand searches
    would take the square of the time.
    """
    lower = text.translate(_ASCII_LOWER)
    kept: list[str] = []
    at, endless = 0, set[str]()
    for found in _HIDDEN.finditer(lower):
        kind = found[0]
        if found.start() < at or kind in endless:
            continue
        end = lower.find(_HIDDEN_ENDS[kind], found.end())
        close = lower.find(">", end) if end >= 0 else -1
        if close < 0:
            endless.add(kind)
            continue
        kept += (text[at : found.start()], " ")
        at = close + 1
    return "".join(kept) + text[at:]


def _collapse_spaces(text: str) -> str:
    return safe_text(" ".join(text.split()))
