"""Asks name servers as a C library or Go does, from the network of this thread.

The messages are dnspython's; which servers are asked, how often, and what their answers mean is
glibc's (res_send, res_search). A server's answer is hostile: whatever cannot be read is none.
"""

import errno
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from probe.attempt.address_order import sort_addresses
from probe.attempt.resolver_files import (
    MOST_ADDRESSES,
    Library,
    ResolverSettings,
    list_candidates,
)
from probe.system.own_limits import EXHAUSTED, OwnLimitError, name_error

LONGEST: Final = 30.0
"""Seconds for one name, whatever resolv.conf asks for."""
_PORT: Final = 53
_LARGEST: Final = 65535
_MOST_DATAGRAMS: Final = 64
"""That are read for one pair of questions: all but two are not answers to them."""
_EDNS_PAYLOAD: Final = 1232
_TRUNCATED, _AUTHORITATIVE, _RECURSIVE = 0x0200, 0x0400, 0x0080
"""The flags TC, AA and RA (RFC 1035 §4.1.1)."""


class UnresolvedError(Exception):
    """A name has no address; `code` is getaddrinfo's, by name."""

    def __init__(self, code: str) -> None:
        """Carry the code."""
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class _Answers:
    """What is known of one name after its servers were asked."""

    addresses: list[str] = field(default_factory=list)
    missing: list[Any] = field(default_factory=list)
    """The questions that nobody has answered."""
    exists: bool = False
    """Whether a server said that the name exists, without an address of one kind."""
    failed: bool = False
    """Whether a server said that it cannot tell."""


def resolve_as_stub(
    host: str, settings: ResolverSettings, library: Library, *, until: float | None = None
) -> tuple[str, ...]:
    """Return the addresses of `host`, sorted.

    Args:
        host: a name in ASCII.
        settings: of resolv.conf.
        library: whose way of searching counts.
        until: monotonic seconds; by default `LONGEST` from now.

    Raises:
        UnresolvedError: where there are none.
        OwnLimitError: where the probe lacks descriptors or memory for a socket.
    """
    end = monotonic() + LONGEST if until is None else until
    exists = failed = False
    for name in list_candidates(host, settings, library):
        answers = _ask_servers(name, settings, end)
        if answers is None:
            continue
        if answers.addresses:
            return sort_addresses(answers.addresses[:MOST_ADDRESSES])
        if answers.missing and (library == "musl" or not answers.failed):
            raise UnresolvedError("EAI_AGAIN")
        exists |= answers.exists
        failed |= answers.failed
    raise UnresolvedError("EAI_AGAIN" if failed else "EAI_NODATA" if exists else "EAI_NONAME")


def _ask_servers(name: str, settings: ResolverSettings, end: float) -> _Answers | None:
    """Ask for both kinds of addresses until both are answered; None for a name that DNS cannot have."""
    import dns.exception
    import dns.message
    import dns.name

    try:
        asked = dns.name.from_text(name)
    except (dns.exception.DNSException, ValueError):
        return None
    kinds = ("A",) if settings.ipv4_only else ("A", "AAAA")
    edns = 0 if settings.edns else None
    answers = _Answers(
        missing=[
            dns.message.make_query(asked, kind, use_edns=edns, payload=_EDNS_PAYLOAD)
            for kind in kinds
        ]
    )
    for _ in range(settings.attempts):
        for server in settings.servers:
            left = end - monotonic()
            if not answers.missing or left <= 0:
                return answers
            _ask_server(server, settings, min(settings.timeout, left), answers)
    return answers


def _ask_server(server: str, settings: ResolverSettings, timeout: float, answers: _Answers) -> None:
    """Put the questions that are `missing` to one server, and take what it answers in time."""
    end = monotonic() + timeout
    try:
        if not settings.over_tcp:
            for query, reply in _exchange_datagrams(server, answers.missing, end):
                is_cut = bool(reply.flags & _TRUNCATED)
                _take_reply(query, _ask_stream(server, query, end) if is_cut else reply, answers)
        else:
            for query in tuple(answers.missing):
                _take_reply(query, _ask_stream(server, query, end), answers)
    except MemoryError:
        raise OwnLimitError("MemoryError") from None
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise OwnLimitError(name_error(error.errno)) from None


def _exchange_datagrams(
    server: str, queries: Sequence[Any], end: float
) -> Iterable[tuple[Any, Any]]:
    """Send all questions at once, as glibc does, and yield the answers as they come."""
    waiting = list(queries)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(_find_address(server))
        for query in waiting:
            sock.send(query.to_wire())
        for _ in range(_MOST_DATAGRAMS):
            left = end - monotonic()
            if not waiting or left <= 0:
                return
            sock.settimeout(left)
            reply = _parse(sock.recv(_LARGEST))
            query = next((one for one in waiting if reply and one.is_response(reply)), None)
            if query is not None:
                waiting.remove(query)
                yield query, reply


def _ask_stream(server: str, query: Any, end: float) -> Any:
    """Return the answer over TCP (RFC 7766), or None."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(max(end - monotonic(), 0.001))
        sock.connect(_find_address(server))
        wire = query.to_wire()
        sock.sendall(len(wire).to_bytes(2) + wire)
        size = int.from_bytes(_receive(sock, 2, end))
        reply = _parse(_receive(sock, size, end))
    return reply if reply and query.is_response(reply) else None


def _receive(sock: socket.socket, size: int, end: float) -> bytes:
    received = b""
    while len(received) < size:
        sock.settimeout(max(end - monotonic(), 0.001))
        part = sock.recv(size - len(received))
        if not part:
            raise OSError(errno.ECONNRESET, "the server has closed")
        received += part
    return received


def _find_address(server: str) -> tuple[str, int] | tuple[str, int, int, int]:
    address, _, zone = server.partition("%")
    if ":" not in server:
        return address, _PORT
    scope = int(zone) if zone.isdigit() else socket.if_nametoindex(zone) if zone else 0
    return address, _PORT, 0, scope


def _parse(wire: bytes) -> Any:
    """Return a message, or None where it is not one."""
    import dns.message

    try:
        return dns.message.from_wire(wire, ignore_trailing=True)
    except Exception:  # noqa: BLE001 - whatever a hostile message makes of the parser
        return None


def _take_reply(query: Any, reply: Any, answers: _Answers) -> None:
    """Enter what a server said; a question that it could not answer stays missing."""
    import dns.exception
    import dns.rcode

    if reply is None:
        return
    # The last is a referral by a server that does not look further: Go and glibc ask the next one.
    if reply.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} or _is_lame(reply):
        answers.failed = True
        return
    answers.missing = [one for one in answers.missing if one is not query]
    if reply.rcode() == dns.rcode.NXDOMAIN:
        return
    try:
        found = reply.resolve_chaining().answer
    except dns.exception.DNSException:
        found = None
    if found is None:
        answers.exists = True
    else:
        answers.addresses += (record.address for record in found)


def _is_lame(reply: Any) -> bool:
    """Return whether an empty success is neither authoritative nor of a server that recurses."""
    empty = not (reply.answer or reply.additional)
    return empty and not reply.rcode() and not reply.flags & (_AUTHORITATIVE | _RECURSIVE)
