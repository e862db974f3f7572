"""The receiving half of one HTTP exchange: what HTTP/1.1 and HTTP/2 have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Literal

from probe.model.evidence import Answer, BodyEnd
from probe.model.target import Protocol, Signal
from probe.otlp.response import Response

FIRST_BYTES: Final = 7
"""As many are kept of a peer that does not speak the protocol.

They show what it speaks instead, as an alert record does, and are too few for an echo of a header's
value to matter.
"""


class Exchange(ABC):
    """The receiving half of an exchange: takes bytes in any pieces, and raises for none of them."""

    over: ClassVar[Literal["h2", "http/1.1"]]

    def __init__(self, protocol: Protocol, signal: Signal) -> None:
        """Expect the answer to an Export of `signal`."""
        self.answer: Answer | None = None
        """The complete answer; or of one that is not a success as much as came before it was cut."""
        self.cut_answer: Answer | None = None
        """The beginning of a success whose body was not read to its end: it confirms nothing."""
        self.protocol_seen = False
        """Whether the peer has spoken this protocol: its SETTINGS, or a status line."""
        self.garbage = False
        """Whether the peer does not speak it, or breaks it."""
        self.exhausted = False
        """Whether more came than one answer may take; `detail` names the bound."""
        self.ended = False
        """Whether nothing more is read; without any of the above, no answer will come."""
        self.detail = ""
        """A short safe fact about an end without an answer."""
        self.http2_error: int | None = None
        """The code of the RST_STREAM or GOAWAY that ended the request."""
        self.first_bytes = b""
        """What came first of a peer that does not speak it: at most FIRST_BYTES."""
        self.speaks_http1 = False
        """HTTP/2: whether the peer answers in HTTP/1.x; `unread` are its bytes."""
        self.unread = b""
        self._response = Response(self.over, protocol, signal)

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""

    @abstractmethod
    def receive_eof(self, *, orderly: bool = True) -> None:
        """Take the end of the peer's bytes; `orderly`: by a FIN, and not by an RST."""

    def end_early(self) -> None:
        """Read no more, because of a deadline or a bound; an error's status stands even if cut."""
        if not self.ended:
            self._end("cut")

    def take_output(self) -> bytes:
        """Return what the protocol itself has to reply."""
        return b""

    def _end(self, end: BodyEnd, detail: str = "") -> None:
        """End the answer as far as it came; without END_STREAM gRPC has no status, and no answer."""
        response = self._response
        self.ended, self.detail = True, detail
        if not response.status:
            return
        answer, fault = response.to_answer(end)
        whole = answer.body_end == "whole"
        if whole or not (response.is_success_so_far or (end != "whole" and response.is_grpc)):
            self.answer, self.detail = answer, ""
            return
        self.cut_answer, self.detail = answer, fault or detail
        self.garbage = answer.body_end == "broken"

    def _exhaust(self, limit: str) -> None:
        """End at a bound; what came of an answer counts where its status is enough."""
        self._end("cut", limit)
        self.exhausted = self.answer is None

    def _reject(self, detail: str) -> None:
        """End because the peer does not speak the protocol."""
        self.garbage = self.ended = True
        self.detail = detail
