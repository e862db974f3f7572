"""What a name server answers, and what that means for one name and for the next."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from probe.attempt import stub_resolver
from probe.attempt.resolver_files import Library, ResolverSettings
from probe.attempt.stub_resolver import UnresolvedError, resolve_as_stub

Answer = Callable[[Any, str, str], Any]


def reply_with(query: Any, *addresses: str, code: int = 0) -> Any:
    """Return a response with these addresses."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(code)
    question = query.question[0]
    if addresses:
        kind = dns.rdatatype.to_text(question.rdtype)
        reply.answer.append(dns.rrset.from_text_list(question.name, 1, "IN", kind, addresses))
    return reply


@contextmanager
def serving(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, *, over_tcp: Answer | None = None
) -> Iterator[list[tuple[str, str]]]:
    """Serve DNS on loopback by `answer`, over UDP and TCP; yield what is asked."""
    asked: list[tuple[str, str]] = []

    def handle(wire: bytes, by: Answer) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        asked.append((name, kind))
        made = by(query, name, kind)
        return made if made is None or isinstance(made, bytes) else made.to_wire()

    udp, tcp = _listen()

    def serve_udp() -> None:
        while True:
            try:
                wire, peer = udp.recvfrom(4096)
            except OSError:
                return
            if not wire:
                return
            if (made := handle(wire, answer)) is not None:
                udp.sendto(made, peer)

    def serve_tcp() -> None:
        while True:
            try:
                sock, _ = tcp.accept()
            except OSError:
                return
            with sock:
                size = struct.unpack(">H", sock.recv(2))[0]
                if (made := handle(sock.recv(size), over_tcp or answer)) is not None:
                    sock.sendall(struct.pack(">H", len(made)) + made)

    threads = [threading.Thread(target=each, daemon=True) for each in (serve_udp, serve_tcp)]
    for thread in threads:
        thread.start()
    monkeypatch.setattr(stub_resolver, "_PORT", udp.getsockname()[1])
    try:
        yield asked
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", udp.getsockname())
        tcp.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def _listen() -> tuple[socket.socket, socket.socket]:
    """Return sockets of UDP and TCP with one port, which both must have free."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp


SETTINGS = ResolverSettings(domains=("a.test", "b.test"), timeout=1.0, attempts=1)


def resolve(
    host: str = "x", settings: ResolverSettings = SETTINGS, library: Library = "glibc"
) -> tuple[str, ...]:
    """Resolve as glibc does, or another library."""
    return resolve_as_stub(host, settings, library)


def test_the_first_name_that_has_an_address_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds are asked for at once; IPv4 alone is enough."""

    def answer(query: Any, name: str, kind: str) -> Any:
        if name == "x.b.test":
            return reply_with(query, *(["192.0.2.1"] if kind == "A" else []))
        return reply_with(query, code=3)

    with serving(answer, monkeypatch) as asked:
        assert resolve() == ("192.0.2.1",)
    assert asked == [(f"x.{domain}.test", kind) for domain in "ab" for kind in ("A", "AAAA")]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({"x.a.test": 3, "x.b.test": 3, "x": 3}, "EAI_NONAME"),
        ({"x.a.test": 0, "x.b.test": 3, "x": 3}, "EAI_NODATA"),
        ({"x.a.test": 2, "x.b.test": 3, "x": 3}, "EAI_AGAIN"),
        ({"x.a.test": 5, "x.b.test": 0, "x": 3}, "EAI_AGAIN"),
    ],
)
def test_what_is_said_of_a_name_without_an_address(
    monkeypatch: pytest.MonkeyPatch, codes: dict[str, int], code: str
) -> None:
    """It does not exist, has no address, or a server could not tell."""

    def answer(query: Any, name: str, _: str) -> Any:
        return reply_with(query, code=codes[name])

    with serving(answer, monkeypatch), pytest.raises(UnresolvedError, match=code):
        resolve()


def test_musl_ends_at_the_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where glibc and Go go on to the next domain."""

    def answer(query: Any, name: str, _: str) -> Any:
        return reply_with(query, code=2 if name == "x.a.test" else 3)

    with serving(answer, monkeypatch) as asked:
        cases: tuple[tuple[Library, str], ...] = (("musl", "x.a.test"), ("go", "x"), ("glibc", "x"))
        for library, last in cases:
            with pytest.raises(UnresolvedError, match="EAI_AGAIN"):
                resolve("x", library=library)
            assert asked[-1][0] == last


def test_a_silent_server_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in res_search: the other names would wait as long."""
    with (
        serving(lambda *_: None, monkeypatch) as asked,
        pytest.raises(UnresolvedError, match="EAI_AGAIN"),
    ):
        resolve(settings=ResolverSettings(domains=("a.test",), timeout=0.2, attempts=2))
    assert {name for name, _ in asked} == {"x.a.test"}


def test_a_cut_answer_is_asked_for_over_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag TC (RFC 7766)."""

    def cut(query: Any, _name: str, _kind: str) -> Any:
        reply = reply_with(query)
        reply.flags |= dns.flags.TC
        return reply

    def whole(query: Any, _name: str, kind: str) -> Any:
        return reply_with(query, *(["192.0.2.2", "192.0.2.3"] if kind == "A" else []))

    with serving(cut, monkeypatch, over_tcp=whole):
        assert set(resolve("x.")) == {"192.0.2.2", "192.0.2.3"}


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\xff" * 600, b"\x00\x00\x81\x80" + b"\xc0" * 100])
def test_an_answer_that_cannot_be_read_is_none(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    """A server is hostile: whatever it sends, the name is unresolved, in time."""
    settings = ResolverSettings(timeout=0.3, attempts=1)
    with serving(lambda *_: raw, monkeypatch), pytest.raises(UnresolvedError, match="EAI_AGAIN"):
        resolve("x.", settings)


def test_a_referral_is_not_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that knows nothing and asks nobody cannot tell whether the name exists."""

    def refer(query: Any, _name: str, _kind: str) -> Any:
        return dns.message.make_response(query)

    with serving(refer, monkeypatch), pytest.raises(UnresolvedError, match="EAI_AGAIN"):
        resolve("x.")


def test_answers_to_other_questions_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another id, another name: what somebody on the way might forge."""

    def answer(query: Any, name: str, kind: str) -> Any:
        reply = reply_with(query, *(["192.0.2.66"] if kind == "A" else []))
        reply.id ^= 1
        return reply

    settings = ResolverSettings(timeout=0.3, attempts=1)
    with serving(answer, monkeypatch), pytest.raises(UnresolvedError, match="EAI_AGAIN"):
        resolve("x.", settings)


@pytest.mark.parametrize("host", ["a" * 64, "a..b", ".", "x" * 300 + ".test"])
def test_what_dns_cannot_ask_for_is_no_name(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Labels of 63 bytes and names of 255."""
    with (
        serving(lambda query, *_: reply_with(query, code=3), monkeypatch),
        pytest.raises(UnresolvedError, match="EAI_NONAME"),
    ):
        resolve(host)


def test_a_server_that_nobody_runs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """ECONNREFUSED comes at once; the next server is asked."""
    monkeypatch.setattr(stub_resolver, "_PORT", 9)
    with pytest.raises(UnresolvedError, match="EAI_AGAIN"):
        resolve(settings=ResolverSettings(servers=("127.0.0.1", "127.0.0.2"), attempts=2))
