"""The HTTP proxy on the way: what fails before its tunnel is open is the proxy's, not the backend's.

Only the proxy was connected to then, so it alone is named: in facts, in steps, in their commands.
"""

from typing import Final

from probe.diagnosis.cause import Cause, Match, Rank, Strength
from probe.model.evidence import Evidence
from probe.text.host_port import split_host_port

_CREDENTIALS_WANTED: Final = 407
_CANNOT_REACH: Final = frozenset({502, 503, 504})
"""What proxies answer that let the client pass and can't connect to the backend themselves."""

_ADDRESS: Final = (
    "Or correct proxy_url in the exporter's settings (HTTPS_PROXY in its environment): it names "
    "{proxy_host} port {proxy_port}; to reach the backend without it, remove proxy_url, or set "
    "NO_PROXY={host} where HTTPS_PROXY names it.",
    "{restart}",
)


def is_before_tunnel(evidence: Evidence) -> bool:
    """Whether the attempt ended while only its proxy had been connected to."""
    return bool(evidence.target.proxy) and evidence.ending.stage in {"resolve", "connect"}


def describe_proxy(evidence: Evidence) -> str:
    """Return a clause that names the proxy on the way; empty without one."""
    proxy = evidence.target.proxy
    return f" (through the proxy {proxy})" if proxy else ""


def _match(evidence: Evidence) -> Match | None:
    if not is_before_tunnel(evidence):
        return None
    proxy, ending = evidence.target.proxy, evidence.ending
    match ending.kind:
        case "proxy":
            return _match_refused(evidence)
        case "dns":
            facts: tuple[str, ...] = (
                f"the name of the proxy {proxy} does not resolve: {ending.detail}",
            )
            first = (
                "Add the name of the proxy to the DNS that this machine asks. To see what the "
                "resolver says: getent hosts {proxy_host}"
            )
        case "refused":
            facts = _list_tries(evidence)
            first = (
                "Start the proxy on its host. To see whether it listens there: ss -ltn 'sport = "
                ":{proxy_port}'"
            )
        case _:
            facts = _list_tries(evidence)
            first = (
                "Allow TCP from the exporter to {proxy_host} port {proxy_port} in the firewall, the "
                "security group or the NetworkPolicy."
            )
    return Match(Strength.NAMED, facts, fix=(first, *_ADDRESS))


def _list_tries(evidence: Evidence) -> tuple[str, ...]:
    _, port = split_host_port(evidence.target.proxy)
    tries = tuple(
        f"the proxy at {attempt.address} port {port}: {attempt.error}"
        for attempt in evidence.connects
        if attempt.error
    )
    return tries or (f"the proxy {evidence.target.proxy}: {evidence.ending.detail}",)


def _match_refused(evidence: Evidence) -> Match:
    """Match a proxy that was reached, and opened no tunnel."""
    proxy, ending = evidence.target.proxy, evidence.ending
    fact = f"the proxy {proxy} opened no tunnel to {evidence.target.endpoint}: {ending.detail}"
    if ending.http_status == _CREDENTIALS_WANTED:
        wants = (
            "Write the user name and the password that the proxy {proxy_host} port {proxy_port} "
            "wants into proxy_url of the exporter's settings (HTTPS_PROXY in its environment)."
        )
        return Match(Strength.NAMED, (fact,), fix=(wants, "{restart}"), party="exporter")
    if ending.http_status in _CANNOT_REACH:
        return Match(
            Strength.NAMED,
            (fact,),
            possible=("tcp_refused", "tcp_timeout", "dns_failure", "network_unreachable"),
            decides="the proxy's own log, or a connection to the backend from the proxy's host",
            fix=(
                "Read the proxy's log at that time: it was reached, and could not connect to "
                "{endpoint}.",
                "To see it on the proxy's host: openssl s_client -connect {host}:{port} </dev/null",
            ),
        )
    if not ending.http_status:
        no_proxy = (
            "Read the log of the proxy: what listens on {proxy_host} port {proxy_port} must be an "
            "HTTP proxy that allows CONNECT to {endpoint}."
        )
        return Match(Strength.NAMED, (fact,), fix=(no_proxy, *_ADDRESS))
    return Match(Strength.NAMED, (fact,))


CAUSES: Final = (
    Cause(
        id="proxy_failure",
        title="The proxy opens no tunnel to the backend",
        family="network",
        party="network",
        rank=Rank.PROXY,
        meaning=(
            "The proxy of proxy_url can't be reached, or answers the HTTP CONNECT with something "
            "else than success. The backend was never dialled."
        ),
        evidence="What ended the connection to the proxy, or its status line.",
        fix=(
            "Allow CONNECT to {endpoint} in the proxy's rules, or reach the backend without the "
            "proxy: remove proxy_url from the exporter's settings, or set NO_PROXY={host} where "
            "HTTPS_PROXY names it.",
            "{restart}",
        ),
        tell_apart="It passes without the proxy: look at HTTPS_PROXY and NO_PROXY of the exporter.",
        citations=("RFC 9110 §9.3.6",),
        applies=frozenset({"proxy", "dns", "refused", "timeout", "unreachable", "socket", "reset"}),
        match=_match,
    ),
)
