"""What the receiving half of an HTTP exchange offers, whatever the version: an interface."""

from typing import Literal, Protocol

from probe.model.evidence import Answer


class Exchange(Protocol):
    """The receiving half of an exchange: total, and fed in any pieces."""

    over: Literal["h2", "http/1.1"]
    answer: Answer | None
    """The complete answer; or of one that is not a success as much as came before it was cut."""
    cut_answer: Answer | None
    """The beginning of a success whose body was not read to its end: it confirms nothing."""
    spoke: bool
    """Whether the peer has spoken this protocol: its SETTINGS, or a status line."""
    garbage: bool
    """Whether the peer does not speak it, or breaks it."""
    exhausted: bool
    """Whether more came than one answer may take; `detail` names the bound."""
    ended: bool
    """Whether nothing more is read; without any of the above, no answer will come."""
    detail: str
    """A short safe fact about an end without an answer."""
    first: bytes
    """What came first of a peer that does not speak it: at most 7 bytes."""
    speaks_http1: bool
    """HTTP/2: whether the peer answers in HTTP/1.x; `unread` are its bytes."""
    unread: bytes
    goaway: tuple[int, str] | None
    """HTTP/2: the error code and the safe debug text of GOAWAY."""
    stream_error: int | None
    """HTTP/2: the error code of RST_STREAM."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""

    def receive_eof(self, *, orderly: bool = True) -> None:
        """Learn that nothing more comes; `orderly`: by a FIN, and not by an RST."""

    def end_early(self) -> None:
        """Learn that no more is read, because of a deadline or a bound."""

    def take_output(self) -> bytes:
        """Return what the protocol itself has to reply."""
