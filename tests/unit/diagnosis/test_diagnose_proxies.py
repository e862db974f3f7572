"""What fails before a proxy's tunnel is open is the proxy's: it alone was dialled, and is named."""

import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ConnectTry, EndingKind, Evidence, Stage
from tests.support.evidence import attempt, complete_handshake, partial_handshake, target

PROXY = "proxy.example.com:3128"
PROXIED = target(proxy=PROXY)


def failed(stage: Stage, kind: EndingKind, detail: str) -> Evidence:
    """Return an attempt through a proxy at 192.0.2.99 that ended before the tunnel."""
    tries = (ConnectTry(address="192.0.2.99", error=detail),) if stage == "connect" else ()
    return attempt(stage, kind, detail=detail, target=PROXIED, connects=tries, peer_address="")


def said(found: Diagnosis) -> str:
    """Return all that a reader is shown of it."""
    return "\n".join((*found.facts, *found.fix))


@pytest.mark.parametrize(
    ("stage", "kind", "detail"),
    [
        ("resolve", "dns", "EAI_NONAME"),
        ("resolve", "dns", "no answer in time"),
        ("connect", "refused", "ECONNREFUSED"),
        ("connect", "timeout", "ETIMEDOUT"),
        ("connect", "unreachable", "EHOSTUNREACH"),
        ("connect", "socket", "EPERM"),
        ("connect", "reset", "ECONNRESET"),
        ("connect", "proxy", "closed by the proxy"),
        ("connect", "proxy", "no answer from the proxy in time"),
    ],
)
def test_what_fails_before_the_tunnel_is_the_proxys(
    stage: Stage, kind: EndingKind, detail: str
) -> None:
    """The facts name the proxy and its port; the backend's port is in no fact and no command."""
    found = diagnose(failed(stage, kind, detail))
    commands = [step for step in found.fix if "getent" in step or "ss -ltn" in step]

    assert (found.cause, found.certain) == ("proxy_failure", True)
    assert "3128" in said(found)
    assert "192.0.2.99 port 4317" not in said(found)
    assert not any("4317" in fact for fact in found.facts if kind != "proxy")
    assert not any("4317" in step or "collector.example.com" in step for step in commands)


@pytest.mark.parametrize(
    ("kind", "detail", "cause"),
    [
        ("refused", "ECONNREFUSED", "tcp_refused"),
        ("timeout", "ETIMEDOUT", "tcp_timeout"),
        ("unreachable", "EHOSTUNREACH", "network_unreachable"),
        ("reset", "ECONNRESET", "connection_reset"),
    ],
)
def test_without_a_proxy_it_is_the_backends(kind: EndingKind, detail: str, cause: str) -> None:
    """The same endings of a direct connection name the backend's address and port."""
    tries = (ConnectTry(address="192.0.2.10", error=detail),)
    found = diagnose(attempt("connect", kind, detail=detail, connects=tries, peer_address=""))

    assert found.cause == cause
    assert f"192.0.2.10 port 4317: {detail}" in found.facts


@pytest.mark.parametrize("kind", ["close", "reset"])
def test_what_fails_behind_the_tunnel_is_not_the_proxys(kind: EndingKind) -> None:
    """The backend, or the proxy for it, closed: the fact says that a proxy is on the way."""
    early = diagnose(attempt("handshake", kind, handshake=partial_handshake(), target=PROXIED))
    asked = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)
    late = diagnose(attempt("export", kind, handshake=asked, target=PROXIED))

    for found in (early, late):
        assert found.cause in {"connection_closed", "connection_reset"}
        assert f"(through the proxy {PROXY})" in found.facts[0]


def test_our_own_trouble_is_not_the_proxys() -> None:
    """Without descriptors nothing was dialled at all."""
    assert diagnose(failed("connect", "probe_fault", "EMFILE")).cause == "probe_fault"
