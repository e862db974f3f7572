"""The requests of one connection, each with its answer: counts and names, no payload. Pure."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Literal

from msgspec.structs import replace

from probe.backend.export_content import (
    SIGNALS,
    EncodingError,
    MalformedError,
    UncountedError,
    count_grpc,
    count_http,
)
from probe.model.exporter_connection import ExportRequest
from probe.text.safe_text import safe_text

KEPT: Final = 16
"""Requests of one connection that are reported; later ones are counted, and the first
that was taken is among them."""
Refusal = Literal["", "malformed", "encoding"]
"""Why a Collector refuses a body: it is no OTLP, or compressed by a method that it lacks."""
MAX_WAITING: Final = 256
"""Requests that wait for their answer."""


class RequestLog:
    """What an exporter asked for, and what it was answered."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.count = 0
        """Requests that were answered."""
        self.items = 0
        self.taken = 0
        """Exports of OTLP that were answered with success."""
        self._first: list[ExportRequest] = []
        self._waiting: OrderedDict[int, ExportRequest] = OrderedDict()

    @property
    def first(self) -> tuple[ExportRequest, ...]:
        """The first requests, with those that wait for an answer."""
        return (*self._first, *self._waiting.values())[:KEPT]

    @property
    def waiting(self) -> int:
        """Requests without an answer."""
        return len(self._waiting)

    def note_request(
        self,
        stream: int,
        fields: Mapping[str, str],
        body: bytes,
        *,
        size: int,
        whole: bool,
        over: Literal["h2", "http/1.1"],
    ) -> tuple[Refusal, str]:
        """Take a request; `stream` says which answer is its. Return why a Collector refuses its body.

        Args:
            stream: Its stream, or its number in HTTP/1.1.
            fields: Its header fields, with `:method` and `:path`.
            body: As it was sent.
            size: The bytes of the body.
            whole: Whether `body` is all of it.
            over: The version of HTTP.
        """
        path = fields.get(":path", "").partition("?")[0]  # a query may hold a token
        signal = SIGNALS.get(path)
        media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
        grpc = media_type.startswith("application/grpc")
        encoding = fields.get("grpc-encoding" if grpc else "content-encoding", "")
        request = ExportRequest(
            over=over,
            method=safe_text(fields.get(":method", ""), 20),
            path=safe_text(path, 120),
            signal=signal or "",
            size=size,
            content_type=safe_text(media_type, 60),
            encoding=safe_text(encoding, 20),
            user_agent=safe_text(fields.get("user-agent", ""), 120),
        )
        refusal: Refusal = ""
        if signal is not None and not whole:
            request = replace(request, uncounted="its body is too long")
        elif signal is not None:
            try:
                if grpc:
                    content = count_grpc(body, encoding, signal)
                else:
                    content = count_http(body, encoding, media_type, signal)
                request = replace(request, items=content.items, services=tuple(content.services))
            except UncountedError as error:
                request = replace(request, uncounted=str(error))
                if isinstance(error, MalformedError):
                    refusal = "encoding" if isinstance(error, EncodingError) else "malformed"
        self._waiting[stream] = request
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        return refusal, request.uncounted

    def note_answer(self, stream: int, status: str, good: bool) -> None:
        """Take the answer to the request of `stream`."""
        request = self._waiting.pop(stream, None)
        if request is None:
            return
        self.count += 1
        taken = good and bool(request.signal)
        if taken:
            self.items += request.items or 0
            self.taken += 1
        answered = replace(request, answer=safe_text(status, 20), taken=taken)
        if len(self._first) < KEPT:
            self._first.append(answered)
        elif taken and self.taken == 1:
            self._first[-1] = answered  # the one that proves an export is among them
